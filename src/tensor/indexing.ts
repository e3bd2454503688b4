// Python's indexing notation over nodes: slices, numbers, null and index tensors go in, movements, gathers and scatters come out.
import { ArgumentError, ShapeError } from '../base/errors.ts'
import { broadcastShapes, formatShape, type Shape, sameShape, sizeOf } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import type { Node } from '../graph/node.ts'
import { expectInteger } from './arguments.ts'
import type { Tensor } from './tensor.ts'

/** A range like '1:-1:2', '...' for all axes in between, a position, or null for a new axis. */
export type Slice = string | number | null
export type Index = Slice | Tensor
export type NodeIndex = Slice | Node

/** A new axis of size 1, for `slice` and `index`. */
export const newAxis = null

const isNode = (index: NodeIndex): index is Node => typeof index === 'object' && index !== null

/** The view that slices without index tensors describe. */
export function readBasic(x: Node, slices: readonly Slice[]): Node {
  return withoutTensors(x, expandEllipsis('slice', x, slices) as Slice[])
}

function withoutTensors(x: Node, slices: readonly Slice[]): Node {
  let node = x
  let axis = 0
  for (const slice of slices) {
    if (slice === null) node = build.unsqueeze(node, axis++)
    else if (typeof slice === 'number') node = build.select(node, axis, slice)
    else node = readRange(node, axis++, slice)
  }
  return node
}

const rangePattern = /^\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?$/

function readRange(x: Node, axis: number, text: string): Node {
  const match = rangePattern.exec(text)
  if (!match)
    throw new ArgumentError(
      `slice: expected a range like '1:3', ':-1', '::2' or '...', got '${text}'. A single position is a number: x.slice(0).`,
      { op: 'slice', text },
    )
  const [start, stop, step] = match.slice(1).map((part) => (part === undefined ? undefined : Number(part)))
  return build.sliceAxis(x, axis, start, stop, step)
}

/** One entry per axis (or null for a new one): '...' stands for as many ':' as are missing, at the end if it is not there. */
function expandEllipsis(op: string, x: Node, indices: readonly NodeIndex[]): NodeIndex[] {
  const dots = indices.indexOf('...')
  if (dots >= 0 && indices.includes('...', dots + 1))
    throw new ArgumentError(`${op}: expected at most one '...', got several.`, { op })
  const used = indices.reduce<number>((count, index) => count + axesOfIndex(index), 0)
  const missing = x.shape.length - used
  if (missing < 0)
    throw new ShapeError(
      `${op}: expected at most ${x.shape.length} indices for ${formatShape(x.shape)}, got ${used}.`,
      {
        op,
        shape: x.shape,
      },
    )
  const whole = new Array<string>(missing).fill(':')
  return dots < 0 ? [...indices, ...whole] : [...indices.slice(0, dots), ...whole, ...indices.slice(dots + 1)]
}

const axesOfIndex = (index: NodeIndex): number =>
  index === null || index === '...' ? 0 : isNode(index) && index.dtype === 'bool' ? index.shape.length : 1

/** What index tensors pick from, laid out for a gather: their axes first and merged into one. */
interface Picked {
  /** after the basic slices; axes that tensors index are whole */
  readonly sliced: Node
  /** puts the indexed axes first */
  readonly order: readonly number[]
  readonly indexed: Shape
  readonly rest: Shape
  /** of the broadcast index tensors */
  readonly shape: Shape
  /** positions in the merged axis */
  readonly positions: Node
  /** axis of the result where the index tensors' axes stand */
  readonly at: number
}

function pick(op: string, x: Node, indices: readonly NodeIndex[]): Picked {
  const full = expandEllipsis(op, x, indices)
  const sliced = withoutTensors(
    x,
    full.map((index) => (isNode(index) ? ':' : index)),
  )
  const axes: number[] = []
  const tensors: Node[] = []
  let axis = 0
  for (const index of full) {
    if (isNode(index)) {
      refuseMask(op, index)
      axes.push(axis)
      tensors.push(index)
    }
    if (typeof index !== 'number') axis++
  }
  const rest = sliced.shape.map((_, i) => i).filter((i) => !axes.includes(i))
  const indexed = axes.map((i) => sliced.shape[i])
  const shape = broadcastShapes(op, ...tensors.map((tensor) => tensor.shape))
  const adjacent = axes.every((each, i) => each === axes[0] + i)
  return {
    sliced,
    order: [...axes, ...rest],
    indexed,
    rest: rest.map((i) => sliced.shape[i]),
    shape,
    positions: mergedPositions(op, tensors, indexed, shape),
    at: adjacent ? axes[0] : 0,
  }
}

/** One position per element in the merged axis; -1, which every device refuses, where a part is out of range. */
function mergedPositions(op: string, tensors: readonly Node[], extents: Shape, shape: Shape): Node {
  let merged: Node | undefined
  let valid: Node | undefined
  tensors.forEach((tensor, i) => {
    expectInteger(op, 'index tensors', tensor.dtype)
    const wide = build.broadcastTo(build.cast(tensor, 'int64'), shape)
    const position = build.where(build.less(wide, 0), build.add(wide, extents[i]), wide)
    const inside = build.logicalAnd(build.lessEqual(0, position), build.less(position, extents[i]))
    merged = merged === undefined ? position : build.add(build.mul(merged, extents[i]), position)
    valid = valid === undefined ? inside : build.logicalAnd(valid, inside)
  })
  return tensors.length === 1 ? merged! : build.where(valid!, merged!, -1)
}

function refuseMask(op: string, index: Node): void {
  if (index.dtype === 'bool')
    throw new ArgumentError(
      `${op}: expected integer tensors, got a boolean mask. How many elements it picks is known only when it runs, and shapes are ` +
        'fixed before: use where(mask, x, other), maskedFill, or set(mask, value).',
      { op },
    )
}

/** Elements that index tensors pick, with NumPy's rule for the place of their axes. */
export function gatherIndexed(x: Node, indices: readonly NodeIndex[]): Node {
  const picked = pick('index', x, indices)
  const { sliced, order, indexed, rest, shape, positions, at } = picked
  const merged = build.reshape(build.permute(sliced, order), [sizeOf(indexed), ...rest])
  const rows = build.indexSelect(merged, 0, build.reshape(positions, [-1]))
  const result = build.reshape(rows, [...shape, ...rest])
  return at === 0 ? result : build.permute(result, frontTo(at, shape.length, result.shape.length))
}

/** Axes in the order that moves the first `count` to place `at`. */
function frontTo(at: number, count: number, rank: number): number[] {
  const rest = Array.from({ length: rank - count }, (_, i) => count + i)
  const front = Array.from({ length: count }, (_, i) => i)
  return [...rest.slice(0, at), ...front, ...rest.slice(at)]
}

/** `x` with `value` written at the elements that the indices pick; a mask may stand alone. */
export function replaceIndexed(x: Node, indices: readonly NodeIndex[], value: Node): Node {
  const [first] = indices
  if (indices.length === 1 && isNode(first) && first.dtype === 'bool') return replaceMasked(x, first, value)
  const { sliced, order, indexed, rest, shape, positions, at } = pick('set', x, indices)
  if (sliced !== x)
    throw new ArgumentError(
      'set: expected index tensors alone, or slices alone, got both. Take the slice first: x.slice(…).set(index, value).',
      { op: 'set' },
    )
  const target = [...rest.slice(0, at), ...shape, ...rest.slice(at)]
  const wide = build.broadcastTo(build.cast(value, x.dtype), broadcastShapes('set', target, value.shape))
  const back = Array.from({ length: target.length }, (_, i) => i)
  const moved = [...back.slice(at, at + shape.length), ...back.slice(0, at), ...back.slice(at + shape.length)]
  const source = build.reshape(build.permute(wide, moved), [sizeOf(shape), ...rest])
  const merged = build.reshape(build.permute(x, order), [sizeOf(indexed), ...rest])
  const index = build.alongAxis(build.reshape(positions, [-1]), 0, merged.shape)
  const written = build.reshape(build.scatter(merged, 0, index, source), [...indexed, ...rest])
  const inverse = order.map((_, i) => order.indexOf(i))
  return build.permute(written, inverse)
}

function replaceMasked(x: Node, mask: Node, value: Node): Node {
  const leading = x.shape.slice(0, mask.shape.length)
  if (!sameShape(leading, mask.shape))
    throw new ShapeError(
      `set: expected a mask of the leading axes of ${formatShape(x.shape)}, got ${formatShape(mask.shape)}.`,
      { op: 'set', shape: x.shape, mask: mask.shape },
    )
  const ones = new Array<number>(x.shape.length - mask.shape.length).fill(1)
  const wide = build.broadcastTo(build.reshape(mask, [...mask.shape, ...ones]), x.shape)
  return build.where(wide, build.cast(value, x.dtype), x)
}
