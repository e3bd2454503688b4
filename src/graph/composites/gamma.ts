// The gamma function's logarithm and its derivatives. In float64 lgamma and digamma go by Lanczos' approximation for arguments from 1/2 and
// reflection below; float32 has forms of its own (gamma-float.ts), all but derivatives of high order.
// Lanczos, SIAM J. Numer. Anal. 1 (1964); coefficients of Boost's lanczos13m53 (https://www.boost.org/doc/libs/release/libs/math).
import { ArgumentError } from '../../base/errors.ts'
import {
  add,
  cast,
  cos,
  div,
  equal,
  floor,
  isInfinite,
  less,
  lessEqual,
  log,
  logicalAnd,
  min,
  mul,
  multiplyAdd,
  neg,
  reciprocal,
  sin,
  square,
  sub,
  where,
} from '../builders.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import { defineComposite } from './composite-table.ts'
import { fraction } from './float-parts.ts'
import { cotangentOfTurns, digammaFloat, lgammaFloat } from './gamma-float.ts'
import { polynomial } from './special.ts'
import { floatComposite, inFloat32 } from './unary.ts'

const lanczosG = 6.02468004077673
const numerator = [
  0.006061842346248907, 0.5098416655656676, 19.519927882476175, 449.9445569063168, 6955.999602515376, 75999.29304014542,
  601859.6171681099, 3481712.154980646, 14605578.087685067, 43338889.32467614, 86363131.2881386, 103794043.11634454,
  56906521.913471565,
]
const denominator = [
  1, 66, 1925, 32670, 357423, 2637558, 13339535, 45995730, 105258076, 150917976, 120543840, 39916800, 0,
]
const derivative = (coefficients: readonly number[]): number[] =>
  coefficients.slice(0, -1).map((coefficient, i) => coefficient * (coefficients.length - 1 - i))

/** `compute` in float64, rounded to x's dtype. */
const inFloat64 = (x: Node, compute: (x: Node) => Node): Node => cast(compute(cast(x, 'float64')), x.dtype)

/** Beyond it the rational's powers would overflow; it has long reached its limit. */
const farthest = 1e20
/** x itself from 1/2 on, its mirror image below. */
const reflected = (x: Node): Node => where(less(x, 0.5), sub(1, x), x)

function lgammaOfHalf(x: Node): Node {
  const near = min(x, farthest)
  const base = sub(log(add(x, lanczosG - 0.5)), 1)
  return add(mul(base, sub(x, 0.5)), log(div(polynomial(near, numerator), polynomial(near, denominator))))
}

function lgammaBody(x: Node): Node {
  const right = lgammaOfHalf(reflected(x))
  const mirror = sub(log(abs(div(Math.PI, sin(mul(fraction(x), Math.PI))))), right)
  return where(isInfinite(x), Number.POSITIVE_INFINITY, where(less(x, 0.5), mirror, right))
}

/** log |Γ(x)|. https://docs.pytorch.org/docs/stable/generated/torch.lgamma.html */
export const lgamma = floatComposite('lgamma', {
  body: (x) => (x.dtype === 'float64' ? lgammaBody(x) : lgammaFloat(x)),
  vjp: ({ inputs: [x] }, grad) => mul(grad, digamma(x)),
})

function digammaOfHalf(x: Node): Node {
  const near = min(x, farthest)
  const slope = (coefficients: readonly number[]): Node =>
    div(polynomial(near, derivative(coefficients)), polynomial(near, coefficients))
  const shifted = add(x, lanczosG - 0.5)
  return add(sub(log(shifted), div(lanczosG, shifted)), sub(slope(numerator), slope(denominator)))
}

/** π cot(πx) */
function cotangent(x: Node): Node {
  const turn = mul(fraction(x), Math.PI)
  return div(mul(cos(turn), Math.PI), sin(turn))
}

function digammaBody(x: Node): Node {
  const right = digammaOfHalf(reflected(x))
  const value = where(less(x, 0.5), sub(right, cotangent(x)), right)
  const isPole = logicalAnd(lessEqual(x, 0), equal(x, floor(x)))
  return where(equal(x, 0), neg(reciprocal(x)), where(isPole, Number.NaN, value))
}

/** The derivative of lgamma; NaN at negative whole numbers. */
export const digamma: (x: Node) => Node = floatComposite('digamma', {
  body: (x) => (x.dtype === 'float64' ? digammaBody(x) : digammaFloat(x)),
  vjp: ({ inputs: [x] }, grad) => mul(grad, polygamma(1, x)),
})

// B(2k) / (2k)!, the coefficients of Euler and Maclaurin's formula
const bernoulli = [
  1 / 12,
  -1 / 720,
  1 / 30240,
  -1 / 1209600,
  1 / 47900160,
  -691 / 1307674368000,
  1 / 74724249600,
  -3617 / 10670622842880000,
]
/** How many terms are added up and how many of the formula's follow: enough for the digits of each dtype. */
const termsOf = { float32: { inFull: 6, ofFormula: 4 }, float64: { inFull: 10, ofFormula: 8 } } as const

/** base^exponent for a whole exponent from 1, by squaring. */
function wholePower(base: Node, exponent: number): Node {
  if (exponent === 1) return base
  const root = square(wholePower(base, exponent >> 1))
  return exponent % 2 === 0 ? root : mul(root, base)
}

/** Hurwitz' zeta of a whole s from 2 and positive q: some terms, then Euler and Maclaurin's formula. */
function hurwitzZeta(s: number, q: Node): Node {
  const { inFull, ofFormula } = termsOf[q.dtype === 'float64' ? 'float64' : 'float32']
  const far = add(q, inFull)
  const inverse = reciprocal(far)
  const last = wholePower(inverse, s)
  // the small terms first
  const coefficients = [...bernoulli.slice(0, ofFormula)].reverse()
  const slopes = coefficients.map((coefficient, i) => coefficient * rising(s, 2 * (ofFormula - 1 - i)))
  let total = mul(last, multiplyAdd(mul(inverse, s), polynomial(square(inverse), slopes), 0.5))
  total = multiplyAdd(wholePower(inverse, s - 1), 1 / (s - 1), total)
  for (let k = inFull - 1; k >= 0; k--) total = add(total, wholePower(reciprocal(k === 0 ? q : add(q, k)), s))
  return total
}

/** (s + 1) (s + 2) … (s + count) */
const rising = (s: number, count: number): number => (count === 0 ? 1 : (s + count) * rising(s, count - 1))

/** Coefficients, lowest first, of the polynomial in c = cot(u) that is the order-th derivative of cot. */
function cotangentDerivative(order: number): number[] {
  let coefficients = [0, 1]
  for (let n = 0; n < order; n++) {
    const next = new Array<number>(coefficients.length + 1).fill(0)
    coefficients.forEach((coefficient, power) => {
      if (power === 0) return
      next[power - 1] -= power * coefficient
      next[power + 1] -= power * coefficient
    })
    coefficients = next
  }
  return coefficients
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))

function polygammaBody(n: number, x: Node): Node {
  const isOdd = n % 2 === 1
  const isMirrored = less(x, 0)
  const right = mul(hurwitzZeta(n + 1, where(isMirrored, sub(1, x), x)), (isOdd ? 1 : -1) * factorial(n))
  const turns = x.dtype === 'float64' ? cotangent(x) : cotangentOfTurns(x)
  const slopes = polynomial(mul(turns, 1 / Math.PI), cotangentDerivative(n).reverse())
  const mirror = sub(isOdd ? neg(right) : right, mul(slopes, Math.PI ** (n + 1)))
  const isPole = logicalAnd(lessEqual(x, 0), equal(x, floor(x)))
  const atPole = isOdd ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
  return where(isPole, atPole, where(isMirrored, mirror, right))
}

/** Powers of higher orders leave the range of float32 where their sum, times the factorial, does not. */
const highestFloatOrder = 4

const polygammaNode = defineComposite<{ readonly n: number }>('polygamma', {
  infer: ([x]) => x,
  body: ([x], { n }) =>
    inFloat32(x, (wide) =>
      n > highestFloatOrder ? inFloat64(wide, (double) => polygammaBody(n, double)) : polygammaBody(n, wide),
    ),
  vjp: ({ inputs: [x], attrs: { attrs } }, grad) => [mul(grad, polygamma(attrs.n + 1, x))],
})

/** The n-th derivative of digamma, for floats. */
export function polygamma(n: number, x: Node): Node {
  if (!Number.isInteger(n) || n < 0)
    throw new ArgumentError(`polygamma: expected a whole order from 0, got ${n}.`, { op: 'polygamma', n })
  return n === 0 ? digamma(x) : polygammaNode([x], { n })
}
