// Functions of two operands beyond arithmetic: sums of exponentials, hypotenuses, x log y, and choices by sign and NaN.
import { isFloat } from '../../base/dtype.ts'
import { DTypeError } from '../../base/errors.ts'
import {
  add,
  bitcast,
  broadcastAll,
  cast,
  div,
  equal,
  greaterEqual,
  isNaN as holdsNaN,
  isInfinite,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  max,
  min,
  mul,
  multiplyAdd,
  neg,
  type Operand,
  operands,
  resultDType,
  sqrt,
  square,
  sub,
  toFloat,
  where,
} from '../builders.ts'
import type { Node } from '../node.ts'
import type { Vjp } from '../op-row.ts'
import { abs, absolute } from './basics.ts'
import { type CompositeNode, defineComposite } from './composite-table.ts'
import { log1pExp, sigmoid } from './special.ts'
import { inFloat32 } from './unary.ts'

type None = Readonly<Record<never, never>>
type Binary = (a: Node, b: Operand) => Node

/** Operands broadcast to one shape, in their common dtype. */
function aligned(op: string, a: Operand, b: Operand): Node[] {
  const [left, right] = operands(op, a, b)
  const dtype = resultDType(left, right)
  return broadcastAll(op, [cast(left, dtype), cast(right, dtype)])
}

/** A composite of two floats of one shape; integers become float32, halves are computed in float32. */
function floatBinary(name: string, body: (a: Node, b: Node) => Node, vjp: Vjp<CompositeNode<None>>): Binary {
  const build = defineComposite<None>(name, { infer: ([a]) => a, body: ([a, b]) => body(a, b), vjp })
  return (left, right) => {
    const [a, b] = aligned(name, left, right).map(toFloat)
    return inFloat32(a, (wide) => build([wide, cast(b, wide.dtype)], {}))
  }
}

// --- logarithms of sums -----------------------------------------------------------------------------------------------------

/** a - b; 0 for equal infinities too. */
const gapOf = (a: Node, b: Node): Node => where(equal(a, b), 0, sub(a, b))

/** log(base^a + base^b) to the base, without overflow, given the base's logarithm. */
const logOfSum = (name: string, logOfBase: number): Binary =>
  floatBinary(
    name,
    (a, b) => multiplyAdd(log1pExp(mul(abs(gapOf(a, b)), -logOfBase)), 1 / logOfBase, max(a, b)),
    ({ inputs: [a, b] }, grad) => {
      const gap = mul(gapOf(a, b), logOfBase)
      return [mul(grad, sigmoid(gap)), mul(grad, sigmoid(neg(gap)))]
    },
  )

/** log(exp(a) + exp(b)) */
export const logaddexp = logOfSum('logaddexp', 1)
/** log2(2^a + 2^b) */
export const logaddexp2 = logOfSum('logaddexp2', Math.LN2)

// --- products and roots -----------------------------------------------------------------------------------------------------

function hypotBody(a: Node, b: Node): Node {
  const [small, large] = [min(abs(a), abs(b)), max(abs(a), abs(b))]
  const length = mul(large, sqrt(add(square(div(small, large)), 1)))
  const finite = where(equal(large, 0), 0, length)
  return where(logicalOr(isInfinite(a), isInfinite(b)), Number.POSITIVE_INFINITY, finite)
}

/** √(a² + b²), without overflow. */
export const hypot = floatBinary('hypot', hypotBody, (node, grad) =>
  node.inputs.map((input) => mul(grad, div(input, node))),
)

/** x log y; 0 for x = 0, but NaN for y NaN. */
export const xlogy = floatBinary(
  'xlogy',
  (x, y) => where(logicalAnd(equal(x, 0), logicalNot(holdsNaN(y))), 0, mul(x, log(y))),
  ({ inputs: [x, y] }, grad) => [
    mul(grad, where(logicalAnd(equal(x, 0), lessEqual(y, 0)), 0, log(y))),
    mul(grad, div(x, y)),
  ],
)

// --- choices ----------------------------------------------------------------------------------------------------------------

/** The larger; a number rather than NaN. The first of equal ones takes the gradient. */
export function fmax(left: Node, right: Operand): Node {
  const [a, b] = aligned('fmax', left, right)
  return a.dtype === 'bool' ? max(a, b) : where(logicalOr(greaterEqual(a, b), holdsNaN(b)), a, b)
}

export function fmin(left: Node, right: Operand): Node {
  const [a, b] = aligned('fmin', left, right)
  return a.dtype === 'bool' ? min(a, b) : where(logicalOr(lessEqual(a, b), holdsNaN(b)), a, b)
}

/** Whether the sign bit is set: true also for -0. */
export function signbit(x: Node): Node {
  if (!isFloat(x.dtype)) return x.dtype === 'bool' ? logicalAnd(x, logicalNot(x)) : less(x, 0)
  return x.dtype === 'float64' ? less(bitcast(x, 'int64'), 0) : less(bitcast(cast(x, 'float32'), 'int32'), 0)
}

/** The size of a with the sign of b. */
export function copysign(left: Node, right: Operand): Node {
  const [a, b] = aligned('copysign', left, right).map(toFloat)
  const size = absolute(a)
  return where(signbit(b), neg(size), size)
}

/** 0 for negative x, `values` at 0, 1 above. */
export function heaviside(x: Node, values: Node): Node {
  if (x.dtype !== values.dtype)
    throw new DTypeError(`heaviside: expected values of dtype ${x.dtype}, got ${values.dtype}.`, { op: 'heaviside' })
  if (x.dtype === 'bool') return logicalOr(x, values)
  return where(equal(x, 0), values, cast(less(0, x), x.dtype))
}
