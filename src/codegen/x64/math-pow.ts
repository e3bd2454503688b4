// pow as exp(y log x) in float64 lanes; of float64 with log x and the product held in pairs, so that the exponent is good to 60 bits.
// Special cases are C's: NaN only where C says, signs of odd whole powers, pow(x, 0) = pow(1, y) = 1.
import { double } from '../machine/function-numbers.ts'
import type { VirtualRegister } from '../machine/machine-op.ts'
import { MathBuilder } from './math-builder.ts'
import { expOfSum, splitExponent, splitNormal } from './math-float64.ts'
import { fromWide } from './select-convert.ts'
import { widen } from './select-lanes.ts'
import type { Selection } from './select-state.ts'

/** 2/11, …, 2/3, and 1/7!, …, 1/2!: float64 polynomials good to 2^-33. */
const shortSeries = [2 / 11, 2 / 9, 2 / 7, 2 / 5, 2 / 3]
const shortExp = [1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2]
/** Beyond these a float32 is infinite or 0. */
const narrowRange = { lowest: -110, highest: 90 }

/** pow of float32 lanes: one float64 holds the logarithm of a magnitude well enough. */
export function powFloat32(s: Selection, x: VirtualRegister, y: VirtualRegister, bytes: number): VirtualRegister {
  const m = new MathBuilder(s, bytes, false)
  const magnitude = m.magnitude(x)
  const [bases, exponents] = [magnitude, y].map((part) => widen(s, part, 'vcvtps2pd'))
  const parts = bases.map((base, i) => expOfProduct(new MathBuilder(s, s.partBytes('f64'), true), base, exponents[i]))
  return specialPowers(m, x, y, magnitude, fromWide(s, { form: 'f64', parts }, 'vcvtpd2ps'))
}

/** exp(y log x) of a magnitude and a number that were float32. */
function expOfProduct(m: MathBuilder, x: VirtualRegister, y: VirtualRegister): VirtualRegister {
  const { mantissa, exponent } = splitNormal(m, x)
  const f = m.sub(mantissa, 1)
  const ratio = m.div(f, m.add(f, 2))
  const square = m.mul(ratio, ratio)
  const series = m.fma(m.mul(ratio, square), m.polynomial(square, shortSeries), m.add(ratio, ratio))
  const log = m.fma(exponent, Math.LN2, series)
  const bounded = m.select(m.compare(x, 'less', Number.POSITIVE_INFINITY), log, x)
  const limited = m.select(m.compare(x, 'equal', 0), Number.NEGATIVE_INFINITY, bounded)
  const product = m.atMost(m.atLeast(m.mul(y, limited), narrowRange.lowest), narrowRange.highest)
  const shifted = m.fma(product, Math.LOG2E, double.wholeInLowBits)
  const rest = m.fnma(m.sub(shifted, double.wholeInLowBits), Math.LN2, product)
  const scale = m.s.vector2('vpsllq', m.bytes, m.add(shifted, 1023), 52)
  return m.mul(m.polynomial(rest, [...shortExp, 1, 1]), scale)
}

interface Pair {
  readonly high: VirtualRegister
  readonly low: VirtualRegister
}

export function powFloat64(s: Selection, x: VirtualRegister, y: VirtualRegister, bytes: number): VirtualRegister {
  const m = new MathBuilder(s, bytes, true)
  const magnitude = m.magnitude(x)
  const log = logPair(m, magnitude)
  const high = m.mul(y, log.high)
  const error = m.fma(y, log.low, m.sub(0, m.fnma(y, log.high, high)))
  const inRange = m.compare(m.magnitude(high), 'less', 800)
  const clamped = m.atMost(m.atLeast(high, double.expRange.lowest), double.expRange.highest)
  return specialPowers(m, x, y, magnitude, expOfSum(m, clamped, m.and(error, inRange)))
}

/** log of a magnitude: -infinity and +infinity at 0 and infinity. */
function logPair(m: MathBuilder, x: VirtualRegister): Pair {
  const { mantissa, exponent } = splitExponent(m, x)
  const f = m.sub(mantissa, 1)
  const divisor = m.add(mantissa, 1)
  const lost = m.sub(mantissa, m.sub(divisor, 1))
  const ratio = m.div(f, divisor)
  const ratioError = m.div(m.fnma(ratio, lost, m.fnma(ratio, divisor, f)), divisor)
  const square = m.mul(ratio, ratio)
  const series = m.mul(m.mul(ratio, square), m.polynomial(square, double.logSeries))
  const doubled = m.add(ratio, ratio)
  const whole = m.mul(exponent, double.log2High)
  const sum = m.add(whole, doubled)
  const part = m.sub(sum, whole)
  const sumError = m.add(m.sub(whole, m.sub(sum, part)), m.sub(doubled, part))
  const high = m.add(sum, series)
  const highError = m.add(m.sub(sum, high), series)
  const low = m.add(m.add(sumError, highError), m.fma(exponent, double.log2Low, m.add(ratioError, ratioError)))
  return atLimits(m, x, { high, low })
}

function atLimits(m: MathBuilder, x: VirtualRegister, { high, low }: Pair): Pair {
  const isZero = m.compare(x, 'equal', 0)
  const bounded = m.compare(x, 'less', Number.POSITIVE_INFINITY)
  const orInfinite = m.select(bounded, high, x)
  return {
    high: m.select(isZero, Number.NEGATIVE_INFINITY, orInfinite),
    low: m.and(m.and(low, bounded), m.compare(x, 'notEqual', 0)),
  }
}

function specialPowers(
  m: MathBuilder,
  x: VirtualRegister,
  y: VirtualRegister,
  magnitude: VirtualRegister,
  power: VirtualRegister,
): VirtualRegister {
  const { s } = m
  const isWhole = m.compare(m.round(y, 1), 'equal', y)
  const half = m.mul(y, 0.5)
  const isOdd = m.and(isWhole, m.compare(m.round(half, 1), 'notEqual', half))
  const signed = m.xor(power, m.signBit(m.and(x, isOdd)))
  const isNegative = m.and(m.compare(x, 'less', 0), m.compare(x, 'greater', Number.NEGATIVE_INFINITY))
  const hasNoRoot = s.vector3('vpandn', m.bytes, isWhole, isNegative)
  const orNaN = m.select(hasNoRoot, Number.NaN, signed)
  const endlessPower = m.compare(m.magnitude(y), 'equal', Number.POSITIVE_INFINITY)
  const ofUnit = m.and(m.compare(magnitude, 'equal', 1), endlessPower)
  const isOne = m.or(m.or(m.compare(x, 'equal', 1), m.compare(y, 'equal', 0)), ofUnit)
  return m.select(isOne, 1, orNaN)
}
