// The error function, its complement and its inverse, in x's own dtype. Polynomials without another source are fitted, to the error that is
// named: those of float32 by Lawson's weighted least squares, those of float64 through Chebyshev's nodes in 50 digits.
import {
  add,
  div,
  equal,
  exp,
  less,
  log,
  min,
  mul,
  multiplyAdd,
  neg,
  reciprocal,
  sqrt,
  square,
  sub,
  where,
} from '../builders.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import { clamp, lessMultipleOfLog2, nearestWhole, ofDType, powerOfTwo, upperHalf, withSignOf } from './float-parts.ts'
import { polynomial, taylorOfExp } from './special.ts'
import { floatComposite } from './unary.ts'

// --- erfc ------------------------------------------------------------------------------------------------------------------------

interface Complement {
  /** erfc vanishes from here on */
  readonly end: number
  /** This much larger, by powers of two, the factors of erfc are normal numbers where it is not. */
  readonly lift: number
  /** (a + shift) erfc(a) exp(a²) in (a - shift) / (a + shift), divided by 2^lift */
  readonly shift: number
  readonly curve: readonly number[]
  /** e^-d */
  readonly exponential: readonly number[]
}

const liftedBy = (lift: number, ...coefficients: readonly number[]): number[] =>
  coefficients.map((coefficient) => coefficient * 2 ** -lift)

/** The curve is off by 8e-9, the exponential by 6e-9. */
const complementFloat: Complement = {
  end: 10.1,
  lift: 64,
  shift: 3,
  curve: liftedBy(
    64,
    ...[-3.12872115e-4, -4.66644444e-4, 3.07107065e-3, -1.24242692e-3, -2.68380642e-2],
    ...[0.119533837, -0.310466111, 0.590227842, -0.88339448, 1.07400692],
  ),
  exponential: [1.3258832e-3, -8.36995803e-3, 4.16775756e-2, -0.166665062, 0.499999613, -1, 1],
}

/** The curve is off by 8e-17. */
const complementDouble: Complement = {
  end: 27.3,
  lift: 512,
  shift: 4,
  curve: liftedBy(
    512,
    ...[9.084541771213907e-10, -6.36903746253068e-10, -1.5213206819950384e-8, 3.3863100022513686e-9],
    ...[1.2397022621920958e-7, -7.900030007324783e-8, -8.46291501725211e-7, 1.4268525380407012e-6],
    ...[4.694619976583313e-6, -1.886213507131139e-5, -3.635296646587849e-6, 1.7681319046764806e-4],
    ...[-4.550526455639654e-4, -2.8095893558087193e-4, 0.0061120556492774555, -0.02637005333230321],
    ...[0.07638151490987771, -0.17401093724044453, 0.33085158787798813, -0.5408538313132201],
    ...[0.7732087022652374, -0.9765487290808821, 1.095995661000491],
  ),
  exponential: [...taylorOfExp(1, 14), 1].map((coefficient, i) => (i % 2 === 0 ? coefficient : -coefficient)),
}

const complement = { float32: complementFloat, float64: complementDouble }

/** exp(-a²) 2^lift: the square of a's upper half is exact, and what it lacks is added when ln 2 has been taken off. */
function liftedExpOfSquare(a: Node, { exponential, lift }: Complement): Node {
  const upper = upperHalf(a)
  const { value } = nearestWhole(square(upper), Math.LOG2E)
  const distance = multiplyAdd(sub(a, upper), add(a, upper), lessMultipleOfLog2(square(upper), value))
  return mul(polynomial(distance, exponential), powerOfTwo(neg(value), lift))
}

/** erfc(a) for a from 0 to its end. */
function erfcOfSize(a: Node): Node {
  const form = ofDType(a, complement)
  const inverse = reciprocal(add(a, form.shift))
  const scaled = mul(inverse, polynomial(mul(sub(a, form.shift), inverse), form.curve))
  return mul(liftedExpOfSquare(a, form), scaled)
}

/** 1 - erf(x), with its digits where it is small. */
export const erfc = floatComposite('erfc', {
  body(x) {
    const tail = erfcOfSize(min(abs(x), ofDType(x, complement).end))
    return where(less(x, 0), sub(2, tail), tail)
  },
  vjp: ({ inputs: [x] }, grad) => mul(grad, mul(exp(neg(mul(x, x))), -2 / Math.sqrt(Math.PI))),
})

// --- erf -------------------------------------------------------------------------------------------------------------------------

// A rational of degrees 13 and 8 on [-4, 4], where erf reaches 1 in float32 (Eigen's generic_fast_erf).
const erfFloatP = [
  -2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5, -7.34990630326855e-4,
  -2.95459980854025e-3, -1.60960333262415e-2,
]
const erfFloatQ = [
  -1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3, -7.37332916720468e-3, -1.42647390514189e-2,
]

function erfFloat(x: Node): Node {
  const clamped = clamp(x, -4, 4)
  const z = square(clamped)
  return div(mul(clamped, polynomial(z, erfFloatP)), polynomial(z, erfFloatQ))
}

/** erf(x) / x in x² up to x = 0.65: off by 2e-17. */
const erfNear = [
  ...[-1.3532164374144134e-7, 1.6216123999750692e-6, -1.491362445242006e-5, 1.2054975230412003e-4],
  ...[-8.548320413496383e-4, 0.005223977550940325, -0.026866170640301647, 0.11283791670939211],
  ...[-0.3761263890318355, 1.1283791670955126],
]

function erfDouble(x: Node): Node {
  const size = min(abs(x), 6)
  const near = mul(x, polynomial(square(size), erfNear))
  return where(less(size, 0.65), near, withSignOf(x, sub(1, erfcOfSize(size))))
}

/** The error function: within 4 ulp in float32, 1e-15 in float64. */
export const erf = floatComposite('erf', {
  body: (x) => (x.dtype === 'float64' ? erfDouble(x) : erfFloat(x)),
  vjp: ({ inputs: [x] }, grad) => mul(grad, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
})

// --- erfinv ----------------------------------------------------------------------------------------------------------------------

// Giles, Approximating the erfinv function (GPU Computing Gems, 2011): erfinv(y) / y in w = -log(1 - y²), then in √w. float32's are his.
const centralFloat = [
  ...[2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4],
  ...[-1.25372503e-3, -4.17768164e-3, 0.246640727, 1.50140941],
]
const tailFloat = [
  ...[-2.00214257e-4, 1.00950558e-4, 1.34934322e-3, -3.67342844e-3, 5.73950773e-3],
  ...[-7.6224613e-3, 9.43887047e-3, 1.00167406, 2.83297682],
]

/** Up to w = 6.25, 16 and beyond: off by 5e-17, 1e-16 and 2e-16. */
const centralDouble = [
  ...[3.240704459379902e-21, -1.113483769832702e-21, -3.4996044354754177e-19, 1.150022252066253e-18],
  ...[1.557432024623325e-17, -1.3016928016796445e-16, -4.0282154327661744e-17, 6.596407712420834e-15],
  ...[-4.001237735091896e-14, -8.118399443074353e-14, 2.6304834740560442e-12, -1.2976885526532075e-11],
  ...[-5.414287198084716e-11, 1.0512181539804126e-9, -4.11266082002324e-9, -2.9070382262927266e-8],
  ...[4.234788173782339e-7, -1.3654691850603575e-6, -1.3882523394405316e-5, 1.8673420802464837e-4],
  ...[-7.40702534154477e-4, -0.00603367087142785, 0.2401581824255883, 1.6536545626831027],
]
const middleDouble = [
  ...[-1.5102695423335065e-8, 6.969241977629694e-10, 1.3104351499972014e-7, -2.713451105439456e-7],
  ...[-2.7004219280868947e-8, 1.4987130784186127e-6, -3.986084395214756e-6, 2.9257291901789823e-6],
  ...[1.2465167157087251e-5, -4.731898412011245e-5, 6.828708654753377e-5, 2.4031257015092525e-5],
  ...[-3.5503780975963814e-4, 9.532893637435638e-4, -0.0016882755357337071, 0.0024914420969817607],
  ...[-0.003751208508215561, 0.00537091455357168, 1.0052589676941652, 3.0838856104922208],
]
const farDouble = [
  ...[2.483229441181119e-11, -2.10697169975685e-11, -3.5971459648204646e-10, 1.4841102050074907e-9],
  ...[-3.6097496371856784e-9, 7.652880047410668e-9, -1.5124446663978043e-8, 2.911748753727331e-8],
  ...[-6.762637898539097e-8, 2.290186036874519e-7, -9.930080117769018e-7, 4.526059224197193e-6],
  ...[-1.9681774146359403e-5, 7.599527743399397e-5, -2.1503011957898355e-4, -1.3871931835460612e-4],
  ...[1.0103004648645402, 4.849906401408584],
]

function erfinvOverX(w: Node): Node {
  const root = sqrt(w)
  if (w.dtype !== 'float64')
    return where(less(w, 5), polynomial(sub(w, 2.5), centralFloat), polynomial(sub(root, 3), tailFloat))
  const tail = where(less(w, 16), polynomial(sub(root, 3.25), middleDouble), polynomial(sub(root, 5), farDouble))
  return where(less(w, 6.25), polynomial(sub(w, 3.125), centralDouble), tail)
}

/** The x of which erf is y. */
export const erfinv = floatComposite('erfinv', {
  body(y) {
    const w = neg(log(mul(sub(1, y), add(y, 1))))
    // w is infinite where y is 1 or -1
    return mul(where(equal(w, Number.POSITIVE_INFINITY), w, erfinvOverX(w)), y)
  },
  vjp: (node, grad) => mul(grad, mul(exp(square(node)), Math.sqrt(Math.PI) / 2)),
})
