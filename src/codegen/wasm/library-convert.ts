// Conversions that take more than an instruction: floats to integers with the reference's answer outside their range, and halves.
import type { FunctionCode } from './function-code.ts'
import { LaneMath } from './lane-math.ts'
import type { LibraryFunctions } from './library.ts'

/** Truncates; NaN and what the integer cannot hold give its minimum. */
function truncate(c: FunctionCode, type: 'i32' | 'i64', above: number, below: number): void {
  c.get(0)
  c.emit('f64.const', above)
  c.emit(type === 'i32' ? 'f64.gt' : 'f64.ge')
  c.get(0)
  c.emit('f64.const', below)
  c.emit('f64.lt')
  c.emit('i32.and')
  c.ifElse(
    () => {
      c.get(0)
      c.emit(`${type}.trunc_f64_s`)
    },
    () => (type === 'i32' ? c.i32(-(2 ** 31)) : c.i64(-(2n ** 63n))),
    type,
  )
}

function truncateFloat32(c: FunctionCode): void {
  const m = new LaneMath(c, 'f32')
  const x = m.parameter(0)
  const inside = m.and(m.compare('ge', x, -(2 ** 31)), m.compare('lt', x, 2 ** 31))
  const whole = m.unary('i32x4.trunc_sat_f32x4_s', x)
  m.give(m.select(inside, whole, m.integer(-(2 ** 31))))
}

/** Half bits in 32-bit lanes to float32: the exponent is moved by a product, which serves denormals too. */
function fromHalf(c: FunctionCode): void {
  const m = new LaneMath(c, 'f32')
  const bits = m.parameter(0)
  const magnitude = m.shift('shl', m.and(bits, m.integer(0x7fff)), 13)
  const scaled = m.mul(magnitude, 2 ** 112)
  const isSpecial = m.binary('i32x4.ge_s', magnitude, m.integer(0x7c00 << 13))
  const special = m.or(magnitude, m.integer(0x7f800000))
  const sign = m.shift('shl', m.and(bits, m.integer(0x8000)), 16)
  m.give(m.or(m.select(isSpecial, special, scaled), sign))
}

/** float32 to half bits, to nearest even: a sum with the right power of two rounds (https://github.com/Maratyszcza/FP16). */
function toHalf(c: FunctionCode): void {
  const m = new LaneMath(c, 'f32')
  const x = m.parameter(0)
  const scaled = m.mul(m.mul(m.unary('f32x4.abs', x), 2 ** 112), 2 ** -110)
  const doubled = m.shift('shl', x, 1)
  const bias = m.binary('i32x4.max_u', m.and(doubled, m.integer(0xff000000 | 0)), m.integer(0x71000000))
  const rounder = m.binary('i32x4.add', m.shift('shr_u', bias, 1), m.integer(0x07800000))
  const sum = m.add(rounder, scaled)
  const exponent = m.and(m.shift('shr_u', sum, 13), m.integer(0x7c00))
  const magnitude = m.binary('i32x4.add', exponent, m.and(sum, m.integer(0xfff)))
  const unordered = m.binary('i32x4.gt_u', doubled, m.integer(0xff000000 | 0))
  const sign = m.and(m.shift('shr_u', x, 16), m.integer(0x8000))
  m.give(m.or(m.select(unordered, m.integer(0x7e00), magnitude), sign))
}

/** float32 to bfloat16 bits, to nearest even; NaN stays NaN. */
function toBrain(c: FunctionCode): void {
  const m = new LaneMath(c, 'f32')
  const x = m.parameter(0)
  const odd = m.and(m.shift('shr_u', x, 16), m.integer(1))
  const biased = m.binary('i32x4.add', m.binary('i32x4.add', odd, m.integer(0x7fff)), x)
  m.give(m.select(m.compare('ne', x, x), m.integer(0x7fc0), m.shift('shr_u', biased, 16)))
}

export const conversionFunctions: LibraryFunctions = {
  toInt32: { type: 'f64 -> i32', write: (c) => truncate(c, 'i32', -(2 ** 31) - 1, 2 ** 31) },
  toInt64: { type: 'f64 -> i64', write: (c) => truncate(c, 'i64', -(2 ** 63), 2 ** 63) },
  truncateFloat32: { type: 'v128 -> v128', write: truncateFloat32 },
  fromHalf: { type: 'v128 -> v128', write: fromHalf },
  toHalf: { type: 'v128 -> v128', write: toHalf },
  toBrain: { type: 'v128 -> v128', write: toBrain },
}
