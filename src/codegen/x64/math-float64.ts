// exp and log of float64 lanes, within 2 ulp: a Taylor polynomial after Cody and Waite's reduction, and fdlibm's e_log.c.
// Denormals, infinities, NaN, overflow and underflow are treated as C does.
import { double } from '../machine/function-numbers.ts'
import type { VirtualRegister } from '../machine/machine-op.ts'
import { MathBuilder } from './math-builder.ts'
import { specialLogs } from './math-float32.ts'
import type { Part, Selection } from './select-state.ts'

export function expFloat64(s: Selection, x: VirtualRegister, bytes: number): VirtualRegister {
  const m = new MathBuilder(s, bytes, true)
  return expOfSum(m, m.atMost(m.atLeast(x, double.expRange.lowest), double.expRange.highest), undefined)
}

/** exp(x + low) for x within expRange and a low far below the last bit of x. */
export function expOfSum(m: MathBuilder, x: VirtualRegister, low: VirtualRegister | undefined): VirtualRegister {
  const power = m.round(m.mul(x, Math.LOG2E))
  const reduced = m.fnma(power, double.log2Low, m.fnma(power, double.log2High, x))
  const rest = low === undefined ? reduced : m.add(reduced, low)
  const tail = m.fma(m.mul(rest, rest), m.polynomial(rest, double.exp), rest)
  if (m.s.options.avx512) return m.scale(m.add(tail, 1), power)
  const half = m.round(m.mul(power, 0.5), 1)
  const other = m.sub(power, half)
  return m.mul(m.mul(m.add(tail, 1), powerOfTwo(m, half)), powerOfTwo(m, other))
}

const powerOfTwo = (m: MathBuilder, exponent: VirtualRegister): VirtualRegister =>
  m.s.vector2('vpsllq', m.bytes, m.add(exponent, double.wholeInLowBits + 1023), 52)

/** x = m * 2^exponent with m in [sqrt(1/2), sqrt(2)), for x positive and finite. */
export function splitExponent(m: MathBuilder, x: VirtualRegister): { mantissa: Part; exponent: VirtualRegister } {
  const isSmall = m.compare(x, 'less', double.smallestNormal)
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
  const series = m.mul(m.polynomial(z, double.log), z)
  const halfSquare = m.mul(m.mul(f, f), 0.5)
  const small = m.fma(ratio, m.add(halfSquare, series), m.mul(exponent, double.log2Low))
  const result = m.fma(exponent, double.log2High, m.sub(f, m.sub(halfSquare, small)))
  return specialLogs(m, x, result)
}
