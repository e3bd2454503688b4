// exp and log of float64 lanes, within 2 ulp: a Taylor polynomial after Cody and Waite's reduction, and fdlibm's e_log.c.
// Denormals, infinities, NaN, overflow and underflow are treated as C does.
import type { VirtualRegister } from '../machine/machine-op.ts'
import { MathBuilder } from './math-builder.ts'
import { specialLogs } from './math-float32.ts'
import type { Part, Selection } from './select-state.ts'

export const log2High = 0.6931471803691238
export const log2Low = 1.9082149292705877e-10

/** 1/13!, …, 1/2! */
const expCoefficients = Array.from({ length: 12 }, (_, i) => {
  let factorial = 1
  for (let k = 2; k <= 13 - i; k++) factorial *= k
  return 1 / factorial
})
/** Beyond these the result is infinite or 0. */
export const expRange = { lowest: -746, highest: 710 }
/** Added to a small whole number, it leaves that number in the low bits. */
export const wholeInLowBits = 1.5 * 2 ** 52

export function expFloat64(s: Selection, x: VirtualRegister, bytes: number): VirtualRegister {
  const m = new MathBuilder(s, bytes, true)
  return expOfSum(m, m.atMost(m.atLeast(x, expRange.lowest), expRange.highest), undefined)
}

/** exp(x + low) for x within expRange and a low far below the last bit of x. */
export function expOfSum(m: MathBuilder, x: VirtualRegister, low: VirtualRegister | undefined): VirtualRegister {
  const power = m.round(m.mul(x, Math.LOG2E))
  const reduced = m.fnma(power, log2Low, m.fnma(power, log2High, x))
  const rest = low === undefined ? reduced : m.add(reduced, low)
  const tail = m.fma(m.mul(rest, rest), m.polynomial(rest, expCoefficients), rest)
  const half = m.round(m.mul(power, 0.5), 1)
  const other = m.sub(power, half)
  return m.mul(m.mul(m.add(tail, 1), powerOfTwo(m, half)), powerOfTwo(m, other))
}

const powerOfTwo = (m: MathBuilder, exponent: VirtualRegister): VirtualRegister =>
  m.s.vector2('vpsllq', m.bytes, m.add(exponent, wholeInLowBits + 1023), 52)

const logCoefficients = [
  ...[0.14798198605116586, 0.15313837699209373, 0.1818357216161805, 0.22222198432149784],
  ...[0.2857142874366239, 0.3999999999940942, 0.6666666666666735],
]
const smallestNormal = 2 ** -1022

/** x = m * 2^exponent with m in [sqrt(1/2), sqrt(2)), for x positive and finite. */
export function splitExponent(m: MathBuilder, x: VirtualRegister): { mantissa: Part; exponent: VirtualRegister } {
  const isSmall = m.compare(x, 'less', smallestNormal)
  const { mantissa, exponent } = splitNormal(m, m.select(isSmall, m.mul(x, 2 ** 54), x))
  return { mantissa, exponent: m.sub(exponent, m.and(isSmall, 54)) }
}

/** The same for normal numbers. */
export function splitNormal(m: MathBuilder, x: VirtualRegister): { mantissa: Part; exponent: VirtualRegister } {
  const { s, bytes } = m
  const bits = s.commutative('vpaddq', bytes, x, s.i64(0x3ff0000000000000n - 0x3fe6a09e00000000n))
  const fraction = s.commutative('vpand', bytes, bits, s.i64(0xfffffffffffffn))
  const mantissa = s.commutative('vpaddq', bytes, fraction, s.i64(0x3fe6a09e00000000n))
  // the exponent's bits under 2^52's make a float64 of 2^52 + exponent
  const biased = m.or(s.vector2('vpsrlq', bytes, bits, 52), 2 ** 52)
  return { mantissa, exponent: m.sub(biased, 2 ** 52 + 1023) }
}

export function logFloat64(s: Selection, x: VirtualRegister, bytes: number): VirtualRegister {
  const m = new MathBuilder(s, bytes, true)
  const { mantissa, exponent } = splitExponent(m, x)
  const f = m.sub(mantissa, 1)
  const ratio = m.div(f, m.add(f, 2))
  const z = m.mul(ratio, ratio)
  const series = m.mul(m.polynomial(z, logCoefficients), z)
  const halfSquare = m.mul(m.mul(f, f), 0.5)
  const small = m.fma(ratio, m.add(halfSquare, series), m.mul(exponent, log2Low))
  const result = m.fma(exponent, log2High, m.sub(f, m.sub(halfSquare, small)))
  return specialLogs(m, x, result)
}
