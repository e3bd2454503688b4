// How movement nodes move indices: from an index vector of the output to that of an input, plus the conditions under which the input is read.
import { CompileError } from '../../base/errors.ts'
import { type Shape, sizeOf } from '../../base/shape.ts'
import { isOp, type Node } from '../../graph/node.ts'
import {
  type Affine,
  type Axis,
  add,
  addScaled,
  axisIndex,
  constantIndex,
  linearIndex,
  makeAxis,
  offset,
  scale,
  substitute,
  unravel,
  unravelInside,
  zero,
} from './index-algebra.ts'
import { collectCuts, cutAxis } from './refine.ts'

/** 0 <= index < limit */
export interface Bound {
  readonly index: Affine
  readonly limit: number
}

/** A conjunction of bounds; none means always. */
export type Guard = readonly Bound[]
export const always: Guard = []

export const guardKey = (guard: Guard): string => guard.map(({ index, limit }) => `${index.key}<${limit}`).join('&')

/** The guard with one more bound, folded by range: 'never' when it cannot hold. */
export function withBound(guard: Guard, index: Affine, limit: number): Guard | 'never' {
  if (index.min >= 0 && index.max < limit) return guard
  if (index.max < 0 || index.min >= limit) return 'never'
  const key = index.key
  if (guard.some((bound) => bound.limit <= limit && bound.index.key === key)) return guard
  return [...guard, { index, limit }]
}

export interface Source {
  readonly input: Node
  readonly indices: readonly Affine[]
  /** bounds that select this input, beyond those that held already */
  readonly bounds: readonly Bound[]
}

export type MovementName = 'reshape' | 'permute' | 'expand' | 'pad' | 'slice' | 'window' | 'concat'
const movementNames: ReadonlySet<string> = new Set<MovementName>([
  'reshape',
  'permute',
  'expand',
  'pad',
  'slice',
  'window',
  'concat',
])
export const isMovement = (node: Node): node is Node<MovementName> => movementNames.has(node.op)

/** Index vector in `from`, given the one in `to`, of a tensor whose row-major order is kept; indices beyond it are under a guard. */
export function reshapeIndices(indices: readonly Affine[], to: Shape, from: Shape): Affine[] {
  const result: Affine[] = []
  let [i, j] = [0, 0]
  while (j < from.length) {
    // the smallest runs of equal size: their digits mix, those of other runs do not
    const [iStart, jStart] = [i, j]
    let fromSize = from[j++]
    let toSize = i < to.length ? to[i++] : 1
    while (fromSize !== toSize) {
      if (toSize < fromSize && i < to.length) toSize *= to[i++]
      else if (j < from.length) fromSize *= from[j++]
      else break
    }
    if (j === from.length) i = to.length
    const [run, target] = [to.slice(iStart, i), from.slice(jStart, j)]
    result.push(...unravelInside(linearIndex(indices.slice(iStart, i), run), target))
  }
  return result
}

function concatSources(node: Node<'concat'>, indices: readonly Affine[]): Source[] {
  const { axis } = node.attrs
  let start = 0
  return node.inputs.map((input) => {
    const moved = indices.with(axis, offset(indices[axis], -start))
    start += input.shape[axis]
    return { input, indices: moved, bounds: [{ index: moved[axis], limit: input.shape[axis] }] }
  })
}

function windowIndices(node: Node<'window'>, indices: readonly Affine[]): Affine[] {
  const { axis, stride, dilation } = node.attrs
  const moved = indices.slice(0, -1)
  moved[axis] = addScaled(scale(indices[axis], stride), indices[indices.length - 1], dilation)
  return moved
}

function padSource(node: Node<'pad'>, indices: readonly Affine[]): Source {
  const [input] = node.inputs
  const moved = indices.map((index, axis) => offset(index, -node.attrs.before[axis]))
  return { input, indices: moved, bounds: moved.map((index, axis) => ({ index, limit: input.shape[axis] })) }
}

/** Where a movement node's element comes from: one source, or one per input of a concat. */
export function moveIndices(node: Node<MovementName>, indices: readonly Affine[]): readonly Source[] {
  const input = node.inputs[0]
  const from = (moved: readonly Affine[]): Source[] => [{ input, indices: moved, bounds: [] }]
  if (isOp(node, 'reshape')) return from(reshapeIndices(indices, node.shape, input.shape))
  if (isOp(node, 'permute')) {
    const moved = new Array<Affine>(indices.length)
    node.attrs.axes.forEach((axis, i) => {
      moved[axis] = indices[i]
    })
    return from(moved)
  }
  if (isOp(node, 'expand')) return from(indices.map((index, axis) => (input.shape[axis] === 1 ? zero : index)))
  if (isOp(node, 'slice')) {
    const { starts, steps } = node.attrs
    return from(indices.map((index, axis) => add(constantIndex(starts[axis]), scale(index, steps[axis]))))
  }
  if (isOp(node, 'window')) return from(windowIndices(node, indices))
  if (isOp(node, 'pad')) return [padSource(node, indices)]
  if (isOp(node, 'concat')) return concatSources(node, indices)
  throw new CompileError('lower: expected a movement node.', { node })
}

/** How the elements of a node relate to those of an ancestor that it reads through movement and elementwise nodes. */
export interface Composition {
  /** bijection: every element of the ancestor is read exactly once; broadcast: each one equally often; other: neither */
  readonly kind: 'bijection' | 'broadcast' | 'other'
  /** row-major orders agree (for a broadcast: with the repeated axes left out) */
  readonly ordered: boolean
  /** axes whose row-major positions are the node's elements, and the ancestor's index vector over them */
  readonly axes: readonly Axis[]
  readonly indices: readonly Affine[]
}

const passesIndices = (node: Node): boolean =>
  node.op === 'reshape' ||
  node.op === 'permute' ||
  node.op === 'expand' ||
  node.op === 'slice' ||
  node.op === 'pad' ||
  node.op === 'window' ||
  node.op === 'copy'

/** The index vector in `ancestor` that the element of `node` at `indices` reads, by the first path found; undefined without a path. */
export function indicesInAncestor(
  node: Node,
  indices: readonly Affine[],
  isAncestor: (node: Node) => boolean,
  seen: Set<Node> = new Set(),
): { readonly node: Node; readonly indices: readonly Affine[]; readonly guarded: boolean } | undefined {
  if (isAncestor(node)) return { node, indices, guarded: false }
  if (seen.has(node)) return undefined
  seen.add(node)
  if (passesIndices(node) && node.op !== 'copy') {
    const [source] = moveIndices(node as Node<MovementName>, indices)
    const found = indicesInAncestor(source.input, source.indices, isAncestor, seen)
    return found && { ...found, guarded: found.guarded || node.op === 'pad' }
  }
  if (!isElementwise(node)) return undefined
  for (const input of node.inputs) {
    const found = indicesInAncestor(input, indices, isAncestor, seen)
    if (found) return found
  }
  return undefined
}

const notElementwise: ReadonlySet<string> = new Set([
  ...movementNames,
  'constant',
  'buffer',
  'iota',
  'reduce',
  'contract',
  'gather',
  'scatter',
  'scan',
  'composite',
  'assign',
  'collective',
])

/** Whether the element at an index depends on the inputs' elements at the same index only. */
export const isElementwise = (node: Node): boolean => !notElementwise.has(node.op)

/** Decides whether `node` reads `ancestor` (through movement and elementwise nodes, by the first path found) once per element or by broadcast. */
export function composeToOrigin(node: Node, ancestor: Node): Composition | undefined {
  let axes: Axis[] = [makeAxis('e', sizeOf(node.shape))]
  const start = unravel(axisIndex(axes[0]), node.shape)
  const found = indicesInAncestor(node, start, (candidate) => candidate === ancestor)
  if (!found) return undefined
  let indices = found.indices
  for (;;) {
    const position = linearIndex(indices, ancestor.shape)
    const cuts = collectCuts([position])
    if (cuts.size === 0) return classify(axes, indices, position, sizeOf(ancestor.shape), found.guarded)
    const pieces = new Map<Axis, readonly Axis[]>()
    const replacements = new Map<Axis, Affine>()
    for (const [axis, points] of cuts) {
      const cut = cutAxis(axis, points)
      pieces.set(axis, cut.axes)
      replacements.set(axis, cut.index)
    }
    axes = axes.flatMap((axis) => pieces.get(axis) ?? [axis])
    indices = indices.map((index) => substitute(index, (axis) => replacements.get(axis)))
  }
}

function classify(
  axes: readonly Axis[],
  indices: readonly Affine[],
  position: Affine,
  size: number,
  guarded: boolean,
): Composition {
  const plain = position.terms.every((term) => term.atom.kind === 'axis')
  const other: Composition = { kind: 'other', ordered: false, axes, indices }
  if (!plain || guarded) return other
  const strideOf = new Map(position.terms.map((term) => [(term.atom as { axis: Axis }).axis, term.coefficient]))
  const used = axes.filter((axis) => strideOf.has(axis))
  const bySize = [...used].sort((a, b) => Math.abs(strideOf.get(a)!) - Math.abs(strideOf.get(b)!))
  let reach = 1
  for (const axis of bySize) {
    if (Math.abs(strideOf.get(axis)!) !== reach) return other
    reach *= axis.extent
  }
  if (reach !== size) return other
  const repeats = axes.some((axis) => axis.extent > 1 && !strideOf.has(axis))
  const descending = used.every((axis, i) => axis === bySize[bySize.length - 1 - i] && strideOf.get(axis)! > 0)
  return { kind: repeats ? 'broadcast' : 'bijection', ordered: descending, axes, indices }
}
