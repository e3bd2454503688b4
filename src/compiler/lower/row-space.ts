// The iteration space of a row group: the shape that its reductions reduce, as runs of kept and reduced axes, and where every output
// and every reduction lies in it. Passes: reductions of one level share a loop; what depends on them waits for the next.
import { CompileError } from '../../base/errors.ts'
import { formatShape, type Shape, sameShape, sizeOf } from '../../base/shape.ts'
import { isOp, type Node } from '../../graph/node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import { weightOf } from './evaluate.ts'
import {
  type Affine,
  type Axis,
  linearIndex,
  makeAxis,
  strideAlong,
  substitute,
  unravel,
  zero,
} from './index-algebra.ts'
import { indicesInAncestor, isElementwise, isMovement } from './index-map.ts'
import { digitIn, refine } from './refine.ts'

/** A maximal run of neighbouring axes that are all kept or all reduced. */
interface Run {
  readonly reduced: boolean
  readonly extent: number
}

function runsOf(shape: Shape, axes: readonly number[]): Run[] {
  const runs: Run[] = []
  shape.forEach((extent, axis) => {
    if (extent === 1) return
    const reduced = axes.includes(axis)
    const last = runs.at(-1)
    if (last?.reduced === reduced) runs[runs.length - 1] = { reduced, extent: last.extent * extent }
    else runs.push({ reduced, extent })
  })
  return runs
}

/** One output and whether it has an element per element of the space, or one per row. */
export interface Placed {
  readonly node: Node
  readonly full: boolean
  /** index vector of the output, given the space's index vectors */
  readonly at: (full: readonly Affine[], kept: readonly Affine[]) => readonly Affine[]
}

/** A sum over the rows, and an output that it is or that reshapes it. */
export interface AcrossOutput {
  readonly node: Node<'reduce'>
  readonly output: Node
}

/** Which axes an index vector is of; the others are 0 in it. */
type Part = 'all' | 'kept' | 'reduced'

export class RowSpace {
  readonly shape: Shape
  readonly axes: readonly number[]
  readonly reduces: readonly Node<'reduce'>[]
  /** sums over the rows, of values that lie along them */
  readonly across: readonly Node<'reduce'>[]
  readonly acrossOutputs: readonly AcrossOutput[]
  readonly roots: readonly Axis[]
  readonly runs: readonly Run[]
  readonly outputs: readonly Placed[]
  readonly levels: ReadonlyMap<Node, number>
  readonly passes: number

  constructor(group: KernelGroup) {
    const all = group.inner.filter((node) => isOp(node, 'reduce')) as Node<'reduce'>[]
    if (all.length === 0) throw new CompileError('lower: expected a reduction in a row kernel, got none.')
    const anchor = all.find((node) => node === group.anchorNode) ?? all[0]
    this.shape = anchor.inputs[0].shape
    this.axes = anchor.attrs.axes
    this.runs = runsOf(this.shape, this.axes)
    const isAcross = (node: Node<'reduce'>) =>
      runsOf(node.inputs[0].shape, node.attrs.axes)[0]?.reduced !== this.runs[0]?.reduced
    const reduces = all.filter((node) => !isAcross(node))
    this.reduces = reduces
    this.across = all.filter(isAcross)
    this.acrossOutputs = group.outputs.flatMap((output) => {
      const node = this.across.find((candidate) => candidate === baseOf(output))
      return node ? [{ node, output }] : []
    })
    this.roots = this.runs.map((run, i) => makeAxis(run.reduced ? `r${i}` : `k${i}`, run.extent))
    for (const node of reduces) this.#requireSpace(node, false)
    for (const node of this.across) this.#requireSpace(node, true)
    this.levels = levelsOf(group)
    this.passes = Math.max(...reduces.map((node) => this.levels.get(node)!))
    const members = this.#members(group)
    const acrossOutputs: ReadonlySet<Node> = new Set(this.acrossOutputs.map(({ output }) => output))
    this.outputs = group.outputs.filter((node) => !acrossOutputs.has(node)).map((node) => this.#place(node, members))
  }

  /** Reductions that this kernel computes, not those that it reads from memory. */
  isOwn(node: Node): node is Node<'reduce'> {
    return isOp(node, 'reduce') && this.reduces.includes(node)
  }

  #requireSpace(node: Node<'reduce'>, isAcross: boolean): void {
    const runs = runsOf(node.inputs[0].shape, node.attrs.axes)
    const expected = this.runs.map((run) => ({ ...run, reduced: run.reduced !== isAcross }))
    const same = runs.length === expected.length && runs.every((run, i) => sameRun(run, expected[i]))
    if (same) return
    throw new CompileError(
      `lower: expected the reductions of a row kernel to share ${formatShape(this.shape)} over axes ${formatShape(this.axes)}, ` +
        `got ${formatShape(node.inputs[0].shape)} over ${formatShape(node.attrs.axes)}.`,
    )
  }

  /** Index vector of a shape with this space's runs, given the position in each run. */
  indices(positions: readonly Affine[], shape: Shape, axes: readonly number[], part: Part): Affine[] {
    const indices = new Array<Affine>(shape.length).fill(zero)
    let run = -1
    let members: number[] = []
    const flush = () => {
      if (members.length === 0 || (part !== 'all' && this.runs[run].reduced !== (part === 'reduced'))) return
      const digits = unravel(
        positions[run],
        members.map((axis) => shape[axis]),
      )
      for (const [i, axis] of members.entries()) indices[axis] = digits[i]
    }
    let reduced: boolean | undefined
    shape.forEach((extent, axis) => {
      if (extent === 1) return
      if (axes.includes(axis) !== reduced) {
        flush()
        reduced = axes.includes(axis)
        members = []
        run++
      }
      members.push(axis)
    })
    flush()
    return indices
  }

  /** The nodes whose elements are the space's, at the same index. */
  #members(group: KernelGroup): Set<Node> {
    const members = new Set<Node>()
    const inShape = (node: Node) => sameShape(node.shape, this.shape)
    for (const { inputs } of this.reduces) if (inShape(inputs[0])) members.add(inputs[0])
    for (const node of group.inner)
      if (isOp(node, 'expand') && inShape(node) && this.isOwn(node.inputs[0])) members.add(node)
    for (let before = -1; before !== members.size; ) {
      before = members.size
      for (const node of group.inner) {
        if (!isElementwise(node) || !inShape(node)) continue
        const joined = members.has(node) || node.inputs.some((input: Node) => members.has(input))
        if (joined) for (const member of [node, ...node.inputs]) members.add(member)
      }
    }
    return members
  }

  #place(node: Node, members: ReadonlySet<Node>): Placed {
    const size = sizeOf(node.shape)
    const reduces: ReadonlySet<Node> = new Set(this.reduces)
    if (size === sizeOf(this.shape)) {
      const found = invert(node, (candidate) => members.has(candidate))
      if (found) return { node, full: true, at: (full) => found.at(full) }
      if (sameExtents(node.shape, this.shape))
        return { node, full: true, at: (full) => unravel(linearIndex(full, this.shape), node.shape) }
    }
    const found = invert(node, (candidate) => reduces.has(candidate)) ?? this.#onePerRow(node)
    if (found && 'full' in found) return found
    if (!found)
      throw new CompileError(
        `lower: expected output ${node.op} ${formatShape(node.shape)} to follow the rows of ${formatShape(this.shape)}.`,
      )
    return { node, full: false, at: (_, kept) => found.at(this.#keptOf(kept, found.ancestor as Node<'reduce'>)) }
  }

  /** A value per row that is not made of reductions, such as what a gather picks from the row: its axes are the kept ones, in order. */
  #onePerRow(node: Node): Placed | undefined {
    const axes = this.shape.map((_, axis) => axis).filter((axis) => this.shape[axis] !== 1 && !this.axes.includes(axis))
    const keptShape = axes.map((axis) => this.shape[axis])
    if (!sameExtents(node.shape, keptShape)) return undefined
    const inRow = (kept: readonly Affine[]): Affine =>
      linearIndex(
        axes.map((axis) => kept[axis]),
        keptShape,
      )
    return { node, full: false, at: (_, kept) => unravel(inRow(kept), node.shape) }
  }

  /** The kept index vector of the anchor's shape as one of another reduction's shape. */
  #keptOf(kept: readonly Affine[], reduce: Node<'reduce'>): readonly Affine[] {
    if (sameShape(reduce.inputs[0].shape, this.shape)) return kept
    return unravel(linearIndex(kept, this.reduces[0].shape), reduce.shape)
  }
}

/** What a node is a reshape of. */
const baseOf = (node: Node): Node => (node.op === 'reshape' ? baseOf(node.inputs[0]) : node)

/** Equal but for axes of size 1: what the schedule takes for the same row. */
const sameExtents = (a: Shape, b: Shape): boolean =>
  sameShape(
    a.filter((extent) => extent !== 1),
    b.filter((extent) => extent !== 1),
  )

const sameRun = (a: Run, b: Run): boolean => a.reduced === b.reduced && a.extent === b.extent

interface Inverse {
  readonly ancestor: Node
  readonly at: (ancestor: readonly Affine[]) => readonly Affine[]
}

/** Where in `node` the element of an ancestor lies, if that map is a bijection by way of reshapes and permutations. */
function invert(node: Node, isAncestor: (node: Node) => boolean): Inverse | undefined {
  if (isAncestor(node)) return { ancestor: node, at: (indices) => indices }
  const root = makeAxis('o', sizeOf(node.shape))
  const find = (position: Affine) => indicesInAncestor(node, unravel(position, node.shape), isAncestor)
  const refined = refine([root], ([position]) => [...(find(position)?.indices ?? [])])
  const found = find(refined.roots[0])
  if (!found || found.guarded) return undefined
  const digits = new Map<Axis, (indices: readonly Affine[]) => Affine>()
  for (const axis of refined.axes[0]) {
    const dimension = found.indices.findIndex((index) => (strideAlong(index, axis) ?? 0) > 0)
    if (dimension < 0) return undefined
    const stride = strideAlong(found.indices[dimension], axis)!
    digits.set(axis, (indices) => digitIn(indices[dimension], stride, axis.extent))
  }
  const at = (indices: readonly Affine[]) =>
    unravel(
      substitute(refined.roots[0], (axis) => digits.get(axis)?.(indices)),
      node.shape,
    )
  return { ancestor: found.node, at }
}

/** How many reductions of the group lie one behind the other below each node, itself included. */
function levelsOf(group: KernelGroup): Map<Node, number> {
  const levels = new Map<Node, number>()
  for (const node of group.inner) {
    let level = 0
    for (const input of node.inputs) level = Math.max(level, levels.get(input) ?? 0)
    levels.set(node, node.op === 'reduce' ? level + 1 : level)
  }
  return levels
}

/** Recomputing less than this many additions per element is cheaper than holding the value. */
const holdWeight = 10

/** Values of the space that one pass computes and later ones read again, with the pass that computes them. */
export function heldValues(
  group: KernelGroup,
  space: RowSpace,
  rootsOf: (pass: number) => readonly Node[],
): Map<Node, number> {
  const inner: ReadonlySet<Node> = new Set(group.inner)
  const held = new Map<Node, number>()
  const firstPass = new Map<Node, number>()
  const weight = spaceWeights(group, space)
  const visit = (node: Node, pass: number) => {
    if (!inner.has(node) || node.op === 'reduce') return
    const first = firstPass.get(node)
    if (first === pass) return
    if (first === undefined) firstPass.set(node, pass)
    else if (sameShape(node.shape, space.shape) && !isMovement(node) && weight.get(node)! >= holdWeight) {
      held.set(node, first)
      return
    }
    for (const input of node.inputs) visit(input, pass)
  }
  for (let pass = 1; pass <= space.passes + 1; pass++) for (const root of rootsOf(pass)) visit(root, pass)
  return held
}

/** Additions per element of the space; values per row are computed once per row and weigh nothing. */
function spaceWeights(group: KernelGroup, space: RowSpace): Map<Node, number> {
  const weights = new Map<Node, number>()
  const size = sizeOf(space.shape)
  for (const node of group.inner) {
    const own = node.op === 'reduce' || sizeOf(node.shape) < size ? 0 : weightOf(node)
    const below =
      node.op === 'reduce' ? 0 : node.inputs.reduce((sum: number, input: Node) => sum + (weights.get(input) ?? 0), 0)
    weights.set(node, Math.min(1e6, own + below))
  }
  return weights
}
