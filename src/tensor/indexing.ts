// Python's indexing notation over nodes: slices, numbers, null and index tensors go in, movements, gathers and scatters come out.
// https://docs.pytorch.org/docs/stable/tensor_view.html and https://numpy.org/doc/stable/user/basics.indexing.html
import { ArgumentError, NotYetError, ShapeError } from '../base/errors.ts'
import { broadcastShapes, formatShape, type Shape, sameShape, sizeOf } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import { cumsum } from '../graph/composites/running.ts'
import type { Node, ScatterKind } from '../graph/node.ts'
import { expectInteger } from './arguments.ts'
import type { Tensor } from './tensor.ts'

/** A range like '1:-1:2', '...' for all axes in between, a position, or null for a new axis; a string may list several: '0, ::2'. */
export type Slice = string | number | null
/** Positions or a mask as nested arrays. */
export interface IndexList extends ReadonlyArray<number | boolean | IndexList> {}
/** Also a tensor of positions, which broadcast together, or a boolean mask; either may be written as an array. */
export type Index = Slice | Tensor | IndexList
export type NodeIndex = Slice | Node

/** A new axis of size 1, for `slice` and `index`. */
export const newAxis = null

const isNode = (index: NodeIndex): index is Node => typeof index === 'object' && index !== null

/** Strings that list several slices, as several. */
export const splitStrings = <T>(indices: readonly (T | Slice)[]): (T | Slice)[] =>
  indices.flatMap((index) =>
    typeof index === 'string' && (index.includes(',') || !/[:.]/.test(index)) ? index.split(',').map(sliceOf) : [index],
  )

function sliceOf(text: string): Slice {
  const word = text.trim()
  if (/^-?\d+$/.test(word)) return Number(word)
  return word === 'None' || word === 'newaxis' || word === 'null' ? null : word
}

/** The view that slices without index tensors describe. */
export function readBasic(x: Node, slices: readonly Slice[]): Node {
  return withoutTensors(x, expandEllipsis('slice', x, splitStrings<Slice>(slices)) as Slice[])
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
        'fixed before: read with await x.indexMasked(mask) or await x.maskedSelect(mask), choose with where(mask, x, other), ' +
        'write with set(mask, value).',
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

/** What is left for `replaceIndexed` after the slices among the indices were taken as a view. */
export interface SplitIndex {
  readonly slices: readonly Slice[]
  /** over the axes of that view */
  readonly rest: readonly NodeIndex[]
}

/** Separates slices, which make a view, from index tensors and masks, which pick from it. */
export function splitIndex(op: string, x: Node, indices: readonly NodeIndex[]): SplitIndex {
  const full = expandEllipsis(op, x, indices)
  const slices = full.flatMap((index): Slice[] =>
    isNode(index) ? new Array<Slice>(axesOfIndex(index)).fill(':') : [index],
  )
  const rest = full.flatMap((index): NodeIndex[] => (isNode(index) ? [index] : typeof index === 'number' ? [] : [':']))
  return { slices, rest }
}

/** `x` with `value` written at the elements that tensors among the indices pick, or added to them; other indices are whole axes. */
export function replaceIndexed(
  op: string,
  x: Node,
  indices: readonly NodeIndex[],
  value: Node,
  accumulate = false,
): Node {
  if (indices.some((index) => isNode(index) && index.dtype === 'bool'))
    return replaceMasked(op, x, indices, value, accumulate)
  const { order, indexed, rest, shape, positions, at } = pick(op, x, indices)
  const target = [...rest.slice(0, at), ...shape, ...rest.slice(at)]
  const wide = build.broadcastTo(build.cast(value, x.dtype), broadcastShapes(op, target, value.shape))
  const back = Array.from({ length: target.length }, (_, i) => i)
  const moved = [...back.slice(at, at + shape.length), ...back.slice(0, at), ...back.slice(at + shape.length)]
  const source = build.reshape(build.permute(wide, moved), [sizeOf(shape), ...rest])
  const merged = build.reshape(build.permute(x, order), [sizeOf(indexed), ...rest])
  const index = build.alongAxis(build.reshape(positions, [-1]), 0, merged.shape)
  const scattered = scatterInto(merged, 0, index, source, accumulate ? 'sum' : 'set', op)
  const written = build.reshape(scattered, [...indexed, ...rest])
  const inverse = order.map((_, i) => order.indexOf(i))
  return build.permute(written, inverse)
}

/** One mask among whole axes: the value is broadcast, or its rows are dealt out in order where the mask is true. */
function replaceMasked(op: string, x: Node, indices: readonly NodeIndex[], value: Node, accumulate: boolean): Node {
  const masks = indices.filter(isNode)
  if (masks.length > 1)
    throw new NotYetError(
      `${op}: a mask among ${masks.length} index tensors is not there yet; one mask, or integer tensors, are: ` +
        'find positions first with await mask.nonzero({ asTuple: true }).',
      { op },
    )
  const [mask] = masks
  const axis = indices.indexOf(mask)
  const covered = x.shape.slice(axis, axis + mask.shape.length)
  if (!sameShape(covered, mask.shape))
    throw new ShapeError(
      `${op}: expected a mask of ${formatShape(covered)}, axes ${axis} to ${axis + mask.shape.length - 1} of ${formatShape(x.shape)}, ` +
        `got ${formatShape(mask.shape)}.`,
      { op, shape: x.shape, mask: mask.shape },
    )
  const behind = x.shape.length - axis - mask.shape.length
  const ones = new Array<number>(behind).fill(1)
  const wide = build.broadcastTo(build.reshape(mask, [...mask.shape, ...ones]), x.shape)
  const source = build.cast(dealtOut(op, mask, value, behind), x.dtype)
  return build.where(wide, accumulate ? build.add(x, source) : source, x)
}

/** A value with a row for each true element of the mask, as one row for each element; `behind` axes follow the rows' axis. */
function dealtOut(op: string, mask: Node, value: Node, behind: number): Node {
  const axis = value.shape.length - 1 - behind
  if (axis < 0) return value
  const [before, after] = [value.shape.slice(0, axis), value.shape.slice(axis + 1)]
  if (value.shape[axis] === 1) return build.reshape(value, [...before, ...mask.shape.map(() => 1), ...after])
  const flat = build.flatten(mask)
  if (flat.shape[0] === 0 || value.shape[axis] === 0)
    return build.full([...before, ...mask.shape, ...after], 0, value.dtype)
  const rank = build.where(flat, build.sub(cumsum(build.cast(flat, 'int64'), 0), 1), 0)
  return build.reshape(build.indexSelect(value, axis, rank, op), [...before, ...mask.shape, ...after])
}

/** `scatter` that also combines bools, as numbers. */
export function scatterInto(base: Node, axis: number, at: Node, source: Node, kind: ScatterKind, op: string): Node {
  if (base.dtype !== 'bool' || source.dtype !== 'bool' || kind === 'set')
    return build.scatter(base, axis, at, source, kind, op)
  return build.toBool(build.scatter(build.cast(base, 'int32'), axis, at, build.cast(source, 'int32'), kind, op))
}
