// sin and cos of float32 lanes by Cephes' polynomials (sinf.c), within 2 ulp for every finite argument. The angle is reduced by multiples of
// π/2 held in four parts; angles that are too large for that, and what is no number, take the way of float64.
import type { VirtualRegister } from '../machine/machine-op.ts'
import { MathBuilder } from './math-builder.ts'
import { cosFloat64, sinFloat64 } from './math-trigonometry.ts'
import { fromWide } from './select-convert.ts'
import { widen } from './select-lanes.ts'
import type { Selection } from './select-state.ts'

/** Beyond this a count of quarter turns may have more than 12 bits. */
const largest = 4096
/** Added to a small number, it rounds that to a whole one, and leaves it in the low bits. */
const wholeInLowBits = 1.5 * 2 ** 23

/** π/2 in parts of 12, 12, 24 and 24 bits: counts of 12 bits times the first two are exact. */
const quarterTurn = partsOfQuarterTurn()

function partsOfQuarterTurn(): number[] {
  const [high, low] = [Math.PI / 2, 6.123233995736766e-17]
  const first = Math.floor(high * 2 ** 11) / 2 ** 11
  const second = Math.floor((high - first) * 2 ** 23) / 2 ** 23
  const rest = high - first - second
  const third = Math.fround(rest)
  return [first, second, third, Math.fround(rest - third + low)]
}

const sinCoefficients = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]
const cosCoefficients = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]

export const sinFloat32 = (s: Selection, x: VirtualRegister, bytes: number): VirtualRegister => turn(s, x, bytes, 0)
export const cosFloat32 = (s: Selection, x: VirtualRegister, bytes: number): VirtualRegister => turn(s, x, bytes, 1)

/** sin(x + shift * π/2). */
function turn(s: Selection, x: VirtualRegister, bytes: number, shift: 0 | 1): VirtualRegister {
  const m = new MathBuilder(s, bytes, false)
  const result = s.copyOf(turnNear(m, x, shift), bytes)
  const isLarge = m.compare(m.and(x, s.i32(2 ** 31 - 1)), 'notLess', largest)
  const bits = s.general()
  s.write('vmovmskps', bits.view(4), isLarge.view(bytes))
  const end = s.label()
  s.read('test', bits.view(4), bits.view(4))
  s.branch('je', end)
  const wide = shift === 0 ? sinFloat64 : cosFloat64
  const wideBytes = s.partBytes('f64')
  const parts = widen(s, x, 'vcvtps2pd').map((part) => wide(s, part, wideBytes))
  s.write('vmovaps', result.view(bytes), fromWide(s, { form: 'f64', parts }, 'vcvtpd2ps').view(bytes))
  s.mark(end)
  return result
}

function turnNear(m: MathBuilder, x: VirtualRegister, shift: 0 | 1): VirtualRegister {
  const { s, bytes } = m
  const shifted = m.fma(x, 2 / Math.PI, wholeInLowBits)
  const count = m.sub(shifted, wholeInLowBits)
  let rest = x
  for (const part of quarterTurn) rest = m.fnma(count, part, rest)
  const quadrant = shift === 0 ? shifted : s.commutative('vpaddd', bytes, shifted, s.i32(shift))
  const isOdd = s.vector2('vpslld', bytes, quadrant, 31)
  const sign = m.and(s.vector2('vpslld', bytes, quadrant, 30), s.i32(-(2 ** 31)))
  const square = m.mul(rest, rest)
  const sine = m.fma(m.mul(square, rest), m.polynomial(square, sinCoefficients), rest)
  const cosine = m.fma(m.mul(square, square), m.polynomial(square, cosCoefficients), m.fma(square, -0.5, 1))
  return m.xor(m.select(isOdd, cosine, sine), sign)
}
