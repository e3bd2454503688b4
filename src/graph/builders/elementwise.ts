// Builders of elementwise arithmetic: operands of any shapes and dtypes (or JavaScript numbers) go in, broadcast and promoted nodes come out.
import { bytesOf, categoryOf, type DType, isFloat, promoteWeak, weakCategoryOf } from '../../base/dtype.ts'
import { DTypeError } from '../../base/errors.ts'
import { broadcastShapes, sameShape } from '../../base/shape.ts'
import { inferElementwise } from '../infer/elementwise.ts'
import { makeNode, type Node, type Scalar } from '../node.ts'
import { constant, full, scalarLike } from './leaves.ts'
import { broadcastAll, broadcastTo } from './movement.ts'
import { cast, resultDType } from './promote.ts'

/** A node, or a JavaScript value that never widens the other operand within its category. */
export type Operand = Node | Scalar

type UnaryOp = 'sqrt' | 'exp' | 'log' | 'sin' | 'cos'
type BinaryOp =
  | 'add'
  | 'mul'
  | 'div'
  | 'mod'
  | 'pow'
  | 'max'
  | 'less'
  | 'equal'
  | 'and'
  | 'or'
  | 'xor'
  | 'shiftLeft'
  | 'shiftRight'

const isNode = (operand: Operand): operand is Node => typeof operand === 'object'

/** Both operands as nodes; a JavaScript value takes the node's dtype or, of a higher category, the default of its own. */
export function operands(op: string, a: Operand, b: Operand): readonly [Node, Node] {
  if (isNode(a)) return [a, isNode(b) ? b : weakScalar(b, a.dtype)]
  if (isNode(b)) return [weakScalar(a, b.dtype), b]
  throw new DTypeError(`${op}: expected at least one tensor, got ${String(a)} and ${String(b)}.`, { op })
}

const weakScalar = (value: Scalar, other: DType): Node =>
  constant(value, promoteWeak(other, isFloat(other) ? 'float' : weakCategoryOf(value)))

/** One primitive of two operands, in `dtype` if given, else in their common dtype. */
function binary(op: BinaryOp, a: Node, b: Node, dtype: DType = resultDType(a, b)): Node {
  let [left, right] = [cast(a, dtype), cast(b, dtype)]
  if (!sameShape(left.shape, right.shape)) {
    const shape = broadcastShapes(op, left.shape, right.shape)
    left = broadcastTo(left, shape)
    right = broadcastTo(right, shape)
  }
  const inputs = [left, right]
  const result = inferElementwise[op](inputs)
  return makeNode(op, inputs, {}, result.shape, result.dtype)
}

/** Integers and bools become float32, PyTorch's default dtype. */
export const toFloat = (x: Node): Node => (isFloat(x.dtype) ? x : cast(x, 'float32'))

function unary(op: UnaryOp, x: Node): Node {
  const inputs = [toFloat(x)]
  return makeNode(op, inputs, {}, x.shape, inputs[0].dtype)
}

export const sqrt = (x: Node): Node => unary('sqrt', x)
export const exp = (x: Node): Node => unary('exp', x)
export const log = (x: Node): Node => unary('log', x)
export const sin = (x: Node): Node => unary('sin', x)
export const cos = (x: Node): Node => unary('cos', x)
export const floor = (x: Node): Node => (isFloat(x.dtype) ? makeNode('floor', [x], {}, x.shape, x.dtype) : x)
export const ceil = (x: Node): Node => (isFloat(x.dtype) ? neg(floor(neg(x))) : x)

/** The same bits as another dtype of the same size. */
export function bitcast(x: Node, dtype: DType): Node {
  if (x.dtype === dtype) return x
  inferElementwise.bitcast([x], { dtype })
  return makeNode('bitcast', [x], { dtype }, x.shape, dtype)
}

// --- arithmetic -----------------------------------------------------------------------------------------------------------

export function add(a: Operand, b: Operand): Node {
  const [left, right] = operands('add', a, b)
  const dtype = resultDType(left, right)
  return binary(dtype === 'bool' ? 'or' : 'add', left, right, dtype)
}

export function mul(a: Operand, b: Operand): Node {
  const [left, right] = operands('mul', a, b)
  const dtype = resultDType(left, right)
  return binary(dtype === 'bool' ? 'and' : 'mul', left, right, dtype)
}

/** a * b + c of floats as one operation, which processors round once. */
export function multiplyAdd(a: Node, b: Operand, c: Operand): Node {
  const inputs = broadcastAll('multiplyAdd', [a, ...[b, c].map((other) => operands('multiplyAdd', a, other)[1])])
  const result = inferElementwise.multiplyAdd(inputs)
  return makeNode('multiplyAdd', inputs, {}, result.shape, result.dtype)
}

export function sub(a: Operand, b: Operand): Node {
  const [left, right] = operands('sub', a, b)
  const dtype = resultDType(left, right)
  if (dtype === 'bool')
    throw new DTypeError('sub: expected a numeric dtype, got bool. To find where two masks differ use logicalXor.', {
      op: 'sub',
    })
  return binary('add', left, neg(cast(right, dtype)), dtype)
}

/** Minus one in `dtype`; unsigned integers wrap, so theirs is the largest value. */
const minusOne = (dtype: DType): number => (dtype === 'uint8' ? 255 : -1)

export function neg(x: Node): Node {
  if (x.dtype === 'bool')
    throw new DTypeError('neg: expected a numeric dtype, got bool. To invert a mask use logicalNot.', { op: 'neg' })
  return binary('mul', x, scalarLike(x, minusOne(x.dtype)))
}

/** True division: integers give float32. */
export function div(a: Operand, b: Operand): Node {
  const [left, right] = operands('div', a, b)
  const dtype = resultDType(left, right)
  return binary('div', left, right, isFloat(dtype) ? dtype : 'float32')
}

/** Quotient rounded towards minus infinity, in the operands' common dtype. */
export function floorDivide(a: Operand, b: Operand): Node {
  const [left, right] = operands('floorDivide', a, b)
  const dtype = resultDType(left, right)
  if (isFloat(dtype)) {
    const [x, y] = broadcastAll('floorDivide', [cast(left, dtype), cast(right, dtype)])
    return floorDivideFloats(x, y)
  }
  const [x, y] = broadcastAll('floorDivide', [cast(left, dtype), cast(right, dtype)])
  const quotient = binary('div', x, y)
  if (dtype === 'uint8') return quotient
  const crosses = and(notEqual(binary('mul', quotient, y), x), notEqual(less(x, 0), less(y, 0)))
  return sub(quotient, cast(crosses, dtype))
}

/** (x - x fmod y) / y, one less where the remainder's sign is not y's, rounded: x / y itself may round up to the next number. */
function floorDivideFloats(x: Node, y: Node): Node {
  const remainder = fmodFloats(x, y)
  const crosses = and(notEqual(remainder, 0), notEqual(less(remainder, 0), less(y, 0)))
  const quotient = sub(binary('div', sub(x, remainder), y), cast(crosses, x.dtype))
  return where(equal(y, 0), binary('div', x, y), floor(add(quotient, 0.5)))
}

const magnitude = (x: Node): Node => where(less(x, 0), neg(x), x)

/** Exact, since remainders of positive numbers are. */
function fmodFloats(x: Node, y: Node): Node {
  const remainder = binary('mod', magnitude(x), magnitude(y))
  return where(less(x, 0), neg(remainder), remainder)
}

/** Remainder with the dividend's sign. */
export function fmod(a: Operand, b: Operand): Node {
  const [left, right] = operands('fmod', a, b)
  const dtype = resultDType(left, right)
  const [x, y] = broadcastAll('fmod', [cast(left, dtype), cast(right, dtype)])
  if (isFloat(dtype)) return fmodFloats(x, y)
  const remainder = binary('mod', x, y)
  if (dtype === 'uint8') return remainder
  const differs = and(notEqual(remainder, 0), notEqual(less(remainder, 0), less(x, 0)))
  return where(differs, sub(remainder, y), remainder)
}

/** Remainder with the divisor's sign. */
export const mod = (a: Operand, b: Operand): Node => binary('mod', ...operands('mod', a, b))

/** Base to the power of exponent; common exponents become products and roots. */
export function pow(a: Operand, b: Operand): Node {
  if (isNode(a) && !isNode(b)) return scalarPow(a, b)
  return binary('pow', ...operands('pow', a, b))
}

function scalarPow(x: Node, exponent: Scalar): Node {
  const base = cast(x, promoteWeak(x.dtype, isFloat(x.dtype) ? 'float' : weakCategoryOf(exponent)))
  const floats = isFloat(base.dtype)
  if (exponent === 1) return base
  if (exponent === 2) return mul(base, base)
  if (exponent === 3) return mul(mul(base, base), base)
  if (floats && exponent === 0.5) return sqrt(base)
  if (floats && exponent === -1) return reciprocal(base)
  if (floats && exponent === -0.5) return reciprocal(sqrt(base))
  return binary('pow', ...operands('pow', base, exponent))
}

export const reciprocal = (x: Node): Node => div(onesOf(toFloat(x)), x)
const onesOf = (x: Node): Node => scalarLike(x, 1)
/** -1, 0 or 1 in x's dtype; 0 for NaN. */
export const sign = (x: Node): Node => {
  const positive = cast(less(0, x), x.dtype)
  return x.dtype === 'bool' || x.dtype === 'uint8' ? positive : sub(positive, cast(less(x, 0), x.dtype))
}
export const square = (x: Node): Node => mul(x, x)
export const rsqrt = (x: Node): Node => reciprocal(sqrt(x))

/** NaN if either is NaN, as torch.maximum. */
export function max(a: Operand, b: Operand): Node {
  const [left, right] = operands('max', a, b)
  const dtype = resultDType(left, right)
  return binary(dtype === 'bool' ? 'or' : 'max', left, right, dtype)
}

/** NaN if either is NaN, as torch.minimum. */
export function min(a: Operand, b: Operand): Node {
  const [left, right] = operands('min', a, b)
  const dtype = resultDType(left, right)
  if (dtype === 'bool') return binary('and', left, right, dtype)
  const [x, y] = broadcastAll('min', [cast(left, dtype), cast(right, dtype)])
  // the smallest integer has no negative, so integers are picked by comparison
  return isFloat(dtype) ? neg(binary('max', neg(x), neg(y))) : where(less(y, x), y, x)
}

// --- comparisons ----------------------------------------------------------------------------------------------------------

export function less(a: Operand, b: Operand): Node {
  const [left, right] = comparable('less', a, b)
  return left.dtype === 'bool' ? binary('and', logicalNot(left), right) : binary('less', left, right)
}

export const equal = (a: Operand, b: Operand): Node => binary('equal', ...comparable('equal', a, b))
export const notEqual = (a: Operand, b: Operand): Node => logicalNot(equal(a, b))
export const greater = (a: Operand, b: Operand): Node => less(b, a)
export const greaterEqual = (a: Operand, b: Operand): Node => lessEqual(b, a)

export function lessEqual(a: Operand, b: Operand): Node {
  const [left, right] = comparable('lessEqual', a, b)
  // not(b < a) would hold for NaN
  if (isFloat(left.dtype)) return binary('or', less(left, right), equal(left, right))
  return logicalNot(less(right, left))
}

/** Operands in their common dtype and shape. */
function comparable(op: string, a: Operand, b: Operand): readonly [Node, Node] {
  const [left, right] = operands(op, a, b)
  const dtype = resultDType(left, right)
  const [x, y] = broadcastAll(op, [cast(left, dtype), cast(right, dtype)])
  return [x, y]
}

// biome-ignore lint/suspicious/noShadowRestrictedNames: the name every floor above uses for the same question
export const isNaN = (x: Node): Node => (isFloat(x.dtype) ? notEqual(x, x) : full(x.shape, false, 'bool'))
export const isInfinite = (x: Node): Node =>
  isFloat(x.dtype) ? equal(max(x, neg(x)), scalarLike(x, Number.POSITIVE_INFINITY)) : full(x.shape, false, 'bool')
// biome-ignore lint/suspicious/noShadowRestrictedNames: as above
export const isFinite = (x: Node): Node =>
  isFloat(x.dtype) ? less(max(x, neg(x)), scalarLike(x, Number.POSITIVE_INFINITY)) : full(x.shape, true, 'bool')

// --- logic and bits -------------------------------------------------------------------------------------------------------

/** True where x is not zero. */
export const toBool = (x: Node): Node => (x.dtype === 'bool' ? x : notEqual(x, zeroOf(x)))
const zeroOf = (x: Node): Node => scalarLike(x, x.dtype === 'bool' ? false : 0)

export const logicalNot = (x: Node): Node => {
  const mask = toBool(x)
  return binary('xor', mask, scalarLike(mask, true))
}
export const logicalAnd = (a: Node, b: Node): Node => binary('and', toBool(a), toBool(b))
export const logicalOr = (a: Node, b: Node): Node => binary('or', toBool(a), toBool(b))
export const logicalXor = (a: Node, b: Node): Node => binary('xor', toBool(a), toBool(b))

export const and = (a: Operand, b: Operand): Node => binary('and', ...operands('and', a, b))
export const or = (a: Operand, b: Operand): Node => binary('or', ...operands('or', a, b))
export const xor = (a: Operand, b: Operand): Node => binary('xor', ...operands('xor', a, b))
export const bitwiseNot = (x: Node): Node =>
  x.dtype === 'bool' ? logicalNot(x) : binary('xor', x, scalarLike(x, minusOne(x.dtype)))
export const shiftLeft = (a: Operand, b: Operand): Node => binary('shiftLeft', ...operands('shiftLeft', a, b))
export const shiftRight = (a: Operand, b: Operand): Node => binary('shiftRight', ...operands('shiftRight', a, b))

/** `then` where the condition holds, else `otherwise`; all three broadcast. */
export function where(condition: Node, then: Operand, otherwise: Operand): Node {
  const [a, b] = operandsOrDefaults(then, otherwise)
  const dtype = resultDType(a, b)
  const inputs = [condition, cast(a, dtype), cast(b, dtype)]
  const aligned =
    sameShape(condition.shape, a.shape) && sameShape(a.shape, b.shape) ? inputs : broadcastAll('where', inputs)
  const result = inferElementwise.where(aligned)
  return makeNode('where', aligned, {}, result.shape, result.dtype)
}

const operandsOrDefaults = (a: Operand, b: Operand): readonly [Node, Node] => {
  if (isNode(a) || isNode(b)) return operands('where', a, b)
  const [dtypeA, dtypeB] = [promoteWeak('bool', weakCategoryOf(a)), promoteWeak('bool', weakCategoryOf(b))]
  const wider = categoryOf(dtypeA) === 'float' || bytesOf(dtypeA) > bytesOf(dtypeB) ? dtypeA : dtypeB
  return [constant(a, wider), constant(b, wider)]
}
