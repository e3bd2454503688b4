// Where each materialised value lives: a leaf, an output's own buffer, a leaf's buffer in place, or the arena.
import { sameShape } from '../base/shape.ts'
import type { Node } from '../graph/node.ts'
import { opTable } from '../graph/op-table.ts'
import type { Graph } from './graph.ts'
import { nodeBytes, type Place } from './plan-memory.ts'
import type { KernelGroup } from './schedule-types.ts'

export interface Placement {
  readonly placeOf: ReadonlyMap<Node, Place>
  /** outputs that had to be computed beside the place they go to: copied there when everything else has run */
  readonly copies: readonly { readonly from: Node; readonly to: Place }[]
}

export function placeValues(
  graph: Graph,
  leaves: readonly Node[],
  roots: readonly Node[],
  groups: readonly KernelGroup[],
  raising: ReadonlySet<KernelGroup>,
): Placement {
  const placeOf = new Map<Node, Place>()
  leaves.forEach((leaf, slot) => {
    placeOf.set(leaf, { kind: 'leaf', slot })
  })
  const copies: { from: Node; to: Place }[] = []
  roots.forEach((root, index) => {
    const { target, persistent } = graph.outputs[index]
    // what outlasts the program is written when all tests have passed, not by the kernel that makes one
    const waits = persistent && groups.some((group) => raising.has(group) && group.outputs.includes(root))
    if (target === undefined && waits) copies.push({ from: root, to: { kind: 'output', index } })
    else if (target === undefined) placeOf.set(root, { kind: 'output', index })
    else if (!waits && mayWriteInPlace(root, leaves[target], groups)) placeOf.set(root, placeOf.get(leaves[target])!)
    else copies.push({ from: root, to: placeOf.get(leaves[target])! })
  })
  for (const group of groups)
    for (const output of group.outputs)
      if (!placeOf.has(output)) placeOf.set(output, { kind: 'arena', bytes: nodeBytes(output) })
  return { placeOf, copies }
}

/** The old value must not be read by a later kernel, and by this one only at the element that it writes. */
function mayWriteInPlace(root: Node, leaf: Node, groups: readonly KernelGroup[]): boolean {
  const writer = groups.findIndex((group) => group.outputs.includes(root))
  if (groups.some((group, i) => i > writer && group.inputs.includes(leaf))) return false
  const group = groups[writer]
  if (!group.inputs.includes(leaf)) return true
  const storesOnce = group.anchor === 'map' || group.anchor === 'tile' || isOnePass(group, root)
  return storesOnce && readsElementwise(group, root, leaf)
}

/** A row kernel whose results are all of one shape, one element a row, and stored together when its only level of reductions is known. */
function isOnePass(group: KernelGroup, root: Node): boolean {
  if (group.anchor !== 'row' || group.outputs.some(({ shape }) => !sameShape(shape, root.shape))) return false
  const reduced = new Set<Node>()
  for (const node of group.inner) {
    const follows = node.inputs.some((input) => reduced.has(input))
    if (node.op === 'reduce' && (follows || sameShape(node.inputs[0].shape, root.shape))) return false
    if (node.op === 'reduce' || follows) reduced.add(node)
  }
  return group.outputs.every((output) => reduced.has(output))
}

/** Whether everything in the group that depends on the leaf is computed element by element over the shape of `root`. */
function readsElementwise(group: KernelGroup, root: Node, leaf: Node): boolean {
  const reading = new Set<Node>([leaf])
  for (const node of group.inner) {
    if (!node.inputs.some((input) => reading.has(input))) continue
    if (opTable[node.op].family !== 'elementwise' && node.op !== 'copy') return false
    if (!sameShape(node.shape, root.shape)) return false
    reading.add(node)
  }
  return true
}
