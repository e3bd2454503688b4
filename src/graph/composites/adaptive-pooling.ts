// Pooling to a given size: of an axis of h elements and o results, window i runs from floor(i h / o) to ceil((i + 1) h / o).
// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool2d.html
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, sizeOf } from '../../base/shape.ts'
import {
  add,
  broadcastTo,
  cast,
  contract,
  div,
  floorDivide,
  gather,
  indexSelect,
  iota,
  less,
  lessEqual,
  logicalAnd,
  min,
  mul,
  permute,
  reduce,
  reshape,
  sub,
  transpose,
  unsqueeze,
} from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { argmax, maxWithIndex, type ValuesAndIndices } from './arg-extremum.ts'
import { spatialAxes } from './per-axis.ts'

/** One size for all spatial axes, or one each; null keeps an extent. */
export type OutputSize = number | null | readonly (number | null)[]

function sizesOf(op: string, rank: number, x: Node, outputSize: OutputSize): number[] {
  const layout = `channels, ${spatialAxes(rank).join(', ')}`
  if (x.shape.length < rank + 1 || x.shape.length > rank + 2 || x.shape.slice(-rank).includes(0))
    throw new ShapeError(`${op}: expected [batch, ${layout}] or [${layout}], got ${formatShape(x.shape)}.`, {
      op,
      shape: x.shape,
    })
  const list = Array.isArray(outputSize) ? outputSize : [outputSize]
  const spread: readonly (number | null)[] = list.length === 1 ? new Array(rank).fill(list[0]) : list
  const sizes = spread.map((size, i) => size ?? x.shape[x.shape.length - rank + i])
  if (sizes.length !== rank || !sizes.every((size) => Number.isInteger(size) && size >= 0))
    throw new ArgumentError(
      `${op}: expected an output size from 0, or [${spatialAxes(rank).join(', ')}], got ${JSON.stringify(outputSize)}.`,
      { op, outputSize },
    )
  return sizes
}

const windowStart = (i: Node, extent: number, size: number): Node => floorDivide(mul(i, extent), size)
const windowEnd = (i: Node, extent: number, size: number): Node =>
  floorDivide(add(mul(add(i, 1), extent), size - 1), size)

// --- average --------------------------------------------------------------------------------------------------------------

/** [size, extent]: row i holds 1 / length on its window, else 0. */
function averagingMatrix(size: number, extent: number, like: Node): Node {
  const i = reshape(iota(size, 'int32'), [size, 1])
  const position = reshape(iota(extent, 'int32'), [1, extent])
  const [start, end] = [windowStart(i, extent, size), windowEnd(i, extent, size)]
  const inside = logicalAnd(lessEqual(start, position), less(position, end))
  return div(cast(inside, like.dtype), cast(sub(end, start), like.dtype))
}

/** Averages axis `axis` by a product with its matrix, which leaves the axis last. */
const averageAxis = (x: Node, axis: number, size: number): Node => {
  const last = transpose(x, axis, -1)
  return transpose(contract(last, averagingMatrix(size, last.shape[last.shape.length - 1], x), 0, 1), axis, -1)
}

/** Equal windows that do not overlap are axes of their own. */
function blocksOf(x: Node, sizes: readonly number[]): { blocks: Node; taps: number[] } {
  const first = x.shape.length - sizes.length
  const split = sizes.flatMap((size, i) => [size, x.shape[first + i] / size])
  return {
    blocks: reshape(x, [...x.shape.slice(0, first), ...split]),
    taps: sizes.map((_, i) => first + 2 * i + 1),
  }
}

function averageBlocks(x: Node, sizes: readonly number[]): Node {
  const { blocks, taps } = blocksOf(x, sizes)
  const total = reduce('sum', blocks, taps)
  const count = sizeOf(taps.map((axis) => blocks.shape[axis]))
  return reshape(div(total, count), [...x.shape.slice(0, -sizes.length), ...sizes])
}

const dividesEvenly = (x: Node, sizes: readonly number[]): boolean =>
  sizes.every((size, i) => x.shape[x.shape.length - sizes.length + i] % size === 0)

/** x [..., extents...] to [..., sizes...] over the last `rank` axes. */
export function adaptiveAvgPool(rank: number, x: Node, outputSize: OutputSize): Node {
  const op = `adaptiveAvgPool${rank}d`
  expectCategory(op, x.dtype, ['float'])
  const sizes = sizesOf(op, rank, x, outputSize)
  if (dividesEvenly(x, sizes)) return averageBlocks(x, sizes)
  return sizes.reduceRight((node, size, i) => averageAxis(node, x.shape.length - rank + i, size), x)
}

// --- max ------------------------------------------------------------------------------------------------------------------

/** Windows of one axis, their elements on a new last axis; shorter ones repeat their last element. */
function windowsAlong(x: Node, axis: number, size: number): Node {
  const extent = x.shape[axis]
  const longest = Math.max(
    0,
    ...Array.from({ length: size }, (_, i) => Math.ceil(((i + 1) * extent) / size) - Math.floor((i * extent) / size)),
  )
  const i = reshape(iota(size, 'int32'), [size, 1])
  const tap = reshape(iota(longest, 'int32'), [1, longest])
  const positions = min(add(windowStart(i, extent, size), tap), sub(windowEnd(i, extent, size), 1))
  const taken = indexSelect(x, axis, reshape(broadcastTo(positions, [size, longest]), [-1]))
  const split = reshape(taken, [...x.shape.slice(0, axis), size, longest, ...x.shape.slice(axis + 1)])
  const order = split.shape.map((_, at) => at).filter((at) => at !== axis + 1)
  return permute(split, [...order, axis + 1])
}

/** All windows with their elements on one last axis, in row-major order. */
function windowsOf(x: Node, sizes: readonly number[]): Node {
  const first = x.shape.length - sizes.length
  const windows = sizes.reduce((node, size, i) => windowsAlong(node, first + i, size), x)
  const leading = windows.shape.slice(0, first + sizes.length)
  return reshape(windows, [...leading, sizeOf(windows.shape.slice(leading.length))])
}

/** The largest element of each window and where it stands among the elements of the last `rank` axes. */
export function adaptiveMaxPool(rank: number, x: Node, outputSize: OutputSize): ValuesAndIndices {
  const op = `adaptiveMaxPool${rank}d`
  expectCategory(op, x.dtype, ['float'])
  const sizes = sizesOf(op, rank, x, outputSize)
  const windows = windowsOf(x, sizes)
  const { values } = maxWithIndex(windows, -1)
  const extents = x.shape.slice(-rank)
  const places = windowsOf(reshape(iota(sizeOf(extents), 'int64'), extents), sizes)
  const chosen = unsqueeze(argmax(windows, -1), -1)
  const indices = gather(broadcastTo(places, windows.shape), windows.shape.length - 1, chosen)
  return { values, indices: reshape(indices, values.shape) }
}

export const adaptiveAvgPool2d = (x: Node, outputSize: OutputSize): Node => adaptiveAvgPool(2, x, outputSize)
