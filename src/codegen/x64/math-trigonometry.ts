// sin and cos of float64 lanes by fdlibm's polynomials (k_sin.c, k_cos.c) on a reduced angle, within 2 ulp for every finite argument.
import { double } from '../machine/function-numbers.ts'
import type { VirtualRegister } from '../machine/machine-op.ts'
import { reduceAngle } from './math-angle.ts'
import { MathBuilder } from './math-builder.ts'
import type { Part, Selection } from './select-state.ts'

export const sinFloat64 = (s: Selection, x: VirtualRegister, bytes: number): VirtualRegister => turn(s, x, bytes, 0)
export const cosFloat64 = (s: Selection, x: VirtualRegister, bytes: number): VirtualRegister => turn(s, x, bytes, 1)

/** What sines and cosines of one angle have in common. */
interface Turn {
  /** quarter turns, in the low bits of 64-bit lanes */
  readonly quarters: VirtualRegister
  readonly sine: VirtualRegister
  readonly cosine: VirtualRegister
}

/** By what a statement has computed so far: a sine and a cosine of one value reduce it once. */
const knownTurns = new WeakMap<Selection['laneMemo'], Map<VirtualRegister, Turn>>()

function turnOf(s: Selection, x: VirtualRegister, bytes: number): Turn {
  const memo = s.group.lanes === 1 ? s.scalarMemo : s.laneMemo
  let known = knownTurns.get(memo)
  if (!known) knownTurns.set(memo, (known = new Map()))
  let turn = known.get(x)
  if (!turn) {
    const m = new MathBuilder(s, bytes, true)
    const { rest, quarters } = reduceAngle(s, x, bytes)
    known.set(x, (turn = { quarters, sine: sinNearZero(m, rest), cosine: cosNearZero(m, rest) }))
  }
  return turn
}

/** sin(x + shift * π/2). */
function turn(s: Selection, x: VirtualRegister, bytes: number, shift: number): VirtualRegister {
  const m = new MathBuilder(s, bytes, true)
  const { quarters, sine, cosine } = turnOf(s, x, bytes)
  const quadrant = shift === 0 ? quarters : s.commutative('vpaddq', bytes, quarters, s.i64(BigInt(shift)))
  const isOdd = s.vector2('vpsllq', bytes, quadrant, 63)
  const sign = m.and(s.vector2('vpsllq', bytes, quadrant, 62), s.i64(-(2n ** 63n)))
  // a choice of 512 bits goes bit by bit
  const choice = bytes === 64 ? s.vector2('vpsraq', bytes, isOdd, 63) : isOdd
  return m.xor(m.select(choice, cosine, sine), sign)
}

function sinNearZero(m: MathBuilder, x: VirtualRegister): VirtualRegister {
  const square = m.mul(x, x)
  return m.fma(m.mul(square, x), m.polynomial(square, double.sin), x)
}

function cosNearZero(m: MathBuilder, x: VirtualRegister): VirtualRegister {
  const square: Part = m.mul(x, x)
  const half = m.mul(square, 0.5)
  const leading = m.sub(1, half)
  const lost = m.sub(m.sub(1, leading), half)
  return m.add(leading, m.fma(m.mul(square, square), m.polynomial(square, double.cos), lost))
}
