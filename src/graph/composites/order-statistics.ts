// Values by rank along an axis: the k-th smallest, the median, quantiles. Each finds positions and gathers, so gradients go to the
// elements that were chosen. NaN sorts last and, unless it is to be left out, makes a row's statistic NaN.
import { isFloat } from '../../base/dtype.ts'
import { ArgumentError, DTypeError, ShapeError } from '../../base/errors.ts'
import { formatShape, normalizeAxis } from '../../base/shape.ts'
import {
  add,
  broadcastTo,
  cast,
  ceil,
  concat,
  constant,
  div,
  equal,
  floor,
  full,
  gather,
  isNaN as holdsNaN,
  less,
  logicalNot,
  max,
  mod,
  moveAxis,
  mul,
  narrow,
  notEqual,
  reduce,
  reshape,
  shiftRight,
  squeeze,
  sub,
  sum,
  where,
} from '../builders.ts'
import { elementsOf, type Node } from '../node.ts'
import type { ValuesAndIndices } from './arg-extremum.ts'
import { defineComposite } from './composite-table.ts'
import { alongRows, positionsOfRanks } from './sort.ts'

const asLine = (x: Node): Node => (x.shape.length === 0 ? reshape(x, [1]) : x)

function expectElements(op: string, x: Node, axis: number): void {
  if (x.shape[axis] === 0)
    throw new ShapeError(`${op}: expected at least one element to choose from, got ${formatShape(x.shape)}.`, {
      op,
      shape: x.shape,
    })
}

/** Values at `indices` (the axis kept with size 1), shaped as the caller asked. */
function chosen(op: string, x: Node, axis: number, indices: Node, keepdims: boolean): ValuesAndIndices {
  const line = asLine(x)
  const values = gather(line, axis, indices, op)
  if (x.shape.length === 0) return { values: reshape(values, []), indices: reshape(indices, []) }
  return keepdims ? { values, indices } : { values: squeeze(values, axis), indices: squeeze(indices, axis) }
}

/** The k-th smallest element, k from 1. */
export function kthvalue(x: Node, k: number, axis = -1, keepdims = false): ValuesAndIndices {
  const at = normalizeAxis('kthvalue', axis, x.shape.length)
  const extent = asLine(x).shape[at]
  if (!Number.isInteger(k) || k < 1 || k > extent)
    throw new ArgumentError(`kthvalue: expected k from 1 to ${extent}, the size of axis ${axis}, got ${k}.`, { k })
  const rank = (rows: Node): Node => full([rows.shape[0], 1], k - 1, 'int64')
  return chosen('kthvalue', x, at, ranked(asLine(x), at, rank), keepdims)
}

/** The lower of the two middle elements; NaN where a row holds one, unless `skipsNaN`. */
export function medianAlong(x: Node, axis: number, keepdims: boolean, skipsNaN: boolean): ValuesAndIndices {
  const op = skipsNaN ? 'nanmedian' : 'median'
  const at = normalizeAxis(op, axis, x.shape.length)
  const line = asLine(x)
  expectElements(op, line, at)
  const extent = line.shape[at]
  const middle = (rows: Node): Node => full([rows.shape[0], 1], Math.floor((extent - 1) / 2), 'int64')
  const rank = isFloat(x.dtype) ? (rows: Node) => medianRank(rows, skipsNaN) : middle
  return chosen(op, x, at, ranked(line, at, rank), keepdims)
}

/** The rank of each row's median; of its first NaN where one counts. */
function medianRank(rows: Node, skipsNaN: boolean): Node {
  const extent = rows.shape[1]
  const numbers = reduce('sum', cast(logicalNot(holdsNaN(rows)), 'int32'), [1])
  if (!skipsNaN) return cast(where(less(numbers, extent), numbers, Math.floor((extent - 1) / 2)), 'int64')
  return cast(shiftRight(max(sub(numbers, 1), 0), 1), 'int64')
}

/** Positions, the axis kept with size 1, of the elements with the rank that `rankOf` gives for rows. */
const ranked = (line: Node, axis: number, rankOf: (rows: Node) => Node): Node =>
  alongRows(line, axis, (rows) => positionsOfRanks(rows, rankOf(rows)))

/** Inputs x and one of its values: the value, whose gradient is shared evenly by the elements that equal it. */
const evenly = defineComposite<Readonly<Record<never, never>>>('evenlyChosen', {
  infer: ([, value]) => value,
  body: ([, value]) => value,
  vjp({ inputs: [x, value] }, grad) {
    const same = isFloat(x.dtype) ? where(holdsNaN(value), holdsNaN(x), equal(x, value)) : equal(x, value)
    return [where(same, div(grad, cast(sum(same), grad.dtype)), 0), undefined]
  },
})

/** The median of all elements; NaN of none. */
export function medianOfAll(x: Node, skipsNaN: boolean): Node {
  const flat = reshape(x, [-1])
  if (flat.shape[0] === 0) {
    if (isFloat(x.dtype)) return full([], Number.NaN, x.dtype)
    expectElements('median', flat, 0)
  }
  return evenly([x, medianAlong(flat, 0, false, skipsNaN).values], {})
}

export type Interpolation = 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest'
const interpolations: readonly string[] = ['linear', 'lower', 'higher', 'midpoint', 'nearest']

export interface QuantileOptions {
  readonly axis?: number
  readonly keepdims?: boolean
  readonly interpolation?: Interpolation
  readonly skipsNaN?: boolean
}

function expectQuantile(op: string, x: Node, q: Node | number, interpolation: string): void {
  if (x.dtype !== 'float32' && x.dtype !== 'float64')
    throw new DTypeError(`${op}: expected float32 or float64, got ${x.dtype}.`, { op, dtype: x.dtype })
  if (typeof q === 'number' ? !(q >= 0 && q <= 1) : q.dtype !== x.dtype)
    throw new ArgumentError(
      `${op}: expected q from 0 to 1, a number or a tensor of dtype ${x.dtype}, got ${typeof q === 'number' ? q : q.dtype}.`,
      { op },
    )
  if (typeof q !== 'number' && q.shape.length > 1)
    throw new ShapeError(`${op}: expected q to have at most one dimension, got ${formatShape(q.shape)}.`, { op })
  if (!interpolations.includes(interpolation))
    throw new ArgumentError(`${op}: expected interpolation ${interpolations.join(', ')}, got '${interpolation}'.`, {
      op,
    })
}

const roundHalfToEven = (x: Node): Node => {
  const below = floor(x)
  const rest = sub(x, below)
  const up = where(equal(rest, 0.5), notEqual(mod(below, 2), 0), less(0.5, rest))
  return add(below, cast(up, x.dtype))
}

/** Ranks [..., q] of each row's q quantiles among its sorted values; rows with NaN that counts have the last rank. */
function ranksOf(rows: Node, q: Node, skipsNaN: boolean): Node {
  const last = rows.shape[rows.shape.length - 1] - 1
  const shape = [...rows.shape.slice(0, -1), q.shape[0]]
  const missing = cast(holdsNaN(rows), rows.dtype)
  const inRow = reduce('sum', missing, [rows.shape.length - 1])
  if (skipsNaN) return max(mul(broadcastTo(q, shape), broadcastTo(sub(last, inRow), shape)), 0)
  return where(less(0, broadcastTo(inRow, shape)), last, broadcastTo(mul(q, last), shape))
}

/** Values of the rows [..., n] at whole ranks [..., q]. */
function valuesAt(rows: Node, ranks: Node, op: string): Node {
  const axis = rows.shape.length - 1
  const flat = (node: Node): Node => reshape(node, [elementsOf(rows) / rows.shape[axis], node.shape[axis]])
  const positions = positionsOfRanks(flat(rows), cast(flat(ranks), 'int64'))
  return gather(rows, axis, reshape(positions, ranks.shape), op)
}

function interpolated(rows: Node, ranks: Node, interpolation: Interpolation, op: string): Node {
  if (interpolation === 'lower') return valuesAt(rows, floor(ranks), op)
  if (interpolation === 'higher') return valuesAt(rows, ceil(ranks), op)
  if (interpolation === 'nearest') return valuesAt(rows, roundHalfToEven(ranks), op)
  const axis = rows.shape.length - 1
  const count = ranks.shape[axis]
  const both = valuesAt(rows, concat([floor(ranks), ceil(ranks)], axis), op)
  const [below, above] = [narrow(both, axis, 0, count), narrow(both, axis, count, count)]
  const weight = interpolation === 'midpoint' ? full(ranks.shape, 0.5, ranks.dtype) : sub(ranks, floor(ranks))
  const gap = sub(above, below)
  return where(less(weight, 0.5), add(below, mul(weight, gap)), sub(above, mul(gap, sub(1, weight))))
}

/** torch.quantile: several quantiles come on a new first axis. */
export function quantile(x: Node, q: Node | number, options: QuantileOptions = {}): Node {
  const { axis, keepdims = false, interpolation = 'linear', skipsNaN = false } = options
  const op = skipsNaN ? 'nanquantile' : 'quantile'
  expectQuantile(op, x, q, interpolation)
  const line = axis === undefined ? reshape(x, [-1]) : asLine(x)
  const at = axis === undefined ? 0 : normalizeAxis(op, axis, x.shape.length)
  expectElements(op, line, at)
  const rows = moveAxis(line, at, line.shape.length - 1)
  const wanted = typeof q === 'number' ? constant(q, x.dtype) : q
  const results = interpolated(rows, ranksOf(rows, reshape(wanted, [-1]), skipsNaN), interpolation, op)
  const first = moveAxis(results, results.shape.length - 1, 0)
  const kept = axis === undefined ? x.shape.map(() => 1) : x.shape.map((extent, i) => (i === at ? 1 : extent))
  const rest = x.shape.length === 0 ? [] : keepdims ? kept : axis === undefined ? [] : kept.filter((_, i) => i !== at)
  return reshape(first, wanted.shape.length === 0 ? rest : [wanted.shape[0], ...rest])
}
