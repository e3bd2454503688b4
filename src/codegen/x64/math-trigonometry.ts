// sin and cos of float64 lanes: reduction by multiples of π/2 held to 160 bits, then fdlibm's polynomials (k_sin.c, k_cos.c).
// Within 2 ulp for |x| < 2^50, where every step of the reduction is exact; larger finite arguments lose accuracy gradually.
import type { VirtualRegister } from '../machine/machine-op.ts'
import { MathBuilder } from './math-builder.ts'
import { wholeInLowBits } from './math-float64.ts'
import type { Part, Selection } from './select-state.ts'

/** π/2 as a sum. */
const quarterTurn = [1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33]
const sinCoefficients = [
  ...[1.58969099521155010221e-10, -2.50507602534068634195e-8, 2.75573137070700676789e-6],
  ...[-1.98412698298579493134e-4, 8.33333333332248946124e-3, -1.66666666666666324348e-1],
]
const cosCoefficients = [
  ...[-1.13596475577881948265e-11, 2.08757232129817482790e-9, -2.75573143513906633035e-7],
  ...[2.48015872894767294178e-5, -1.38888888888741095749e-3, 4.16666666666666019037e-2],
]

export const sinFloat64 = (s: Selection, x: VirtualRegister, bytes: number): VirtualRegister => turn(s, x, bytes, 0)
export const cosFloat64 = (s: Selection, x: VirtualRegister, bytes: number): VirtualRegister => turn(s, x, bytes, 1)

/** sin(x + quarters * π/2). */
function turn(s: Selection, x: VirtualRegister, bytes: number, quarters: number): VirtualRegister {
  const m = new MathBuilder(s, bytes, true)
  const count = m.round(m.mul(x, 2 / Math.PI))
  let rest = x
  for (const piece of quarterTurn) rest = m.fnma(count, piece, rest)
  const quadrant = m.add(count, wholeInLowBits + quarters)
  const isOdd = s.vector2('vpsllq', bytes, quadrant, 63)
  const sign = m.and(s.vector2('vpsllq', bytes, quadrant, 62), s.i64(-(2n ** 63n)))
  return m.xor(m.select(isOdd, cosNearZero(m, rest), sinNearZero(m, rest)), sign)
}

function sinNearZero(m: MathBuilder, x: VirtualRegister): VirtualRegister {
  const square = m.mul(x, x)
  return m.fma(m.mul(square, x), m.polynomial(square, sinCoefficients), x)
}

function cosNearZero(m: MathBuilder, x: VirtualRegister): VirtualRegister {
  const square: Part = m.mul(x, x)
  const half = m.mul(square, 0.5)
  const leading = m.sub(1, half)
  const lost = m.sub(m.sub(1, leading), half)
  return m.add(leading, m.fma(m.mul(square, square), m.polynomial(square, cosCoefficients), lost))
}
