// Running sums, products, extrema and logarithms of sums along an axis. The bodies work by blocks or by doubling: after step k each element
// stands for the 2^k up to it (Hillis and Steele 1986). Products and logarithms are differentiated through them as they are, so that
// products keep their gradients where a factor is 0. The compiler may walk along the axis instead (compiler/lower/running).
import { type DType, isFloat } from '../../base/dtype.ts'
import { normalizeAxis } from '../../base/shape.ts'
import {
  cast,
  concat,
  flip,
  isNaN as holdsNaN,
  lessEqual,
  logicalOr,
  mul,
  narrow,
  reshape,
  scatter,
  where,
  zerosLike,
} from '../builders.ts'
import { elementsOf, type Node } from '../node.ts'
import type { ValuesAndIndices } from './arg-extremum.ts'
import { logaddexp } from './binary-special.ts'
import { type CompositeBuilder, type CompositeRow, defineComposite } from './composite-table.ts'
import { positionsAlong } from './positions.ts'
import { runningSum } from './running-sum.ts'
import { inFloat32 } from './unary.ts'

export type RunningKind = 'sum' | 'prod' | 'max' | 'min' | 'logsumexp'

export interface RunningAttrs {
  readonly kind: RunningKind
  readonly axis: number
  /** from the end of the axis */
  readonly reverse: boolean
  /** values have the input's dtype, positions of extrema are int64 */
  readonly result: 'values' | 'positions'
}

/** Joins what stands for the elements before with what stands for those up to each; both have one entry per quantity. */
type Join = (before: readonly Node[], own: readonly Node[]) => Node[]

function doubled(start: readonly Node[], axis: number, join: Join): readonly Node[] {
  const extent = start[0].shape[axis]
  let running = start
  for (let distance = 1; distance < extent; distance *= 2) {
    const before = running.map((x) => narrow(x, axis, 0, extent - distance))
    const own = running.map((x) => narrow(x, axis, distance, extent - distance))
    const joined = join(before, own)
    running = running.map((x, i) => concat([narrow(x, axis, 0, distance), cast(joined[i], x.dtype)], axis))
  }
  return running
}

/** The last of equal extrema wins, and NaN wins over all. */
const joinExtrema =
  (kind: 'max' | 'min'): Join =>
  ([value, place], [own, ownPlace]) => {
    const isAhead = kind === 'max' ? lessEqual(value, own) : lessEqual(own, value)
    const wins = isFloat(own.dtype) ? logicalOr(isAhead, holdsNaN(own)) : isAhead
    return [where(wins, own, value), where(wins, ownPlace, place)]
  }

function forward(x: Node, { kind, axis, result }: RunningAttrs): Node {
  if (kind === 'sum') return runningSum(x, axis)
  if (kind === 'prod') return doubled([x], axis, ([before], [own]) => [mul(before, own)])[0]
  if (kind === 'logsumexp') return doubled([x], axis, ([before], [own]) => [logaddexp(before, own)])[0]
  const [values, places] = doubled([x, positionsAlong(x.shape, axis)], axis, joinExtrema(kind))
  return result === 'values' ? values : cast(places, 'int64')
}

function body([x]: readonly Node[], attrs: RunningAttrs): Node {
  if (elementsOf(x) === 0) return attrs.result === 'values' ? x : cast(x, 'int64')
  const turned = (node: Node): Node => (attrs.reverse ? flip(node, [attrs.axis]) : node)
  const run = (wide: Node): Node => turned(forward(turned(wide), attrs))
  return attrs.result === 'values' ? inFloat32(x, run) : run(x)
}

function define(name: string, vjp?: CompositeRow<RunningAttrs>['vjp']): CompositeBuilder<RunningAttrs> {
  return defineComposite<RunningAttrs>(name, {
    infer: ([x], { result }) => ({ shape: x.shape, dtype: result === 'values' ? x.dtype : 'int64' }),
    body,
    ...(vjp && { vjp }),
  })
}

const cumsumNode = define('cumsum', ({ attrs: { attrs } }, grad) => [
  cumsumNode([grad], { ...attrs, reverse: !attrs.reverse }),
])
const cumprodNode = define('cumprod')
const logcumsumexpNode = define('logcumsumexp')
/** The gradient of each result goes to the element that it is. */
const cumextremumNode = define('cumextremum', ({ inputs, attrs: { attrs } }, grad) => {
  if (attrs.result === 'positions') return [undefined]
  const places = cumextremumNode(inputs, { ...attrs, result: 'positions' })
  return [scatter(zerosLike(inputs[0]), attrs.axis, places, grad, 'sum')]
})

const builders = {
  sum: cumsumNode,
  prod: cumprodNode,
  max: cumextremumNode,
  min: cumextremumNode,
  logsumexp: logcumsumexpNode,
}

export const runningResult = (x: Node, attrs: RunningAttrs): Node => builders[attrs.kind]([x], attrs)

/** A scalar is a line of one. */
function alongLine(op: string, x: Node, given: number, kind: RunningKind, result: RunningAttrs['result'] = 'values') {
  const at = normalizeAxis(op, given, x.shape.length)
  const attrs = { kind, axis: at, reverse: false, result }
  if (x.shape.length === 0) return reshape(runningResult(reshape(x, [1]), attrs), [])
  return runningResult(x, attrs)
}

const wide = (dtype: DType): DType => (isFloat(dtype) ? dtype : 'int64')

/** Sums of the elements up to and with each; bools and integers give int64. */
export const cumsum = (x: Node, axis: number): Node => alongLine('cumsum', cast(x, wide(x.dtype)), axis, 'sum')

/** Products of the elements up to and with each; bools and integers give int64. */
export const cumprod = (x: Node, axis: number): Node => alongLine('cumprod', cast(x, wide(x.dtype)), axis, 'prod')

/** log of the running sum of exponentials. */
export const logcumsumexp = (x: Node, axis: number): Node => alongLine('logcumsumexp', x, axis, 'logsumexp')

function runningExtremum(op: string, kind: 'max' | 'min', x: Node, axis: number): ValuesAndIndices {
  const numbers = x.dtype === 'bool' ? cast(x, 'int32') : x
  const values = alongLine(op, numbers, axis, kind)
  return { values: cast(values, x.dtype), indices: alongLine(op, numbers, axis, kind, 'positions') }
}

export const cummax = (x: Node, axis: number): ValuesAndIndices => runningExtremum('cummax', 'max', x, axis)
export const cummin = (x: Node, axis: number): ValuesAndIndices => runningExtremum('cummin', 'min', x, axis)
