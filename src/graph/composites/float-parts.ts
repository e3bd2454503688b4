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
  readonly bias: number
  /** added to a small number, it leaves the nearest whole number in the low bits */
  readonly rounding: number
  readonly roundingBits: number | bigint
  readonly signBit: number | bigint
  /** the bits of a number's upper half, whose square is exact */
  readonly upperBits: number | bigint
  readonly exponentBits: number | bigint
  /** the bits of what the mantissa of 1 + x starts from, 3/4 or √(1/2), and of 4 */
  readonly lowestMantissa: number | bigint
  readonly four: number | bigint
  /** ln 2 in two parts, of which the first has few bits: its multiples are exact */
  readonly log2High: number
  readonly log2Low: number
}

const float32: Format = {
  integers: 'int32',
  mantissaBits: 23,
  bias: 127,
  rounding: 1.5 * 2 ** 23,
  roundingBits: 0x4b400000,
  signBit: -(2 ** 31),
  upperBits: -(2 ** 12),
  exponentBits: -(2 ** 23),
  lowestMantissa: 0x3f400000,
  four: 0x40800000,
  log2High: 0.693359375,
  log2Low: -2.1219444005469057e-4,
}

const float64: Format = {
  integers: 'int64',
  mantissaBits: 52,
  bias: 1023,
  rounding: 1.5 * 2 ** 52,
  roundingBits: 0x4338000000000000n,
  signBit: -(2n ** 63n),
  upperBits: -(2n ** 27n),
  exponentBits: -(2n ** 52n),
  lowestMantissa: 0x3fe6a09e00000000n,
  four: 0x4010000000000000n,
  log2High: 0.6931471803691238,
  log2Low: 1.9082149292705877e-10,
}

const formatOf = (x: Node): Format => (x.dtype === 'float64' ? float64 : float32)

/** What differs between float32 and float64, for x's dtype. */
export const ofDType = <T>(x: Node, forms: { readonly float32: T; readonly float64: T }): T =>
  x.dtype === 'float64' ? forms.float64 : forms.float32

/** The bits of x that a mask allows, as integers. */
const bitsOf = (x: Node, mask: number | bigint): Node => {
  const { integers } = formatOf(x)
  return and(bitcast(x, integers), constant(mask, integers))
}

/** A whole number as a float, and that float with the number in its low bits. */
export interface Whole {
  readonly value: Node
  readonly shifted: Node
}

/** The whole number nearest to x times `factor`, at most `most`; of float32 below 2^22 or float64 below 2^51. */
export function nearestWhole(x: Node, factor = 1, most = Number.POSITIVE_INFINITY): Whole {
  const { rounding } = formatOf(x)
  const sum = factor === 1 ? add(x, rounding) : multiplyAdd(x, factor, rounding)
  const shifted = most === Number.POSITIVE_INFINITY ? sum : min(sum, rounding + most)
  return { value: sub(shifted, rounding), shifted }
}

/** 2^(power + more) of a whole power, for a sum that is the exponent of a normal number. */
export function powerOfTwo(power: Node, more = 0): Node {
  const { integers, mantissaBits, bias, rounding } = formatOf(power)
  return bitcast(shiftLeft(bitcast(add(power, rounding + bias + more), integers), mantissaBits), power.dtype)
}

/** x * 2^power in two factors: each is a normal number even where the result is not. */
export function timesPowerOfTwo(x: Node, { shifted }: Whole): Node {
  const { integers, mantissaBits, bias, roundingBits } = formatOf(x)
  const shift = typeof roundingBits === 'bigint' ? BigInt(2 * bias) - roundingBits : 2 * bias - roundingBits
  const whole = add(bitcast(shifted, integers), constant(shift, integers))
  const half = shiftRight(whole, 1)
  const factor = (exponent: Node): Node => bitcast(shiftLeft(exponent, mantissaBits), x.dtype)
  return mul(mul(x, factor(half)), factor(sub(whole, half)))
}

/** x - power * ln 2 of a whole power. */
export function lessMultipleOfLog2(x: Node, power: Node): Node {
  const { log2High, log2Low } = formatOf(x)
  return multiplyAdd(power, -log2Low, multiplyAdd(power, -log2High, x))
}

/** `power` ln 2 + more, where a logarithm's last digits `low` come in before the first. */
export function logOfPower(power: Node, low: Node, finish: (sum: Node) => Node): Node {
  const { log2High, log2Low } = formatOf(power)
  return multiplyAdd(power, log2High, finish(multiplyAdd(power, log2Low, low)))
}

/** n and f of x + 1 = 2^n (1 + f), f from -1/4 to 1/2 (float64: from -0.29 to 0.41), as x / 2^n + (1 / 2^n - 1), which has no rounding of x + 1; for finite x above -1. */
export function partsOfNext(x: Node): { readonly n: Node; readonly f: Node } {
  const { integers, mantissaBits, rounding, roundingBits, exponentBits, lowestMantissa, four } = formatOf(x)
  const exponent = and(
    sub(bitcast(add(x, 1), integers), constant(lowestMantissa, integers)),
    constant(exponentBits, integers),
  )
  // four times the power, since that of the largest exponent is no normal number
  const scale = mul(bitcast(sub(constant(four, integers), exponent), x.dtype), 0.25)
  const shifted = add(shiftRight(exponent, mantissaBits), constant(roundingBits, integers))
  return { n: sub(bitcast(shifted, x.dtype), rounding), f: multiplyAdd(x, scale, sub(scale, 1)) }
}

/** x less the nearest whole number, for negative x, which far below 0 are whole themselves. */
export function fraction(x: Node): Node {
  const bounded = max(x, -(2 ** formatOf(x).mantissaBits))
  return sub(bounded, floor(add(bounded, 0.5)))
}

/** `value` of x's sign or 0, with the sign bit of x: that of a zero too. */
export function withSignOf(x: Node, value: Node): Node {
  const { integers, signBit } = formatOf(x)
  return bitcast(or(bitcast(value, integers), bitsOf(x, signBit)), x.dtype)
}

/** `value`, negated where the sign bit of `x` is set: of zeros too, and without a comparison. */
export function flipBy(value: Node, x: Node): Node {
  const { integers, signBit } = formatOf(x)
  return bitcast(xor(bitcast(value, integers), bitsOf(x, signBit)), value.dtype)
}

/** x without the lower half of its digits: the square is exact. */
export const upperHalf = (x: Node): Node => bitcast(bitsOf(x, formatOf(x).upperBits), x.dtype)

export const clamp = (x: Node, low: number, high: number): Node => min(max(x, low), high)
