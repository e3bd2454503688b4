// exp, log and pow of lanes, within 2 ulp (pow: a few in float64): Cephes' and fdlibm's reductions and polynomials without fused
// multiply-adds. Denormals, infinities, NaN, overflow and underflow are treated as C does.
import { double, single } from '../machine/function-numbers.ts'
import type { FunctionCode } from './function-code.ts'
import { LaneMath, type Lanes } from './lane-math.ts'
import type { Library, LibraryFunctions } from './library.ts'
import { modFloat64 } from './library-modulo.ts'
import { angleFunctions } from './library-trigonometry.ts'

// --- float32 (Cephes: expf.c, logf.c) --------------------------------------------------------------------------------------------

function expFloat32(m: LaneMath, argument: Lanes): Lanes {
  const { lowest, highest } = single.expRange
  const x = m.clamp(argument, lowest, highest)
  const power = m.nearest(m.mul(x, Math.LOG2E))
  const rest = m.subMul(power, single.log2Low, m.subMul(power, single.log2High, x))
  const tail = m.mulAdd(m.mul(rest, rest), m.polynomial(rest, single.exp), rest)
  // what vanishes is cleared first: a product that underflows takes the processor a hundred cycles
  const mantissa = m.clear(m.add(tail, 1), m.compare('eq', x, lowest))
  // 2^power in two factors: each is a normal number even where the result is not
  const whole = m.unary('i32x4.trunc_sat_f32x4_s', power)
  const half = m.shift('shr_s', whole, 1)
  const other = m.binary('i32x4.sub', whole, half)
  const powerOfTwo = (exponent: Lanes): Lanes => m.shift('shl', m.binary('i32x4.add', exponent, m.integer(127)), 23)
  return m.mul(m.mul(mantissa, powerOfTwo(half)), powerOfTwo(other))
}

function logFloat32(m: LaneMath, x: Lanes): Lanes {
  const isSmall = m.compare('lt', x, single.smallestNormal)
  const normal = m.select(isSmall, m.mul(x, 2 ** 23), x)
  const bits = m.binary('i32x4.sub', normal, m.integer(single.bitsOfRootHalf))
  const fraction = m.binary('i32x4.add', m.and(bits, m.integer(0x7fffff)), m.integer(single.bitsOfRootHalf))
  const f = m.sub(fraction, 1)
  const exponent = m.sub(m.unary('f32x4.convert_i32x4_s', m.shift('shr_s', bits, 23)), m.and(isSmall, 23))
  const square = m.mul(f, f)
  const cubic = m.mul(m.mul(m.polynomial(f, single.log), f), square)
  const tail = m.subMul(square, 0.5, m.mulAdd(exponent, single.log2Low, cubic))
  return specialLogs(m, x, m.mulAdd(exponent, single.log2High, m.add(f, tail)))
}

/** log of 0, of negative numbers, of infinity and of NaN, on top of the ordinary result. */
function specialLogs(m: LaneMath, x: Lanes, result: Lanes): Lanes {
  const orInfinite = m.select(m.compare('lt', x, Number.POSITIVE_INFINITY), result, x)
  const orNegative = m.select(m.compare('lt', x, 0), Number.NaN, orInfinite)
  return m.select(m.compare('eq', x, 0), Number.NEGATIVE_INFINITY, orNegative)
}

// --- float64 (a Taylor polynomial after Cody and Waite's reduction; fdlibm: e_log.c) ----------------------------------------------

const expFloat64 = (m: LaneMath, x: Lanes): Lanes =>
  expOfSum(m, m.clamp(x, double.expRange.lowest, double.expRange.highest), undefined)

/** exp(x + low) for x within expRange and a low far below the last bit of x. */
function expOfSum(m: LaneMath, x: Lanes, low: Lanes | undefined): Lanes {
  const power = m.nearest(m.mul(x, Math.LOG2E))
  const reduced = m.subMul(power, double.log2Low, m.subMul(power, double.log2High, x))
  const rest = low === undefined ? reduced : m.add(reduced, low)
  const tail = m.mulAdd(m.mul(rest, rest), m.polynomial(rest, double.exp), rest)
  const half = m.floor(m.mul(power, 0.5))
  const powerOfTwo = (exponent: Lanes): Lanes => m.shift('shl', m.add(exponent, double.wholeInLowBits + 1023), 52)
  return m.mul(m.mul(m.add(tail, 1), powerOfTwo(half)), powerOfTwo(m.sub(power, half)))
}

/** x = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)), for x positive and finite. */
function splitExponent(m: LaneMath, x: Lanes): { mantissa: Lanes; exponent: Lanes } {
  const isSmall = m.compare('lt', x, double.smallestNormal)
  const normal = m.select(isSmall, m.mul(x, 2 ** 54), x)
  const bits = m.binary('i64x2.add', normal, m.integer(0x3ff0000000000000n - 0x3fe6a09e00000000n))
  const fraction = m.and(bits, m.integer(0xfffffffffffffn))
  const mantissa = m.binary('i64x2.add', fraction, m.integer(0x3fe6a09e00000000n))
  // the exponent's bits under 2^52's make a float64 of 2^52 + exponent
  const biased = m.or(m.shift('shr_u', bits, 52), 2 ** 52)
  return { mantissa, exponent: m.sub(m.sub(biased, 2 ** 52 + 1023), m.and(isSmall, 54)) }
}

function logFloat64(m: LaneMath, x: Lanes): Lanes {
  const { mantissa, exponent } = splitExponent(m, x)
  const f = m.sub(mantissa, 1)
  const ratio = m.div(f, m.add(f, 2))
  const z = m.mul(ratio, ratio)
  const series = m.mul(m.polynomial(z, double.log), z)
  const halfSquare = m.mul(m.mul(f, f), 0.5)
  const small = m.mulAdd(ratio, m.add(halfSquare, series), m.mul(exponent, double.log2Low))
  const result = m.mulAdd(exponent, double.log2High, m.sub(f, m.sub(halfSquare, small)))
  return specialLogs(m, x, result)
}

// --- pow as exp(y log x), with log x and the product held in pairs of float64 -----------------------------------------------------

interface Pair {
  readonly high: Lanes
  readonly low: Lanes
}

/** a * b - product without rounding, where product is a * b rounded: Dekker's splitting. */
function productError(m: LaneMath, a: Lanes, b: Lanes, product: Lanes): Lanes {
  const split = (x: Lanes): Pair => {
    const scaled = m.mul(x, 2 ** 27 + 1)
    const high = m.sub(scaled, m.sub(scaled, x))
    return { high, low: m.sub(x, high) }
  }
  const [x, y] = [split(a), split(b)]
  const upper = m.sub(m.mul(x.high, y.high), product)
  const cross = m.mulAdd(x.low, y.high, m.mulAdd(x.high, y.low, upper))
  return m.mulAdd(x.low, y.low, cross)
}

function powFloat64(c: FunctionCode): void {
  const m = new LaneMath(c, 'f64')
  const [x, y] = [m.parameter(0), m.parameter(1)]
  const magnitude = m.abs(x)
  const log = logPair(m, magnitude)
  const high = m.mul(y, log.high)
  const error = m.mulAdd(y, log.low, productError(m, y, log.high, high))
  const inRange = m.compare('lt', m.abs(high), 800)
  const clamped = m.clamp(high, double.expRange.lowest, double.expRange.highest)
  m.give(specialPowers(m, x, y, magnitude, expOfSum(m, clamped, m.and(error, inRange))))
}

/** log of a magnitude: -infinity and +infinity at 0 and infinity. */
function logPair(m: LaneMath, x: Lanes): Pair {
  const { mantissa, exponent } = splitExponent(m, x)
  const f = m.sub(mantissa, 1)
  const divisor = m.add(mantissa, 1)
  const lost = m.sub(mantissa, m.sub(divisor, 1))
  const ratio = m.div(f, divisor)
  const product = m.mul(ratio, divisor)
  const remainder = m.sub(m.sub(f, product), productError(m, ratio, divisor, product))
  const ratioError = m.div(m.subMul(ratio, lost, remainder), divisor)
  const square = m.mul(ratio, ratio)
  const series = m.mul(m.mul(ratio, square), m.polynomial(square, double.logSeries))
  const doubled = m.add(ratio, ratio)
  const whole = m.mul(exponent, double.log2High)
  const sum = m.add(whole, doubled)
  const part = m.sub(sum, whole)
  const sumError = m.add(m.sub(whole, m.sub(sum, part)), m.sub(doubled, part))
  const high = m.add(sum, series)
  const highError = m.add(m.sub(sum, high), series)
  const low = m.add(m.add(sumError, highError), m.mulAdd(exponent, double.log2Low, m.add(ratioError, ratioError)))
  return atLimits(m, x, { high, low })
}

function atLimits(m: LaneMath, x: Lanes, { high, low }: Pair): Pair {
  const bounded = m.compare('lt', x, Number.POSITIVE_INFINITY)
  const orInfinite = m.select(bounded, high, x)
  return {
    high: m.select(m.compare('eq', x, 0), Number.NEGATIVE_INFINITY, orInfinite),
    low: m.and(m.and(low, bounded), m.compare('ne', x, 0)),
  }
}

/** C's: NaN only where C says, signs of odd whole powers, pow(x, 0) = pow(1, y) = 1. */
function specialPowers(m: LaneMath, x: Lanes, y: Lanes, magnitude: Lanes, power: Lanes): Lanes {
  const isWhole = m.compare('eq', m.floor(y), y)
  const half = m.mul(y, 0.5)
  const isOdd = m.and(isWhole, m.compare('ne', m.floor(half), half))
  const signed = m.xor(power, m.and(m.and(x, isOdd), m.integer(-(2n ** 63n))))
  const isNegative = m.and(m.compare('lt', x, 0), m.compare('gt', x, Number.NEGATIVE_INFINITY))
  const orNaN = m.select(m.binary('v128.andnot', isNegative, isWhole), Number.NaN, signed)
  const endlessPower = m.compare('eq', m.abs(y), Number.POSITIVE_INFINITY)
  const ofUnit = m.and(m.compare('eq', magnitude, 1), endlessPower)
  const isOne = m.or(m.or(m.compare('eq', x, 1), m.compare('eq', y, 0)), ofUnit)
  return m.select(isOne, 1, orNaN)
}

/** In float64, rounded once. */
function powFloat32(c: FunctionCode, library: Library): void {
  const upper = Uint8Array.from({ length: 16 }, (_, i) => 8 + (i % 8))
  const half = (isUpper: boolean): void => {
    for (const local of [0, 1]) {
      c.get(local)
      if (isUpper) {
        c.get(local)
        c.emit('i8x16.shuffle', upper)
      }
      c.emit('f64x2.promote_low_f32x4')
    }
    c.call(library.get('powFloat64'))
    c.emit('f32x4.demote_f64x2_zero')
  }
  half(false)
  half(true)
  c.emit(
    'i8x16.shuffle',
    Uint8Array.from({ length: 16 }, (_, i) => (i < 8 ? i : 8 + i)),
  )
}

interface LaneFunction {
  readonly form: 'f32' | 'f64'
  write(m: LaneMath, x: Lanes): Lanes
}

/** Functions of lanes that are written in place inside vector loops: a call would spill every vector, and make every constant anew. */
export const laneFunctions = {
  expFloat32: { form: 'f32', write: expFloat32 },
  logFloat32: { form: 'f32', write: logFloat32 },
  expFloat64: { form: 'f64', write: expFloat64 },
  logFloat64: { form: 'f64', write: logFloat64 },
} as const satisfies Readonly<Record<string, LaneFunction>>

const alone = ({ form, write }: LaneFunction): LibraryFunctions[string] => ({
  type: 'v128 -> v128',
  write: (c) => {
    const m = new LaneMath(c, form)
    m.give(write(m, m.parameter(0)))
  },
})

export const floatFunctions: LibraryFunctions = {
  expFloat32: alone(laneFunctions.expFloat32),
  logFloat32: alone(laneFunctions.logFloat32),
  expFloat64: alone(laneFunctions.expFloat64),
  logFloat64: alone(laneFunctions.logFloat64),
  powFloat64: { type: 'v128 v128 -> v128', write: powFloat64 },
  powFloat32: { type: 'v128 v128 -> v128', write: powFloat32 },
  modFloat64,
  ...angleFunctions,
}
