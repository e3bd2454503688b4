// Floats by their parts: the nearest whole number, powers of two put into exponents, signs as bits. What functions are reduced with.
import {
  add,
  and,
  bitcast,
  constant,
  floor,
  max,
  min,
  mul,
  multiplyAdd,
  or,
  shiftLeft,
  shiftRight,
  sub,
  xor,
} from '../builders.ts'
import type { Node } from '../node.ts'

interface Format {
  readonly integers: 'int32' | 'int64'
  readonly mantissaBits: number
  /** added to a small number, it leaves the nearest whole number in the low bits */
  readonly rounding: number
  /** twice the bias of exponents less the bits of `rounding` */
  readonly doubleBias: number | bigint
  readonly signBit: number | bigint
}

const formats: Readonly<Record<string, Format>> = {
  float32: {
    integers: 'int32',
    mantissaBits: 23,
    rounding: 1.5 * 2 ** 23,
    doubleBias: 254 - 0x4b400000,
    signBit: -(2 ** 31),
  },
  float64: {
    integers: 'int64',
    mantissaBits: 52,
    rounding: 1.5 * 2 ** 52,
    doubleBias: 2046n - 0x4338000000000000n,
    signBit: -(2n ** 63n),
  },
}

/** A whole number as a float, and that float with the number in its low bits. */
export interface Whole {
  readonly value: Node
  readonly shifted: Node
}

/** The whole number nearest to x times `factor`, at most `most`; of float32 below 2^22 or float64 below 2^51. */
export function nearestWhole(x: Node, factor = 1, most = Number.POSITIVE_INFINITY): Whole {
  const { rounding } = formats[x.dtype]
  const sum = factor === 1 ? add(x, rounding) : multiplyAdd(x, factor, rounding)
  const shifted = most === Number.POSITIVE_INFINITY ? sum : min(sum, rounding + most)
  return { value: sub(shifted, rounding), shifted }
}

/** 2^power of float32, for a power from -126 to 127. */
export const powerOfTwo = ({ shifted }: Whole): Node =>
  bitcast(shiftLeft(bitcast(add(shifted, 127), 'int32'), 23), 'float32')

/** x less the nearest whole number, for negative x, which far below 0 are whole themselves. */
export function fraction(x: Node): Node {
  const bounded = max(x, -(2 ** formats[x.dtype].mantissaBits))
  return sub(bounded, floor(add(bounded, 0.5)))
}

/** x * 2^power in two factors: each is a normal number even where the result is not. */
export function timesPowerOfTwo(x: Node, { shifted }: Whole): Node {
  const { integers, mantissaBits, doubleBias } = formats[x.dtype]
  const biased = add(bitcast(shifted, integers), constant(doubleBias, integers))
  const half = shiftRight(biased, 1)
  const factor = (exponent: Node): Node => bitcast(shiftLeft(exponent, mantissaBits), x.dtype)
  return mul(mul(x, factor(half)), factor(sub(biased, half)))
}

/** `value` of x's sign or 0, with the sign bit of x: that of a zero too. */
export function withSignOf(x: Node, value: Node): Node {
  const { integers, signBit } = formats[x.dtype]
  const sign = and(bitcast(x, integers), constant(signBit, integers))
  return bitcast(or(bitcast(value, integers), sign), x.dtype)
}

/** `value`, negated where the sign bit of `x` is set: of zeros too, and without a comparison. */
export function flipBy(value: Node, x: Node): Node {
  const { integers, signBit } = formats[x.dtype]
  const sign = and(bitcast(x, integers), constant(signBit, integers))
  return bitcast(xor(bitcast(value, integers), sign), value.dtype)
}

export const clamp = (x: Node, low: number, high: number): Node => min(max(x, low), high)

/** ln 2 in two float32 parts, of which the first has few bits: its multiples are exact. */
export const log2High = 0.693359375
export const log2Low = -2.1219444005469057e-4

/** x - power * ln 2 of a whole power. */
export const lessMultipleOfLog2 = (x: Node, power: Node): Node =>
  multiplyAdd(power, -log2Low, multiplyAdd(power, -log2High, x))

/** (e^r - 1 - r) / r² of float32 on [-0.35, 0.7], by Lawson's weighted least squares: off by 2e-10 of e^r - 1. */
export const expm1Slopes = [
  ...[2.88890405e-5, 1.97514702e-4, 1.38816517e-3, 8.3335638e-3],
  ...[4.16666977e-2, 0.166666657, 0.5],
]
