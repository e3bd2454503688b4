// Resizing of spatial axes, one after the other: each result reads the nearest element, or a weighted sum of two or four.
// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
import { ArgumentError, NotYetError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import {
  add,
  alongAxis,
  broadcastTo,
  cast,
  floor,
  indexSelect,
  iota,
  max,
  min,
  mul,
  reshape,
  sub,
} from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { adaptiveAvgPool } from './adaptive-pooling.ts'

export type InterpolateMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'bicubic' | 'trilinear' | 'area'

export interface InterpolateOptions {
  readonly size?: number | readonly number[] | null
  readonly scaleFactor?: number | readonly number[] | null
  readonly mode?: InterpolateMode
  /** the centres of the corner elements stay where they are */
  readonly alignCorners?: boolean | null
  /** computes with the ratio of the sizes instead of the scale that was given */
  readonly recomputeScaleFactor?: boolean | null
  /** not there yet */
  readonly antialias?: boolean
}

/** Spatial axes that each mode takes. */
const ranks: Readonly<Record<InterpolateMode, readonly number[]>> = {
  nearest: [1, 2, 3],
  'nearest-exact': [1, 2, 3],
  area: [1, 2, 3],
  linear: [1],
  bilinear: [2],
  bicubic: [2],
  trilinear: [3],
}

interface Axis {
  readonly axis: number
  readonly extent: number
  readonly size: number
  /** input elements per output element */
  readonly step: number
}

const op = 'interpolate'

function listOf(value: number | readonly number[] | null | undefined, rank: number): readonly number[] | undefined {
  if (value === null || value === undefined) return undefined
  const list = typeof value === 'number' ? new Array<number>(rank).fill(value) : value
  if (list.length !== rank)
    throw new ArgumentError(
      `${op}: expected one number, or ${rank} of them, one for each spatial axis, got ${formatShape(list)}.`,
      { op },
    )
  return list
}

function axesOf(x: Node, options: InterpolateOptions, aligns: boolean): Axis[] {
  const rank = x.shape.length - 2
  const [sizes, scales] = [listOf(options.size, rank), listOf(options.scaleFactor, rank)]
  if ((sizes === undefined) === (scales === undefined))
    throw new ArgumentError(`${op}: expected either size or scaleFactor, got ${sizes ? 'both' : 'neither'}.`, { op })
  return x.shape.slice(2).map((extent, i) => {
    const size = sizes?.[i] ?? Math.floor(extent * scales![i])
    if (!Number.isInteger(size) || size < 1 || extent < 1)
      throw new ShapeError(
        `${op}: expected at least one element per axis, got size ${size} for ${formatShape(x.shape)}.`,
        { op },
      )
    const given = scales !== undefined && !options.recomputeScaleFactor ? 1 / scales[i] : extent / size
    const step = aligns ? (size > 1 ? (extent - 1) / (size - 1) : 0) : given
    return { axis: i + 2, extent, size, step }
  })
}

/** PyTorch computes places in float32 unless the values are wider. */
const placeDType = (x: Node): 'float32' | 'float64' => (x.dtype === 'float64' ? 'float64' : 'float32')

const within = (place: Node, extent: number): Node => min(max(cast(place, 'int32'), 0), extent - 1)
const take = (x: Node, { axis }: Axis, places: Node): Node => indexSelect(x, axis, places, op)

function nearestAxis(x: Node, line: Axis, isExact: boolean): Node {
  const { extent, size, step } = line
  if (!isExact && step === extent / size && size % extent === 0) return repeated(x, line)
  const position = iota(size, 'float32')
  const place = floor(mul(isExact ? add(position, 0.5) : position, step))
  return take(x, line, within(place, extent))
}

/** A whole number of copies of each element. */
function repeated(x: Node, { axis, extent, size }: Axis): Node {
  if (extent === size) return x
  const split = reshape(x, [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)])
  const grown = split.shape.map((n, i) => (i === axis + 1 ? size / extent : n))
  return reshape(
    broadcastTo(split, grown),
    x.shape.map((n, i) => (i === axis ? size : n)),
  )
}

/** Where output elements lie among the input's, in fractions of elements. */
function sourcePlaces({ size, step }: Axis, aligns: boolean, dtype: 'float32' | 'float64'): Node {
  const position = iota(size, dtype)
  return aligns ? mul(position, step) : sub(mul(add(position, 0.5), step), 0.5)
}

const weigh = (x: Node, { axis }: Axis, weight: Node): Node => mul(x, alongAxis(cast(weight, x.dtype), axis, x.shape))

function linearAxis(x: Node, line: Axis, aligns: boolean): Node {
  const { extent, size, step } = line
  if (extent === size && step === 1) return x
  const place = max(sourcePlaces(line, aligns, placeDType(x)), 0)
  const below = within(floor(place), extent)
  const share = sub(place, cast(below, place.dtype))
  const above = min(add(below, 1), extent - 1)
  return add(weigh(take(x, line, below), line, sub(1, share)), weigh(take(x, line, above), line, share))
}

/** Keys 1981, with the coefficient that PyTorch and OpenCV use. */
const sharpness = -0.75
const nearWeight = (t: Node): Node => add(mul(mul(sub(mul(t, sharpness + 2), sharpness + 3), t), t), 1)
const farWeight = (t: Node): Node =>
  sub(mul(add(mul(sub(mul(t, sharpness), 5 * sharpness), t), 8 * sharpness), t), 4 * sharpness)

function cubicAxis(x: Node, line: Axis, aligns: boolean): Node {
  const place = sourcePlaces(line, aligns, placeDType(x))
  const below = floor(place)
  const share = sub(place, below)
  const weights = [farWeight(add(share, 1)), nearWeight(share), nearWeight(sub(1, share)), farWeight(sub(2, share))]
  const parts = weights.map((weight, i) => weigh(take(x, line, within(add(below, i - 1), line.extent)), line, weight))
  return parts.reduce((total, part) => add(total, part))
}

function resized(x: Node, mode: InterpolateMode, axes: readonly Axis[], aligns: boolean): Node {
  if (mode === 'area')
    return adaptiveAvgPool(
      axes.length,
      x,
      axes.map(({ size }) => size),
    )
  return axes.reduceRight((node, line) => {
    if (mode === 'nearest' || mode === 'nearest-exact') return nearestAxis(node, line, mode === 'nearest-exact')
    return mode === 'bicubic' ? cubicAxis(node, line, aligns) : linearAxis(node, line, aligns)
  }, x)
}

/** x [batch, channels, extents...] resized to `size`, or by `scaleFactor`. */
export function interpolate(x: Node, options: InterpolateOptions): Node {
  const { mode = 'nearest', alignCorners } = options
  const rank = x.shape.length - 2
  if (options.antialias) throw new NotYetError(`${op}: antialias is not there yet.`, { op })
  if (!(mode in ranks) || !ranks[mode].includes(rank))
    throw new ArgumentError(
      `${op}: expected [batch, channels, ...] with as many spatial axes as mode '${String(mode)}' takes ` +
        `(${Object.entries(ranks)
          .map(([name, taken]) => `${name}: ${taken.join(', ')}`)
          .join('; ')}), got ${formatShape(x.shape)}.`,
      { op, mode, shape: x.shape },
    )
  const isWeighted = mode.endsWith('linear') || mode === 'bicubic'
  if (!isWeighted && alignCorners !== null && alignCorners !== undefined)
    throw new ArgumentError(`${op}: expected alignCorners with linear and cubic modes only, got mode '${mode}'.`, {
      op,
      mode,
    })
  if (isWeighted) expectCategory(op, x.dtype, ['float'])
  return resized(x, mode, axesOf(x, options, Boolean(alignCorners)), Boolean(alignCorners))
}
