// Merges map kernels that run over one shape: siblings that share an operand, and a result with what is computed from it in place.
import { sameShape } from '../../base/shape.ts'
import { elementsOf, type Node } from '../../graph/node.ts'
import { opTable } from '../../graph/op-table.ts'
import type { KernelGroup } from '../schedule-types.ts'
import { collect } from './collect.ts'

const outputLimit = 8
/** Elements up to which a kernel is mostly its own start: siblings then merge whatever it is that they share. */
const smallSize = 65536

/**
 * Every group has a level: all that it reads is produced at lower levels. Merging keeps levels valid, so no cycle can arise:
 * siblings must share a level, and a map joins the map it reads from when all else that it reads is produced below that one. What is
 * neither wanted nor read by another kernel afterwards needs no memory any more.
 */
export function mergeMaps(groups: readonly KernelGroup[], wanted: ReadonlySet<Node>): KernelGroup[] {
  const producer = new Map<Node, KernelGroup>()
  for (const group of groups) for (const output of group.outputs) producer.set(output, group)
  const levels = levelsOf(groups, producer)
  const merged: KernelGroup[] = []
  const levelOfInput = (node: Node): number => {
    const group = producer.get(node)
    return group ? levels.get(group)! : -1
  }
  const mergedLevels: number[] = []
  const ordered = [...groups].sort((a, b) => levels.get(a)! - levels.get(b)!)
  for (const group of ordered) {
    const level = levels.get(group)!
    const fits = (index: number): boolean => {
      const host = merged[index]
      if (host.anchor !== 'map' || host.outputs.length >= outputLimit) return false
      if (!sameShape(host.outputs[0].shape, group.outputs[0].shape)) return false
      if (mergedLevels[index] === level) return sharesInput(host, group)
      return (
        readsInPlace(group, host) &&
        group.inputs.every((i) => host.outputs.includes(i) || levelOfInput(i) < mergedLevels[index])
      )
    }
    const index = group.anchor === 'map' ? merged.findIndex((_, i) => fits(i)) : -1
    if (index < 0) {
      merged.push(group)
      mergedLevels.push(level)
      continue
    }
    merged[index] = merge(merged[index], group)
    levels.set(group, mergedLevels[index])
  }
  return withoutUnread(merged, wanted)
}

/** Whether one loop over both saves reading something of about their own size. */
function sharesInput(a: KernelGroup, b: KernelGroup): boolean {
  const size = elementsOf(a.outputs[0])
  return a.inputs.some((input) => b.inputs.includes(input) && (size <= smallSize || elementsOf(input) * 4 >= size))
}

function withoutUnread(groups: readonly KernelGroup[], wanted: ReadonlySet<Node>): KernelGroup[] {
  const read = new Set(groups.flatMap(({ inputs }) => inputs))
  return groups.map((group) => {
    const outputs = group.outputs.filter((output) => wanted.has(output) || read.has(output))
    return group.anchor === 'map' && outputs.length < group.outputs.length ? regroup(outputs, [group]) : group
  })
}

function levelsOf(groups: readonly KernelGroup[], producer: ReadonlyMap<Node, KernelGroup>): Map<KernelGroup, number> {
  const levels = new Map<KernelGroup, number>()
  const levelOf = (group: KernelGroup): number => {
    let level = levels.get(group)
    if (level !== undefined) return level
    level = 0
    for (const input of group.inputs) {
      const before = producer.get(input)
      if (before) level = Math.max(level, levelOf(before) + 1)
    }
    levels.set(group, level)
    return level
  }
  for (const group of groups) levelOf(group)
  return levels
}

/** Whether `group` reads outputs of `host`, and each of them only element by element. */
function readsInPlace(group: KernelGroup, host: KernelGroup): boolean {
  const shape = group.outputs[0].shape
  const leading = new Set<Node>(host.outputs.filter((output) => group.inputs.includes(output)))
  if (leading.size === 0) return false
  for (const node of group.inner) {
    if (!node.inputs.some((input) => leading.has(input))) continue
    if (opTable[node.op].family !== 'elementwise' || !sameShape(node.shape, shape)) return false
    leading.add(node)
  }
  return true
}

const merge = (a: KernelGroup, b: KernelGroup): KernelGroup => regroup([...a.outputs, ...b.outputs], [a, b])

/** One map kernel for outputs of several. */
function regroup(outputs: readonly Node[], parts: readonly KernelGroup[]): KernelGroup {
  const made = new Set(parts.flatMap((part) => part.outputs))
  const inputs = new Set(parts.flatMap((part) => part.inputs).filter((input) => !made.has(input)))
  const all = new Set(parts.flatMap(({ inner }) => inner))
  return { anchor: 'map', outputs, ...collect(outputs, (node) => inputs.has(node) || !all.has(node)) }
}
