// sin and cos of float64 by fdlibm's polynomials (k_sin.c, k_cos.c) on a reduced angle, within 2 ulp for every finite argument. Up to
// 2^19 quarter turns by multiples of π/2 in pieces (e_rem_pio2.c); beyond, by an integer product with the bits of 2/π that matter
// (Payne and Hanek, 1983).
import { double } from '../machine/function-numbers.ts'
import { exponentBias, fractionBits, inverseBits, windowBits } from '../machine/inverse-pi.ts'
import type { FunctionCode } from './function-code.ts'
import { inverseTableAddress } from './layout.ts'
import type { Library, LibraryFunctions } from './library.ts'
import { type Push, ScalarMath } from './scalar-math.ts'

/** π/2 in pieces of 33 bits, each with what the pieces so far leave out. */
const quarterTurn = [
  { piece: 1.5707963267341256, rest: 6.077100506506192e-11 },
  { piece: 6.077100506303966e-11, rest: 2.0222662487959506e-21 },
  { piece: 2.0222662487111665e-21, rest: 8.4784276603689e-32 },
]
/** 2^19 π/2: a count of quarter turns up to it times a piece is exact. */
const largest = 823549

/** sin(x + shift * π/2). */
const turn = (shift: number) => (c: FunctionCode, library: Library) => {
  const m = new ScalarMath(c)
  const x = m.at(0)
  m.when(m.op('i32.eqz', m.op('f64.lt', m.op('f64.abs', x), m.f64(Number.POSITIVE_INFINITY))), () =>
    m.give(m.f64(Number.NaN)),
  )
  const rest = c.local('f64')
  const quarters = c.local('i64')
  m.op('f64.lt', m.op('f64.abs', x), m.f64(largest))()
  c.ifElse(
    () => reduceSmall(m, x, rest, quarters),
    () => {
      x()
      c.call(library.get('largeAngle'))
      c.set(quarters)
      c.set(rest)
    },
  )
  const quadrant = m.keep('i64', m.op('i64.add', m.at(quarters), m.i64(shift)))
  const result = c.local('f64')
  m.op('i32.wrap_i64', m.op('i64.and', quadrant, m.i64(1)))()
  c.ifElse(
    () => m.assign({ local: result }, cosNearZero(m, m.at(rest))),
    () => m.assign({ local: result }, sinNearZero(m, m.at(rest))),
  )
  m.when(m.op('i32.wrap_i64', m.op('i64.and', quadrant, m.i64(2))), () =>
    m.assign({ local: result }, m.op('f64.neg', m.at(result))),
  )
  c.get(result)
}

function reduceSmall(m: ScalarMath, x: Push, rest: number, quarters: number): void {
  const count = m.keep('f64', m.op('f64.nearest', m.op('f64.mul', x, m.f64(2 / Math.PI))))
  m.assign({ local: quarters }, m.op('i64.trunc_f64_s', count))
  let reduced: Push = x
  let lost: Push = m.f64(0)
  for (const [i, { piece, rest: left }] of quarterTurn.entries()) {
    const before = reduced
    const whole = m.keep('f64', m.op('f64.mul', count, m.f64(piece)))
    reduced = m.keep('f64', m.op('f64.sub', before, whole))
    const error = m.op('f64.sub', m.op('f64.sub', before, reduced), whole)
    // the first difference is exact
    const low = m.op('f64.mul', count, m.f64(left))
    lost = m.keep('f64', i === 0 ? low : m.op('f64.sub', low, error))
  }
  m.assign({ local: rest }, m.op('f64.sub', reduced, lost))
}

function sinNearZero(m: ScalarMath, x: Push): Push {
  const square = m.keep('f64', m.op('f64.mul', x, x))
  const tail = m.op('f64.mul', m.op('f64.mul', square, x), m.polynomial(square, double.sin))
  return m.op('f64.add', tail, x)
}

function cosNearZero(m: ScalarMath, x: Push): Push {
  const square = m.keep('f64', m.op('f64.mul', x, x))
  const half = m.keep('f64', m.op('f64.mul', square, m.f64(0.5)))
  const leading = m.keep('f64', m.op('f64.sub', m.f64(1), half))
  const lost = m.op('f64.sub', m.op('f64.sub', m.f64(1), leading), half)
  const tail = m.op('f64.mul', m.op('f64.mul', square, square), m.polynomial(square, double.cos))
  return m.op('f64.add', leading, m.op('f64.add', tail, lost))
}

// --- large angles ------------------------------------------------------------------------------------------------------------------

/** (x) to the angle left, within an eighth of a turn, and the count of quarter turns. */
function largeAngle(c: FunctionCode, library: Library): void {
  library.module.data(inverseTableAddress, inverseBits())
  const m = new ScalarMath(c)
  const bits = m.keep('i64', m.op('i64.reinterpret_f64', m.at(0)))
  const sign = m.keep('i64', m.op('i64.shr_s', bits, m.i64(63)))
  const biased = m.op('i64.shr_u', m.op('i64.shl', bits, m.i64(1)), m.i64(53))
  const exponent = m.keep('i64', m.op('i64.sub', biased, m.i64(exponentBias)))
  const shift = m.keep('i64', m.op('i64.and', exponent, m.i64(7)))
  const mantissa = m.op('i64.or', m.op('i64.and', bits, m.i64(2n ** 52n - 1n)), m.i64(2n ** 52n))
  const factor = m.keep('i64', m.op('i64.shl', mantissa, shift))
  const bytes = m.op('i64.shr_s', m.op('i64.sub', exponent, shift), m.i64(3))
  const offset = m.keep('i32', m.op('i32.wrap_i64', m.op('i64.sub', m.i64(0), bytes)))
  const first = inverseTableAddress + (fractionBits - (windowBits - 2)) / 8
  const [w2, w1, w0] = [0, 8, 16].map((at) =>
    m.keep('i64', () => {
      offset()
      c.i32(first + at)
      c.emit('i32.add')
      c.emit('i64.load')
    }),
  )
  const upper =
    (word: Push): Push =>
    () => {
      factor()
      word()
      c.call(library.get('multiplyHigh'))
    }
  const carried = m.keep('i64', upper(w2))
  const product = m.keep('i64', m.op('i64.mul', w1, factor))
  const low = m.keep('i64', m.op('i64.add', product, carried))
  const carry = m.op('i64.extend_i32_u', m.op('i64.lt_u', low, product))
  const top = m.op('i64.add', m.op('i64.mul', w0, factor), carry)
  const high = m.keep('i64', m.op('i64.add', upper(w1), top))
  giveAngle(m, high, low, sign)
}

/** The fraction below the quarter turns, from -1/2 to 1/2, in radians, and the turns, both with the angle's sign. */
function giveAngle(m: ScalarMath, high: Push, low: Push, sign: Push): void {
  const turns = m.op('i64.shr_u', m.op('i64.add', high, m.i64(2n ** 61n)), m.i64(62))
  const quarters = m.op('i64.sub', m.op('i64.xor', turns, sign), sign)
  const fraction = m.op('i64.or', m.op('i64.shl', high, m.i64(2)), m.op('i64.shr_u', low, m.i64(62)))
  const upper = m.op('f64.mul', m.op('f64.convert_i64_s', fraction), m.f64(2 ** -64))
  // bit 0 of the low word is beyond float64, and without the sign bit the word converts as a positive number
  const rest = m.op('i64.shr_u', m.op('i64.shl', low, m.i64(2)), m.i64(1))
  const lower = m.op('f64.mul', m.op('f64.convert_i64_s', rest), m.f64(2 ** -127))
  const angle = m.op('f64.mul', m.op('f64.add', lower, upper), m.f64(Math.PI / 2))
  const signed = m.op('i64.xor', m.op('i64.reinterpret_f64', angle), m.op('i64.shl', sign, m.i64(63)))
  m.op('f64.reinterpret_i64', signed)()
  quarters()
}

export const angleFunctions: LibraryFunctions = {
  sinFloat64: { type: 'f64 -> f64', write: turn(0) },
  cosFloat64: { type: 'f64 -> f64', write: turn(1) },
  largeAngle: { type: 'f64 -> f64 i64', write: largeAngle },
}
