// exp and log of float32 lanes: Cephes' range reductions and polynomials (expf.c, logf.c), with fused multiply-adds, and with AVX-512's
// instructions for the parts of a float where they are.
// Both stay within 2 ulp and treat denormals, infinities, NaN, overflow and underflow as C does.
import { single } from '../machine/function-numbers.ts'
import type { VirtualRegister } from '../machine/machine-op.ts'
import { MathBuilder } from './math-builder.ts'
import type { Selection } from './select-state.ts'

/** Added to a small number, it rounds that to a whole one, and leaves it in the low bits. */
const wholeInLowBits = 1.5 * 2 ** 23
const bitsOfWhole = 0x4b400000

export function expFloat32(s: Selection, x: VirtualRegister, bytes: number): VirtualRegister {
  const m = new MathBuilder(s, bytes, false)
  // what vanishes is computed as exp(0) and cleared: a product that underflows takes the processor a hundred cycles
  const stays = m.compare(x, 'notLess', single.expRange.lowest)
  const clamped = m.atMost(m.and(stays, x), single.expRange.highest)
  const shifted = m.fma(clamped, Math.LOG2E, wholeInLowBits)
  const power = m.sub(shifted, wholeInLowBits)
  const rest = m.fnma(power, single.log2Low, m.fnma(power, single.log2High, clamped))
  const mantissa = m.polynomial(rest, [...single.exp, 1, 1])
  return m.and(stays, s.options.avx512 ? m.scale(mantissa, power) : scaleInSteps(m, mantissa, shifted))
}

/** mantissa * 2^power in two factors: each is a normal number even where the result is not. */
function scaleInSteps(m: MathBuilder, mantissa: VirtualRegister, shifted: VirtualRegister): VirtualRegister {
  const { s, bytes } = m
  const whole = s.vector3('vpsubd', bytes, shifted, s.i32(bitsOfWhole))
  const half = s.vector2('vpsrad', bytes, whole, 1)
  const other = s.vector3('vpsubd', bytes, whole, half)
  const scaled = s.vector3('vpaddd', bytes, mantissa, s.vector2('vpslld', bytes, half, 23))
  return m.mul(scaled, s.vector2('vpslld', bytes, s.vector3('vpaddd', bytes, other, s.i32(127)), 23))
}

export function logFloat32(s: Selection, x: VirtualRegister, bytes: number): VirtualRegister {
  const m = new MathBuilder(s, bytes, false)
  if (s.options.avx512) return logOfParts(m, x)
  const isSmall = m.compare(x, 'less', single.smallestNormal)
  const normal = m.select(isSmall, m.mul(x, 2 ** 23), x)
  const bits = s.vector3('vpsubd', bytes, normal, s.i32(single.bitsOfRootHalf))
  const exponentBits = s.vector2('vpsrad', bytes, bits, 23)
  const fractionBits = s.commutative('vpand', bytes, bits, s.i32(0x7fffff))
  const f = m.sub(s.vector3('vpaddd', bytes, fractionBits, s.i32(single.bitsOfRootHalf)), 1)
  const exponent = m.sub(s.vector2('vcvtdq2ps', bytes, exponentBits), m.and(isSmall, 23))
  return specialLogs(m, x, logOfFraction(m, f, exponent, single.log))
}

/** log((1 + f) * 2^exponent) = f - f²/2 + f³ P(f) + exponent * log 2. */
function logOfFraction(
  m: MathBuilder,
  f: VirtualRegister,
  exponent: VirtualRegister,
  coefficients: readonly number[],
): VirtualRegister {
  const curve = m.fma(m.polynomial(f, coefficients), f, -0.5)
  return m.fma(exponent, single.log2High, m.fma(curve, m.mul(f, f), m.fma(exponent, single.log2Low, f)))
}

/** P on [-1/4, 1/2], by Lawson's weighted least squares: off by 2.5e-9 of log(1 + f). */
const wideLogCoefficients = [
  ...[-0.0450754351913929, 0.1046309694647789, -0.1316121369600296, 0.1447838991880417],
  ...[-0.16647309064865112, 0.19990861415863037, -0.2500009536743164, 0.3333345055580139],
]
/** vgetmantps: to [3/4, 3/2) */
const aroundOne = 3
/** vfixupimmps: what becomes of NaN, 0, -infinity, infinity and negative numbers: NaN, -infinity, NaN, infinity, NaN. */
const logFixes = 0x03530422

/** The processor takes numbers apart, denormals too, and puts in the special cases. */
function logOfParts(m: MathBuilder, x: VirtualRegister): VirtualRegister {
  const { s, bytes } = m
  // in place: on Golden Cove it waits for what wrote its result before
  const mantissa = s.copyOf(x, bytes)
  s.update('vgetmantps', mantissa.view(bytes), mantissa.view(bytes), aroundOne)
  const isHalved = m.compare(mantissa, 'less', 1)
  const exponent = m.add(s.vector2('vgetexpps', bytes, x), m.and(isHalved, 1))
  const result = s.copyOf(logOfFraction(m, m.sub(mantissa, 1), exponent, wideLogCoefficients), bytes)
  s.update('vfixupimmps', result.view(bytes), x.view(bytes), s.operand(s.i32(logFixes), bytes), 0)
  return result
}

/** log of 0, of negative numbers, of infinity and of NaN, on top of the ordinary result. */
export function specialLogs(m: MathBuilder, x: VirtualRegister, result: VirtualRegister): VirtualRegister {
  const bounded = m.compare(x, 'less', Number.POSITIVE_INFINITY)
  const orInfinite = m.select(bounded, result, x)
  const orNegative = m.select(m.compare(x, 'less', 0), Number.NaN, orInfinite)
  return m.select(m.compare(x, 'equal', 0), Number.NEGATIVE_INFINITY, orNegative)
}
