// Methods of two operands: arithmetic, comparison, logic and bits, with PyTorch's broadcasting and promotion.
import { categoryOf, isFloat } from '../../base/dtype.ts'
import { ArgumentError, DTypeError } from '../../base/errors.ts'
import * as build from '../../graph/builders.ts'
import type { Node } from '../../graph/node.ts'
import { isScalar, type Operand } from '../arguments.ts'
import type { Tensor } from '../tensor.ts'
import { ArrangementTensor } from './arrangement.ts'

type BuildBinary = (a: Node, b: build.Operand) => Node

export interface AlphaOptions {
  /** factor of the other operand */
  readonly alpha?: number
}
export interface DivOptions {
  /** 'trunc' rounds the quotient towards zero, 'floor' down; both keep integer dtypes */
  readonly roundingMode?: 'trunc' | 'floor' | null
}

export abstract class ElementwiseTensor extends ArrangementTensor {
  /** The result of a builder of two operands, one of which may be a JavaScript value. */
  protected binary(op: string, make: BuildBinary, other: Operand): Tensor {
    const node = make(this.node, this.operand(op, other))
    return isScalar(other) ? this.result(node) : this.result(node, other)
  }

  /** this + alpha * other */
  add(other: Operand, { alpha = 1 }: AlphaOptions = {}): Tensor {
    return this.binary('add', (a, b) => build.add(a, scaled('add', a, b, alpha)), other)
  }

  /** this - alpha * other */
  sub(other: Operand, { alpha = 1 }: AlphaOptions = {}): Tensor {
    return this.binary('sub', (a, b) => build.sub(a, scaled('sub', a, b, alpha)), other)
  }

  /** other - alpha * this */
  rsub(other: Operand, { alpha = 1 }: AlphaOptions = {}): Tensor {
    return this.binary('rsub', (a, b) => build.sub(b, scaled('rsub', a, a, alpha)), other)
  }

  mul(other: Operand): Tensor {
    return this.binary('mul', build.mul, other)
  }

  /** True division: integers give float32, unless rounded. */
  div(other: Operand, { roundingMode = null }: DivOptions = {}): Tensor {
    if (roundingMode === 'floor') return this.floorDivide(other)
    if (roundingMode === 'trunc') return this.binary('div', truncDivide, other)
    if (roundingMode !== null)
      throw new ArgumentError(`div: expected roundingMode 'trunc', 'floor' or null, got '${roundingMode}'.`, {
        roundingMode,
      })
    return this.binary('div', build.div, other)
  }

  /** Quotient rounded down, in the operands' common dtype. */
  floorDivide(other: Operand): Tensor {
    return this.binary('floorDivide', build.floorDivide, other)
  }

  /** Remainder with the divisor's sign (Python's %). */
  remainder(other: Operand): Tensor {
    return this.binary('remainder', build.mod, other)
  }

  /** Remainder with the dividend's sign (C's %). */
  fmod(other: Operand): Tensor {
    return this.binary('fmod', build.fmod, other)
  }

  pow(exponent: Operand): Tensor {
    return this.binary('pow', powNode, exponent)
  }

  /** Elementwise larger; NaN if either is NaN. */
  maximum(other: Operand): Tensor {
    return this.binary('maximum', build.max, other)
  }

  minimum(other: Operand): Tensor {
    return this.binary('minimum', build.min, other)
  }

  // --- comparisons, giving bool ------------------------------------------------------------------------------------------

  eq(other: Operand): Tensor {
    return this.binary('eq', build.equal, other)
  }
  ne(other: Operand): Tensor {
    return this.binary('ne', build.notEqual, other)
  }
  lt(other: Operand): Tensor {
    return this.binary('lt', build.less, other)
  }
  le(other: Operand): Tensor {
    return this.binary('le', build.lessEqual, other)
  }
  gt(other: Operand): Tensor {
    return this.binary('gt', build.greater, other)
  }
  ge(other: Operand): Tensor {
    return this.binary('ge', build.greaterEqual, other)
  }

  /** Whether shapes and all elements are equal, as a 0-d bool tensor. */
  equal(other: Tensor): Tensor {
    const node = this.nodeOf('equal', other)
    const same =
      this.shape.length === node.shape.length && this.shape.every((extent, axis) => extent === node.shape[axis])
    return this.result(same ? build.all(build.equal(this.node, node)) : build.full([], false, 'bool'))
  }

  isclose(other: Tensor, { rtol = 1e-5, atol = 1e-8, equalNan = false } = {}): Tensor {
    return this.result(iscloseNode(this.node, this.nodeOf('isclose', other), rtol, atol, equalNan))
  }

  /** Whether all elements are close, as a 0-d bool tensor. */
  allclose(other: Tensor, options: { rtol?: number; atol?: number; equalNan?: boolean } = {}): Tensor {
    return this.result(build.all(this.isclose(other, options).node))
  }

  /** Values below the bound become the bound. */
  clampMin(min: Operand): Tensor {
    return this.clamp(min)
  }

  clampMax(max: Operand): Tensor {
    return this.clamp(null, max)
  }

  /** Whether each element is one of `values`. */
  isin(values: Operand, { invert = false }: { readonly invert?: boolean } = {}): Tensor {
    const others = isScalar(values) ? build.full([1], values, this.dtype) : build.flatten(this.nodeOf('isin', values))
    const found = build.any(build.equal(build.unsqueeze(this.node, -1), others), -1)
    return this.result(invert ? build.logicalNot(found) : found)
  }

  // --- logic and bits ------------------------------------------------------------------------------------------------------

  logicalAnd(other: Tensor): Tensor {
    return this.result(build.logicalAnd(this.node, this.nodeOf('logicalAnd', other)))
  }
  logicalOr(other: Tensor): Tensor {
    return this.result(build.logicalOr(this.node, this.nodeOf('logicalOr', other)))
  }
  logicalXor(other: Tensor): Tensor {
    return this.result(build.logicalXor(this.node, this.nodeOf('logicalXor', other)))
  }
  logicalNot(): Tensor {
    return this.result(build.logicalNot(this.node))
  }
  bitwiseAnd(other: Operand): Tensor {
    return this.binary('bitwiseAnd', build.and, other)
  }
  bitwiseOr(other: Operand): Tensor {
    return this.binary('bitwiseOr', build.or, other)
  }
  bitwiseXor(other: Operand): Tensor {
    return this.binary('bitwiseXor', build.xor, other)
  }
  bitwiseNot(): Tensor {
    return this.result(build.bitwiseNot(this.node))
  }
  bitwiseLeftShift(other: Operand): Tensor {
    return this.binary('bitwiseLeftShift', build.shiftLeft, other)
  }
  bitwiseRightShift(other: Operand): Tensor {
    return this.binary('bitwiseRightShift', build.shiftRight, other)
  }

  // --- of three operands -----------------------------------------------------------------------------------------------

  /** this + value * a * b */
  addcmul(a: Tensor, b: Tensor, { value = 1 }: { value?: number } = {}): Tensor {
    const product = build.mul(this.nodeOf('addcmul', a), this.nodeOf('addcmul', b))
    return this.result(build.add(this.node, scaled('addcmul', this.node, product, value)), a, b)
  }

  /** this + value * a / b */
  addcdiv(a: Tensor, b: Tensor, { value = 1 }: { value?: number } = {}): Tensor {
    const quotient = build.div(this.nodeOf('addcdiv', a), this.nodeOf('addcdiv', b))
    return this.result(build.add(this.node, scaled('addcdiv', this.node, quotient, value)), a, b)
  }

  /** this + weight * (end - this). */
  lerp(end: Tensor, weight: Operand): Tensor {
    const node = lerpNode(this.node, this.nodeOf('lerp', end), this.operand('lerp', weight))
    return isScalar(weight) ? this.result(node, end) : this.result(node, end, weight)
  }

  /** Values below `min` become `min`, those above `max` become `max`; either may be left out. */
  clamp(bounds: ClampBounds): Tensor
  clamp(min?: Operand | null, max?: Operand | null): Tensor
  clamp(first?: Operand | ClampBounds | null, second?: Operand | null): Tensor {
    const { min, max } = clampBounds(first, second)
    if ((min ?? max ?? undefined) === undefined)
      throw new ArgumentError('clamp: expected at least one of min and max, got neither.', { op: 'clamp' })
    let { node } = this
    if (min !== undefined && min !== null) node = clampBelow(node, this.operand('clamp', min))
    if (max !== undefined && max !== null) node = clampAbove(node, this.operand('clamp', max))
    const tensors = [min, max].filter((bound): bound is Tensor => typeof bound === 'object' && bound !== null)
    return this.result(node, ...tensors)
  }
}

/** `x` times `alpha`, where alpha must not widen the sum's category. */
function scaled(op: string, like: Node, x: build.Operand, alpha: number): build.Operand {
  if (alpha === 1) return x
  const dtype = typeof x === 'object' ? build.resultDType(like, x) : like.dtype
  if (!isFloat(dtype) && !Number.isInteger(alpha) && (typeof x !== 'number' || Number.isInteger(x)))
    throw new DTypeError(`${op}: expected a whole alpha for ${dtype}, got ${alpha}.`, { op, alpha, dtype })
  return typeof x === 'object' ? build.mul(x, alpha) : Number(x) * alpha
}

/** Integers divide exactly in their own dtype; floats are rounded after division. */
function truncDivide(a: Node, b: build.Operand): Node {
  const [left, right] = build.operands('div', a, b)
  const dtype = build.resultDType(left, right)
  if (isFloat(dtype)) return truncNode(build.div(left, right))
  const quotient = build.floorDivide(left, right)
  const inexact = build.notEqual(build.mul(quotient, right), build.cast(left, dtype))
  return dtype === 'uint8' || dtype === 'bool'
    ? quotient
    : build.add(quotient, build.cast(build.and(inexact, build.less(quotient, 0)), dtype))
}

function lerpNode(start: Node, end: Node, weight: build.Operand): Node {
  expectOneDType('lerp', start, end, ...(typeof weight === 'object' ? [weight] : []))
  const gap = build.sub(end, start)
  // counted from the nearer end, so that both are exact
  const isFar = typeof weight !== 'object' && Math.abs(Number(weight)) >= 0.5
  return isFar ? build.sub(end, build.mul(gap, 1 - Number(weight))) : build.add(start, build.mul(gap, weight))
}

function expectOneDType(op: string, ...nodes: readonly Node[]): void {
  const other = nodes.find(({ dtype }) => dtype !== nodes[0].dtype)
  if (other === undefined) return
  throw new DTypeError(`${op}: expected tensors of one dtype, got ${nodes[0].dtype} and ${other.dtype}.`, { op })
}

export const truncNode = (x: Node): Node =>
  isFloat(x.dtype) ? build.where(build.less(x, 0), build.ceil(x), build.floor(x)) : x

function powNode(a: Node, b: build.Operand): Node {
  if (categoryOf(a.dtype) === 'int' && typeof b === 'number' && Number.isInteger(b) && b < 0)
    throw new DTypeError(`pow: expected an exponent from 0 for ${a.dtype}, got ${b}. Convert to a float dtype first.`, {
      op: 'pow',
    })
  return build.pow(a, b)
}

function iscloseNode(a: Node, b: Node, rtol: number, atol: number, equalNan: boolean): Node {
  if (a.dtype !== b.dtype)
    throw new DTypeError(`isclose: expected tensors of one dtype, got ${a.dtype} and ${b.dtype}.`, { op: 'isclose' })
  if (!(rtol >= 0 && atol >= 0))
    throw new ArgumentError(`isclose: expected rtol and atol from 0, got ${rtol} and ${atol}.`, { rtol, atol })
  if (a.dtype === 'bool') return build.equal(a, b)
  const difference = build.sub(a, b)
  const size = (x: Node): Node => build.max(x, build.neg(x))
  const close = build.lessEqual(size(difference), build.add(build.mul(size(b), rtol), atol))
  const same = build.or(build.equal(a, b), build.logicalAnd(build.isFinite(b), close))
  return equalNan ? build.or(same, build.and(build.isNaN(a), build.isNaN(b))) : same
}

/** The gradient goes to x where it equals the bound, which `max` would split. */
/** Bounds given by name. */
export interface ClampBounds {
  readonly min?: Operand | null
  readonly max?: Operand | null
}

export const clampBounds = (first?: Operand | ClampBounds | null, max?: Operand | null): ClampBounds =>
  isOperand(first) ? { min: first, max } : (first ?? { max })

const isOperand = (value: Operand | ClampBounds | null | undefined): value is Operand =>
  isScalar(value) || (typeof value === 'object' && value !== null && 'storage' in value)

const clampBelow = (x: Node, bound: build.Operand): Node => {
  const [left, right] = build.operands('clamp', x, bound)
  return build.where(build.less(left, right), right, build.where(build.isNaN(right), right, left))
}
const clampAbove = (x: Node, bound: build.Operand): Node => {
  const [left, right] = build.operands('clamp', x, bound)
  return build.where(build.less(right, left), right, build.where(build.isNaN(right), right, left))
}
