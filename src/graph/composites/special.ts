// Functions that lose digits when written plainly: 2^x, exp(x) - 1, log(1 + x), tanh and the logistic. Those of float32 are computed in
// float32; polynomials without another source are fitted by Lawson's weighted least squares, to the error that is named.
import {
  add,
  div,
  equal,
  exp,
  less,
  max,
  min,
  mul,
  multiplyAdd,
  neg,
  reciprocal,
  scalarLike,
  square,
  sub,
  where,
} from '../builders.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import {
  clamp,
  lessMultipleOfLog2,
  logOfPower,
  nearestWhole,
  ofDType,
  partsOfNext,
  powerOfTwo,
  timesPowerOfTwo,
  withSignOf,
} from './float-parts.ts'
import { floatComposite } from './unary.ts'

/** Horner's rule, highest power first; at least two coefficients. */
export const polynomial = (x: Node, [first, second, ...rest]: readonly number[]): Node =>
  rest.reduce((sum, coefficient) => multiplyAdd(sum, x, coefficient), multiplyAdd(x, first, second))

/** 1/last!, …, 1/first! */
export function taylorOfExp(first: number, last: number): number[] {
  const coefficients: number[] = []
  for (let k = 1, factorial = 1; k <= last; factorial *= ++k) if (k >= first) coefficients.unshift(1 / factorial)
  return coefficients
}

/** 2^r - 1 over r on [-1/2, 1/2]: off by 3e-9 of 2^r in float32, and Taylor's series in float64. */
const exp2Slopes = {
  float32: [1.53264627e-4, 1.33908063e-3, 9.61850584e-3, 5.55035993e-2, 0.240226477, 0.693147182],
  float64: taylorOfExp(1, 13).map((coefficient, i) => coefficient * Math.LN2 ** (13 - i)),
}
/** beyond these 2^x is infinite or 0 */
const exp2Range = { float32: { low: -151, high: 129 }, float64: { low: -1076, high: 1025 } }

/** 2^x; of whole x exactly. */
export const exp2 = floatComposite('exp2', {
  body(x) {
    const { low, high } = ofDType(x, exp2Range)
    const clamped = clamp(x, low, high)
    const whole = nearestWhole(clamped)
    return timesPowerOfTwo(polynomial(sub(clamped, whole.value), [...ofDType(x, exp2Slopes), 1]), whole)
  },
  vjp: (node, grad) => mul(grad, mul(node, Math.LN2)),
})

/** (e^r - 1 - r) / r² on [-0.35, 0.7]: off by 2e-10 of e^r - 1 in float32, and Taylor's series in float64. */
const expm1Slopes = {
  float32: [2.88890405e-5, 1.97514702e-4, 1.38816517e-3, 8.3335638e-3, 4.16666977e-2, 0.166666657, 0.5],
  float64: taylorOfExp(2, 18),
}
/** Below the first the result is -1; the largest power that is a number. */
const expm1Range = { float32: { low: -25, high: 89, most: 127 }, float64: { low: -40, high: 710, most: 1023 } }

/** exp(x) - 1 as 2^n (e^r - 1) + (2^n - 1) for x = n ln 2 + r; the last n, whose power is a number, lets r grow to ln 2. */
export const expm1 = floatComposite('expm1', {
  body(x) {
    const { low, high, most } = ofDType(x, expm1Range)
    const clamped = clamp(x, low, high)
    const whole = nearestWhole(clamped, Math.LOG2E, most)
    const rest = lessMultipleOfLog2(clamped, whole.value)
    const power = powerOfTwo(whole.value)
    const near = multiplyAdd(square(rest), polynomial(rest, ofDType(x, expm1Slopes)), rest)
    return withSignOf(x, multiplyAdd(near, power, sub(power, 1)))
  },
  vjp: (node, grad) => mul(grad, add(node, 1)),
})

/** (log(1 + f) - f + f²/2) / f³ on [-1/4, 1/2]: off by 5e-9 of log(1 + f). */
const logCurve = [
  ...[-0.04515085, 0.104730256, -0.131647155, 0.144779518],
  ...[-0.166468829, 0.199908271, -0.250001073, 0.333334506],
]

// fdlibm's e_log.c: log(1 + f) = 2s + s z P(z) for s = f / (2 + f) and z = s²
const logSeries = [
  ...[0.14798198605116586, 0.15313837699209373, 0.1818357216161805, 0.22222198432149784],
  ...[0.2857142874366239, 0.3999999999940942, 0.6666666666666735],
]

/** f less what log(1 + f) lacks, both of which are given a multiple of ln 2. */
function logOfParts({ n, f }: { readonly n: Node; readonly f: Node }): Node {
  if (f.dtype !== 'float64') {
    const curve = multiplyAdd(polynomial(f, logCurve), f, -0.5)
    return logOfPower(n, f, (low) => multiplyAdd(curve, square(f), low))
  }
  const s = div(f, add(f, 2))
  const z = square(s)
  const half = mul(square(f), 0.5)
  const low = mul(s, multiplyAdd(z, polynomial(z, logSeries), half))
  return logOfPower(n, low, (small) => sub(f, sub(half, small)))
}

/** log(1 + x), as SLEEF's log1p takes it apart (https://sleef.org). */
export const log1p = floatComposite('log1p', {
  body(x) {
    const value = withSignOf(x, logOfParts(partsOfNext(x)))
    const finite = where(less(x, Number.POSITIVE_INFINITY), value, x)
    const beyond = where(equal(x, -1), scalarLike(x, Number.NEGATIVE_INFINITY), Number.NaN)
    return where(less(-1, x), finite, beyond)
  },
  vjp: ({ inputs: [x] }, grad) => div(grad, add(x, 1)),
})

/** (log(1 + p) - p) / p² on [0, 1]: off by 5e-9 of log(1 + p). */
const logOfOneToTwo = [
  ...[-3.29107419e-3, 2.00884603e-2, -5.74604832e-2, 0.106613711, -0.153449774],
  ...[0.196921214, -0.249580204, 0.333304644, -0.499999315],
]

/** log(1 + e^x) for x up to 0. */
export const log1pExp = floatComposite('log1pExp', {
  body(x) {
    const power = exp(x)
    if (x.dtype === 'float64') return log1p(power)
    return multiplyAdd(square(power), polynomial(power, logOfOneToTwo), power)
  },
  vjp: ({ inputs: [x] }, grad) => mul(grad, sigmoid(x)),
})

/** 1 / (1 + exp(-x)). */
export const sigmoid = floatComposite('sigmoid', {
  body: (x) => reciprocal(add(exp(neg(x)), 1)),
  vjp: (node, grad) => mul(grad, mul(node, sub(1, node))),
})

// A rational of degrees 13 and 6 on [-8.1, 8.1], where it reaches 1 in float32, products rounded or not (Eigen's generic_fast_tanh).
const tanhFloatP = [
  -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8, 1.48572235717979e-5,
  6.37261928875436e-4, 4.89352455891786e-3,
]
const tanhFloatQ = [1.19825839466702e-6, 1.18534705686654e-4, 2.268434632439e-3, 4.89352518554385e-3]
const tanhFloatLimit = 8.0956602

function tanhFloat(x: Node): Node {
  const clamped = min(max(x, -tanhFloatLimit), tanhFloatLimit)
  const square = mul(clamped, clamped)
  const ratio = div(mul(clamped, polynomial(square, tanhFloatP)), polynomial(square, tanhFloatQ))
  return min(max(ratio, -1), 1)
}

// Cephes tanh: x + x z P(z) / Q(z) for z = x², |x| < 0.625. https://www.netlib.org/cephes/
const tanhP = [-0.9643991794250523, -99.28772310019185, -1614.6876844170845]
const tanhQ = [1, 112.81167849163293, 2235.4883906010045, 4844.063053251255]

function tanhDouble(x: Node): Node {
  const size = abs(x)
  const square = mul(x, x)
  const slope = div(polynomial(square, tanhP), polynomial(square, tanhQ))
  const near = add(x, mul(mul(x, square), slope))
  const far = sub(1, div(2, add(exp(mul(size, 2)), 1)))
  return where(less(size, 0.625), near, where(less(x, 0), neg(far), far))
}

export const tanh = floatComposite('tanh', {
  body: (x) => (x.dtype === 'float64' ? tanhDouble(x) : tanhFloat(x)),
  vjp: (node, grad) => mul(grad, sub(1, mul(node, node))),
})
