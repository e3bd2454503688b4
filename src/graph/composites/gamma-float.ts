// lgamma, digamma and π cot(πx) of float32, in float32: a polynomial or a shift by whole numbers below, Stirling's series beyond, reflection of
// negative numbers about 0, which rounds nothing. Polynomials are fitted by Lawson's weighted least squares, to the error that is named.
import { add, div, equal, less, log, mul, multiplyAdd, neg, reciprocal, square, sub, where } from '../builders.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import { fraction } from './float-parts.ts'
import { polynomial } from './special.ts'

// --- multiples of π --------------------------------------------------------------------------------------------------------------

/** sin(πr) / (πr) and cos(πr) in r², for r up to 1/2: off by 6e-9 and 1e-9. */
const sineSlopes = [2.47159358e-2, -0.190443233, 0.811715841, -1.64493334, 1]
const cosine = [-2.39637811e-2, 0.234683752, -1.33516157, 4.05870533, -4.93480206, 1]

/** sin(πx) / π, given the fraction of x. */
const sine = (r: Node): Node => mul(r, polynomial(square(r), sineSlopes))

/** π cot(πx) of negative x. */
export function cotangentOfTurns(x: Node): Node {
  const r = fraction(x)
  return div(polynomial(square(r), cosine), sine(r))
}

// --- lgamma ----------------------------------------------------------------------------------------------------------------------

/** lgamma(2 + u) / (u (u + 1)) for u from -1/2 to 1: off by 1.6e-8 of lgamma. */
const lgammaNearTwo = [
  ...[-3.52510469e-5, 1.75150722e-4, -4.42078075e-4, 9.36283148e-4, -2.10106769e-3],
  ...[4.99258051e-3, -1.23845628e-2, 3.29655111e-2, -0.100317299, 0.422784328],
]
/** What Stirling's formula lacks, times y, in 1 / y², for y from 3 on: off by 1.2e-9 of lgamma. */
const stirling = [6.79244171e-4, -2.76993634e-3, 8.33331645e-2]
const stirlingConstant = (Math.log(2 * Math.PI) - 1) / 2

/** From -1/2 on: lgamma(2 + u) less the logarithm of the factors between, for u = y, y - 1 or y - 2; Stirling's formula from 3 on. */
function lgammaFromHalf(y: Node): Node {
  const [isSmall, isMiddle, isNear] = [less(y, 0.5), less(y, 1.5), less(y, 3)]
  const u = where(isSmall, y, where(isMiddle, sub(y, 1), sub(y, 2)))
  const factor = where(isSmall, abs(mul(y, add(y, 1))), where(isMiddle, y, where(isNear, 1, y)))
  const logarithm = log(factor)
  const near = sub(mul(mul(u, add(u, 1)), polynomial(u, lgammaNearTwo)), logarithm)
  const inverse = reciprocal(y)
  const rest = multiplyAdd(inverse, polynomial(square(inverse), stirling), stirlingConstant)
  const far = multiplyAdd(sub(y, 0.5), sub(logarithm, 1), rest)
  return where(isNear, near, far)
}

/** log |Γ(x)|; below -1/2 by Γ(x) Γ(-x) = -π / (x sin(πx)). */
export function lgammaFloat(x: Node): Node {
  const isMirrored = less(x, -0.5)
  const y = where(isMirrored, neg(x), x)
  const right = lgammaFromHalf(y)
  const turn = sine(fraction(x))
  const mirrored = neg(add(log(abs(mul(y, turn))), right))
  const orPole = where(equal(turn, 0), Number.POSITIVE_INFINITY, mirrored)
  return where(isMirrored, orPole, right)
}

// --- digamma ---------------------------------------------------------------------------------------------------------------------

/** (log t - 1 / (2t) - digamma(t)) t² in 1 / t², for t from 4 on: off by 5e-10. */
const digammaSeries = [3.53561365e-3, -8.31851829e-3, 8.33331868e-2]

/** From -1/2 on; below 4 by digamma(y + 4) less 1 / y + … + 1 / (y + 3), which is 2 (v + 1) (2y + 3) / (v (v + 2)) for v = y (y + 3). */
function digammaFromHalf(y: Node): Node {
  const isNear = less(y, 4)
  const inverse = reciprocal(where(isNear, add(y, 4), y))
  const z = square(inverse)
  const series = multiplyAdd(z, polynomial(z, digammaSeries), mul(inverse, 0.5))
  const far = neg(add(log(inverse), series))
  const v = mul(y, add(y, 3))
  const reciprocals = div(mul(add(v, 1), multiplyAdd(y, 4, 6)), mul(v, add(v, 2)))
  return where(isNear, sub(far, reciprocals), far)
}

/** The derivative of lgamma; below -1/2 by digamma(x) = digamma(-x) - 1 / x - π cot(πx). */
export function digammaFloat(x: Node): Node {
  const isMirrored = less(x, -0.5)
  const right = digammaFromHalf(where(isMirrored, neg(x), x))
  const mirrored = sub(right, add(reciprocal(x), cotangentOfTurns(x)))
  const orPole = where(equal(fraction(x), 0), Number.NaN, mirrored)
  return where(isMirrored, orPole, right)
}
