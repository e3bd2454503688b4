// Running products, extrema and logarithms of sums along an axis by doubling: after step k each element stands for the 2^k up to it
// (Hillis and Steele 1986). The steps are differentiated as they are, so products keep their gradients where a factor is 0.
import { type DType, isFloat } from '../../base/dtype.ts'
import { normalizeAxis } from '../../base/shape.ts'
import {
  cast,
  concat,
  gather,
  greaterEqual,
  isNaN as holdsNaN,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  mul,
  narrow,
  reshape,
  where,
} from '../builders.ts'
import type { Node } from '../node.ts'
import type { ValuesAndIndices } from './arg-extremum.ts'
import { logaddexp } from './binary-special.ts'
import { positionsAlong } from './positions.ts'
import { inFloat32 } from './unary.ts'

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

/** Runs `compute` on x with at least one axis. */
function alongLine(op: string, x: Node, axis: number, compute: (line: Node, axis: number) => Node): Node {
  const at = normalizeAxis(op, axis, x.shape.length)
  return x.shape.length === 0 ? reshape(compute(reshape(x, [1]), 0), []) : compute(x, at)
}

const wide = (dtype: DType): DType => (isFloat(dtype) ? dtype : 'int64')

/** Products of the elements up to and with each; bools and integers give int64. */
export const cumprod = (x: Node, axis: number): Node =>
  alongLine('cumprod', cast(x, wide(x.dtype)), axis, (line, at) =>
    inFloat32(line, (values) => doubled([values], at, ([before], [own]) => [mul(before, own)])[0]),
  )

/** log of the running sum of exponentials. */
export const logcumsumexp = (x: Node, axis: number): Node =>
  alongLine('logcumsumexp', x, axis, (line, at) =>
    inFloat32(line, (values) => doubled([values], at, ([before], [own]) => [logaddexp(before, own)])[0]),
  )

/** The last of equal extrema wins, and NaN wins over all. */
function runningExtremum(op: string, isAhead: typeof greaterEqual, x: Node, axis: number): ValuesAndIndices {
  const values = x.dtype === 'bool' ? cast(x, 'int32') : x
  const indices = alongLine(op, values, axis, (line, at) => {
    const join: Join = ([value, place], [ownValue, ownPlace]) => {
      const wins = logicalOr(holdsNaN(ownValue), logicalAnd(isAhead(ownValue, value), logicalNot(holdsNaN(value))))
      return [where(wins, ownValue, value), where(wins, ownPlace, place)]
    }
    return cast(doubled([line, positionsAlong(line.shape, at)], at, join)[1], 'int64')
  })
  if (x.shape.length === 0) return { values: x, indices }
  return { values: gather(x, axis, indices, op), indices }
}

export const cummax = (x: Node, axis: number): ValuesAndIndices => runningExtremum('cummax', greaterEqual, x, axis)
export const cummin = (x: Node, axis: number): ValuesAndIndices => runningExtremum('cummin', lessEqual, x, axis)
