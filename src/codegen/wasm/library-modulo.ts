// Remainder of float64 with the divisor's sign, without error: long division of the significands, a bit at a time (musl's fmod.c).
import type { LibraryFunction } from './library.ts'
import { type Push, ScalarMath } from './scalar-math.ts'

const signBit = -(2n ** 63n)
const hidden = 2n ** 52n

export const modFloat64: LibraryFunction = {
  type: 'f64 f64 -> f64',
  write(c) {
    const m = new ScalarMath(c)
    const [a, b] = [m.at(0), m.at(1)]
    giveSpecial(m, a, b)
    const rest = c.local('f64')
    m.op('f64.lt', m.op('f64.abs', a), m.op('f64.abs', b))()
    c.ifElse(
      () => m.assign({ local: rest }, a),
      () => longDivision(m, a, b, rest),
    )
    const differs = m.op('i64.lt_s', m.op('i64.xor', bitsOf(m, m.at(rest)), bitsOf(m, b)), m.i64(0))
    m.when(m.op('i32.and', m.op('f64.ne', m.at(rest), m.f64(0)), differs), () => m.give(m.op('f64.add', m.at(rest), b)))
    c.get(rest)
  },
}

const bitsOf = (m: ScalarMath, value: Push): Push => m.op('i64.reinterpret_f64', value)

/** NaN for NaN, for an infinite dividend and for a divisor of 0. */
function giveSpecial(m: ScalarMath, a: Push, b: Push): void {
  const unordered = m.op('i32.or', m.op('f64.ne', a, a), m.op('f64.ne', b, b))
  const noRest = m.op(
    'i32.or',
    m.op('f64.eq', m.op('f64.abs', a), m.f64(Number.POSITIVE_INFINITY)),
    m.op('f64.eq', b, m.f64(0)),
  )
  m.when(m.op('i32.or', unordered, noRest), () => m.give(m.f64(Number.NaN)))
}

interface Split {
  readonly significand: Push & { readonly local: number }
  readonly exponent: Push & { readonly local: number }
}

/** Significand with its leading bit at 52, and biased exponent, which a denormal takes below 1. */
function split(m: ScalarMath, value: Push): Split {
  const bits = m.keep('i64', m.op('i64.and', bitsOf(m, value), m.i64(2n ** 63n - 1n)))
  const exponent = m.keep('i64', m.op('i64.shr_u', bits, m.i64(52)))
  const significand = m.keep('i64', m.op('i64.or', m.op('i64.and', bits, m.i64(hidden - 1n)), m.i64(hidden)))
  m.when(m.op('i64.eqz', exponent), () => {
    const shift = m.keep('i64', m.op('i64.sub', m.op('i64.clz', bits), m.i64(11)))
    m.assign(significand, m.op('i64.shl', bits, shift))
    m.assign(exponent, m.op('i64.sub', m.i64(1), shift))
  })
  return { significand, exponent }
}

/** For |a| >= |b| > 0. */
function longDivision(m: ScalarMath, a: Push, b: Push, rest: number): void {
  const { c } = m
  const [x, y] = [split(m, a), split(m, b)]
  const sign = m.op('i64.and', bitsOf(m, a), m.i64(signBit))
  const subtract = (): void =>
    m.when(m.op('i64.ge_u', x.significand, y.significand), () =>
      m.assign(x.significand, m.op('i64.sub', x.significand, y.significand)),
    )
  c.block('block', () =>
    c.block('loop', () => {
      m.op('i64.le_s', x.exponent, y.exponent)()
      c.emit('br_if', 1)
      subtract()
      m.assign(x.significand, m.op('i64.shl', x.significand, m.i64(1)))
      m.assign(x.exponent, m.op('i64.sub', x.exponent, m.i64(1)))
      c.emit('br', 0)
    }),
  )
  subtract()
  m.op('i64.eqz', x.significand)()
  c.ifElse(
    () => m.assign({ local: rest }, m.op('f64.reinterpret_i64', sign)),
    () => joinParts(m, x, sign, rest),
  )
}

function joinParts(m: ScalarMath, { significand, exponent }: Split, sign: Push, rest: number): void {
  const shift = m.keep('i64', m.op('i64.sub', m.op('i64.clz', significand), m.i64(11)))
  m.assign(significand, m.op('i64.shl', significand, shift))
  m.assign(exponent, m.op('i64.sub', exponent, shift))
  m.op('i64.gt_s', exponent, m.i64(0))()
  const whole = m.op('i64.or', m.op('i64.and', significand, m.i64(hidden - 1n)), m.op('i64.shl', exponent, m.i64(52)))
  const denormal = m.op('i64.shr_u', significand, m.op('i64.sub', m.i64(1), exponent))
  m.c.ifElse(
    () => m.assign(significand, whole),
    () => m.assign(significand, denormal),
  )
  m.assign({ local: rest }, m.op('f64.reinterpret_i64', m.op('i64.or', significand, sign)))
}
