// sin and cos of float32 lanes within 3 ulp for every finite argument: the angle less multiples of π, held in three parts, goes through one
// odd polynomial. Angles that are too large for that, and what is no number, take the way of float64.
import type { VirtualRegister } from '../machine/machine-op.ts'
import { MathBuilder } from './math-builder.ts'
import { cosFloat64, sinFloat64 } from './math-trigonometry.ts'
import { fromWide } from './select-convert.ts'
import { widen } from './select-lanes.ts'
import type { Selection } from './select-state.ts'

/** Beyond this what a count of half turns times the parts leaves out may be seen, and 1/π may miss the nearest count by too much. */
const largest = 2 ** 17
/** Added to a small number, it rounds that to a whole one, and leaves it in the low bits. */
const wholeInLowBits = 1.5 * 2 ** 23

/** π in parts of 24 bits. What a fused product with the first leaves of an angle is exact. */
const halfTurn = partsOfHalfTurn()

function partsOfHalfTurn(): number[] {
  const [high, low] = [Math.PI, 1.2246467991473532e-16]
  const first = Math.fround(high)
  const second = Math.fround(high - first)
  return [first, second, Math.fround(high - first - second + low)]
}

/** Of (sin(r) / r - 1) / r² in r² up to a little beyond π/2, by Lawson's weighted least squares: off by 7e-9 of sin. */
const coefficients = [2.602775311590461e-6, -1.9808305051453867e-4, 8.333049511418947e-3, -0.16666658944445273]

export const sinFloat32 = (s: Selection, x: VirtualRegister, bytes: number): VirtualRegister => {
  const m = new MathBuilder(s, bytes, false)
  const size = m.and(x, s.i32(2 ** 31 - 1))
  const shifted = m.fma(size, 1 / Math.PI, wholeInLowBits)
  const value = sineOfRest(m, size, m.sub(shifted, wholeInLowBits), shifted)
  return elsewhere(m, x, size, sinFloat64, m.xor(value, m.xor(x, size)))
}

/** sin(|x| + π/2): whole half turns are counted from π/2. */
export const cosFloat32 = (s: Selection, x: VirtualRegister, bytes: number): VirtualRegister => {
  const m = new MathBuilder(s, bytes, false)
  const size = m.and(x, s.i32(2 ** 31 - 1))
  // the first half turn, from 0 to π, is the one whose sine is to be negated
  const shifted = m.add(m.fma(size, 1 / Math.PI, -0.5), wholeInLowBits + 1)
  const value = sineOfRest(m, size, m.add(m.sub(shifted, wholeInLowBits + 1), 0.5), shifted)
  return elsewhere(m, x, size, cosFloat64, value)
}

/** sin(x - count π), negated where `shifted` is odd. */
function sineOfRest(m: MathBuilder, x: VirtualRegister, count: VirtualRegister, shifted: VirtualRegister) {
  let rest = x
  for (const part of halfTurn) rest = m.fnma(count, part, rest)
  const square = m.mul(rest, rest)
  const sine = m.fma(m.mul(square, rest), m.polynomial(square, coefficients), rest)
  return m.xor(sine, m.s.vector2('vpslld', m.bytes, shifted, 31))
}

type Unary = (s: Selection, x: VirtualRegister, bytes: number) => VirtualRegister

/** `near`, but in float64 if any size is large. */
function elsewhere(m: MathBuilder, x: VirtualRegister, size: VirtualRegister, wide: Unary, near: VirtualRegister) {
  const { s, bytes } = m
  const result = s.copyOf(near, bytes)
  const isLarge = m.bitsWhere(size, 'notLess', largest)
  const end = s.label()
  s.read('test', isLarge.view(4), isLarge.view(4))
  s.branch('je', end)
  const inFloat64 = bytes === 64 ? inHalves(s, x, wide) : inDoubleWidth(s, x, wide)
  s.write('vmovaps', result.view(bytes), inFloat64.view(bytes))
  s.mark(end)
  return result
}

function inDoubleWidth(s: Selection, x: VirtualRegister, wide: Unary): VirtualRegister {
  const bytes = s.partBytes('f64')
  const parts = widen(s, x, 'vcvtps2pd').map((part) => wide(s, part, bytes))
  return fromWide(s, { form: 'f64', parts }, 'vcvtpd2ps')
}

/** Sixteen lanes as two groups of eight. */
function inHalves(s: Selection, x: VirtualRegister, wide: Unary): VirtualRegister {
  const { group } = s
  s.group = { ...group, lanes: 8 }
  const [low, high] = [0, 1].map((at) => {
    const half = s.vector()
    s.write('vextractf64x4', half.view(32), x.view(64), at)
    return inDoubleWidth(s, half, wide)
  })
  s.group = group
  const joined = s.vector()
  s.write('vinsertf64x4', joined.view(64), low.view(64), high.view(32), 1)
  return joined
}
