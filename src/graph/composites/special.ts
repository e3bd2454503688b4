// Functions that lose digits when written plainly: exp(x) - 1, log(1 + x), tanh, the logistic and the error function. Those of float32 are
// computed in float32; polynomials without another source are fitted by Lawson's weighted least squares, to the error that is named.
import {
  add,
  and,
  bitcast,
  cast,
  constant,
  div,
  equal,
  exp,
  less,
  log,
  max,
  min,
  mul,
  multiplyAdd,
  neg,
  reciprocal,
  square,
  sub,
  where,
} from '../builders.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import {
  clamp,
  expm1Slopes,
  lessMultipleOfLog2,
  log2High,
  log2Low,
  nearestWhole,
  powerOfTwo,
  timesPowerOfTwo,
  withSignOf,
} from './float-parts.ts'
import { floatComposite } from './unary.ts'

/** Horner's rule, highest power first; at least two coefficients. */
export const polynomial = (x: Node, [first, second, ...rest]: readonly number[]): Node =>
  rest.reduce((sum, coefficient) => multiplyAdd(sum, x, coefficient), multiplyAdd(x, first, second))

/** 2^r - 1 over r on [-1/2, 1/2]: off by 3e-9 of 2^r in float32, and Taylor's series in float64. */
const exp2Slopes = {
  float32: [1.53264627e-4, 1.33908063e-3, 9.61850584e-3, 5.55035993e-2, 0.240226477, 0.693147182],
  float64: taylorOfExp2(13),
}
/** beyond these 2^x is infinite or 0 */
const exp2Range = { float32: { low: -151, high: 129 }, float64: { low: -1076, high: 1025 } }

/** ln(2)^terms / terms!, …, ln(2) */
function taylorOfExp2(terms: number): number[] {
  const coefficients = [Math.LN2]
  for (let k = 2; k <= terms; k++) coefficients.unshift((coefficients[0] * Math.LN2) / k)
  return coefficients
}

/** 2^x; of whole x exactly. */
export const exp2 = floatComposite('exp2', {
  body(x) {
    const dtype = x.dtype === 'float64' ? 'float64' : 'float32'
    const { low, high } = exp2Range[dtype]
    const clamped = clamp(x, low, high)
    const whole = nearestWhole(clamped)
    return timesPowerOfTwo(polynomial(sub(clamped, whole.value), [...exp2Slopes[dtype], 1]), whole)
  },
  vjp: (node, grad) => mul(grad, mul(node, Math.LN2)),
})

/** Kahan: for u = exp(x) as rounded, (u - 1) x / log(u) cancels u's rounding error. https://people.eecs.berkeley.edu/~wkahan/Math128/Sumnfp.pdf */
function expm1Double(x: Node): Node {
  const power = exp(x)
  const difference = sub(power, 1)
  const corrected = where(equal(power, 1), x, div(mul(difference, x), log(power)))
  return where(less(abs(x), 1), corrected, difference)
}

/** 2^n (e^r - 1) + (2^n - 1) for x = n ln 2 + r; a last n of 127, whose power is a number, lets r grow to ln 2. */
function expm1Float(x: Node): Node {
  const clamped = clamp(x, -25, 89)
  const whole = nearestWhole(clamped, Math.LOG2E, 127)
  const rest = lessMultipleOfLog2(clamped, whole.value)
  const power = powerOfTwo(whole)
  const near = multiplyAdd(square(rest), polynomial(rest, expm1Slopes), rest)
  return withSignOf(x, multiplyAdd(near, power, sub(power, 1)))
}

/** exp(x) - 1. */
export const expm1 = floatComposite('expm1', {
  body: (x) => (x.dtype === 'float64' ? expm1Double(x) : expm1Float(x)),
  vjp: (node, grad) => mul(grad, add(node, 1)),
})

/** With the rounding error of 1 + x divided out. */
function log1pDouble(x: Node): Node {
  const shifted = add(x, 1)
  const corrected = where(equal(shifted, 1), x, div(mul(log(shifted), x), sub(shifted, 1)))
  return where(less(abs(x), 1), corrected, log(shifted))
}

/** (log(1 + f) - f + f²/2) / f³ on [-1/4, 1/2]: off by 5e-9 of log(1 + f). */
const logCurve = [
  ...[-0.04515085, 0.104730256, -0.131647155, 0.144779518],
  ...[-0.166468829, 0.199908271, -0.250001073, 0.333334506],
]

/** x / 2^n + (1 / 2^n - 1) is f of 1 + x = 2^n (1 + f), without the rounding of 1 + x (SLEEF's log1pf, https://sleef.org). */
function log1pFloat(x: Node): Node {
  const parts = sub(bitcast(add(x, 1), 'int32'), constant(bitsOf.threeQuarters, 'int32'))
  const exponent = and(parts, constant(bitsOf.exponent, 'int32'))
  // four times the power, since that of the largest exponent is no normal number
  const scale = mul(bitcast(sub(constant(bitsOf.four, 'int32'), exponent), 'float32'), 0.25)
  const f = multiplyAdd(x, scale, sub(scale, 1))
  const n = cast(exponent, 'float32')
  const curve = multiplyAdd(polynomial(f, logCurve), f, -0.5)
  const low = multiplyAdd(n, log2Low * 2 ** -23, f)
  const value = multiplyAdd(n, log2High * 2 ** -23, multiplyAdd(curve, square(f), low))
  const finite = where(less(x, Number.POSITIVE_INFINITY), withSignOf(x, value), x)
  return where(less(-1, x), finite, where(equal(x, -1), Number.NEGATIVE_INFINITY, Number.NaN))
}

const bitsOf = { threeQuarters: 0x3f400000, exponent: -(2 ** 23), four: 0x40800000 }

/** log(1 + x). */
export const log1p = floatComposite('log1p', {
  body: (x) => (x.dtype === 'float64' ? log1pDouble(x) : log1pFloat(x)),
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

// A rational of degrees 13 and 8 on [-4, 4], where erf reaches 1 in float32 (Eigen's generic_fast_erf).
const erfFloatP = [
  -2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5, -7.34990630326855e-4,
  -2.95459980854025e-3, -1.60960333262415e-2,
]
const erfFloatQ = [
  -1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3, -7.37332916720468e-3, -1.42647390514189e-2,
]

function erfFloat(x: Node): Node {
  const clamped = min(max(x, -4), 4)
  const square = mul(clamped, clamped)
  return div(mul(clamped, polynomial(square, erfFloatP)), polynomial(square, erfFloatQ))
}

// W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969): |x| <= 0.46875, and beyond it
// erfc(x) exp(x²), good to 4 and, since erfc is below 1e-7 there, far enough to 6.
const codyA = [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694]
const codyB = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171]
const codyC = [
  2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769,
  1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
]
const codyD = [
  1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
]

function erfDouble(x: Node): Node {
  const size = min(abs(x), 6)
  const square = mul(size, size)
  const near = div(mul(x, polynomial(square, codyA)), polynomial(square, codyB))
  const complement = mul(exp(neg(square)), div(polynomial(size, codyC), polynomial(size, codyD)))
  const far = sub(1, complement)
  return where(less(size, 0.46875), near, where(less(x, 0), neg(far), far))
}

/** The error function: within 4 ulp in float32, 1e-15 in float64. */
export const erf = floatComposite('erf', {
  body: (x) => (x.dtype === 'float64' ? erfDouble(x) : erfFloat(x)),
  vjp: ({ inputs: [x] }, grad) => mul(grad, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
})

// beyond 4: erfc(x) x exp(x²) as a rational of 1/x² that starts at 1/√π
const codyP = [
  -0.016315387137302097, -0.30532663496123236, -0.36034489994980445, -0.12578172611122926, -0.016083785148742275,
  -6.587491615298378e-4,
]
const codyQ = [1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.002335204976268692]

function erfcTail(x: Node): Node {
  const z = div(1, mul(x, x))
  const series = mul(z, div(polynomial(z, codyP), polynomial(z, codyQ)))
  return div(add(series, 1 / Math.sqrt(Math.PI)), x)
}

function erfcDouble(x: Node): Node {
  const size = min(abs(x), 30)
  const middle = div(polynomial(size, codyC), polynomial(size, codyD))
  const tail = mul(exp(neg(mul(size, size))), where(less(size, 4), middle, erfcTail(max(size, 4))))
  return where(less(x, 0.46875), where(less(x, -0.46875), sub(2, tail), sub(1, erf(x))), tail)
}

/** (a + 3) erfc(a) exp(a²) in (a - 3) / (a + 3), for a from 0 to 10.1: off by 8e-9. */
const erfcFloat = [
  ...[-3.12872115e-4, -4.66644444e-4, 3.07107065e-3, -1.24242692e-3, -2.68380642e-2],
  ...[0.119533837, -0.310466111, 0.590227842, -0.88339448, 1.07400692],
]

/** exp(-a²) of float32, a up to 16: the square of a's upper half is exact, and what it lacks is added when ln 2 has been taken off. */
function expOfNegativeSquare(a: Node): Node {
  const upper = sub(add(a, upperHalf), upperHalf)
  const square = mul(upper, upper)
  const whole = nearestWhole(square, -Math.LOG2E)
  const rest = multiplyAdd(sub(upper, a), add(a, upper), lessMultipleOfLog2(neg(square), whole.value))
  return timesPowerOfTwo(polynomial(rest, [...expm1Slopes, 1, 1]), whole)
}

/** Added to a number below 16, it leaves no more of it than whole multiples of 2^-8. */
const upperHalf = 1.5 * 2 ** 15

function erfcFloatBody(x: Node): Node {
  const size = min(abs(x), 10.1)
  const inverse = reciprocal(add(size, 3))
  const scaled = mul(inverse, polynomial(mul(sub(size, 3), inverse), erfcFloat))
  const tail = mul(expOfNegativeSquare(size), scaled)
  return where(less(x, 0), sub(2, tail), tail)
}

/** 1 - erf(x), with its digits where it is small. */
export const erfc = floatComposite('erfc', {
  body: (x) => (x.dtype === 'float64' ? erfcDouble(x) : erfcFloatBody(x)),
  vjp: ({ inputs: [x] }, grad) => mul(grad, mul(exp(neg(mul(x, x))), -2 / Math.sqrt(Math.PI))),
})
