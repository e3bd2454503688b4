// Functions that lose digits when written plainly: exp(x) - 1, log(1 + x), tanh, the logistic and the error function.
import { add, div, equal, exp, less, log, max, min, mul, neg, reciprocal, sub, where } from '../builders/elementwise.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import { floatComposite } from './unary.ts'

/** Horner's rule, highest power first; at least two coefficients. */
export const polynomial = (x: Node, [first, second, ...rest]: readonly number[]): Node =>
  rest.reduce((sum, coefficient) => add(mul(sum, x), coefficient), add(mul(x, first), second))

/**
 * exp(x) - 1. Kahan: for u = exp(x) as rounded, (u - 1) x / log(u) cancels u's rounding error.
 * https://people.eecs.berkeley.edu/~wkahan/Math128/Sumnfp.pdf
 */
export const expm1 = floatComposite('expm1', {
  body(x) {
    const power = exp(x)
    const difference = sub(power, 1)
    const corrected = where(equal(power, 1), x, div(mul(difference, x), log(power)))
    return where(less(abs(x), 1), corrected, difference)
  },
  vjp: (node, grad) => mul(grad, add(node, 1)),
})

/** log(1 + x), with the rounding error of 1 + x divided out. */
export const log1p = floatComposite('log1p', {
  body(x) {
    const shifted = add(x, 1)
    const corrected = where(equal(shifted, 1), x, div(mul(log(shifted), x), sub(shifted, 1)))
    return where(less(abs(x), 1), corrected, log(shifted))
  },
  vjp: ({ inputs: [x] }, grad) => div(grad, add(x, 1)),
})

/** 1 / (1 + exp(-x)). */
export const sigmoid = floatComposite('sigmoid', {
  body: (x) => reciprocal(add(exp(neg(x)), 1)),
  vjp: (node, grad) => mul(grad, mul(node, sub(1, node))),
})

// A rational of degrees 13 and 6 on [-7.9, 7.9], where tanh reaches 1 in float32 (Eigen's generic_fast_tanh).
const tanhFloatP = [
  -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8, 1.48572235717979e-5,
  6.37261928875436e-4, 4.89352455891786e-3,
]
const tanhFloatQ = [1.19825839466702e-6, 1.18534705686654e-4, 2.268434632439e-3, 4.89352518554385e-3]
const tanhFloatLimit = 7.905311107635498

function tanhFloat(x: Node): Node {
  const clamped = min(max(x, -tanhFloatLimit), tanhFloatLimit)
  const square = mul(clamped, clamped)
  return div(mul(clamped, polynomial(square, tanhFloatP)), polynomial(square, tanhFloatQ))
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

/** 1 - erf(x), with its digits where it is small. */
export const erfc = floatComposite('erfc', {
  body(x) {
    const size = min(abs(x), 30)
    const middle = div(polynomial(size, codyC), polynomial(size, codyD))
    const tail = mul(exp(neg(mul(size, size))), where(less(size, 4), middle, erfcTail(max(size, 4))))
    return where(less(x, 0.46875), where(less(x, -0.46875), sub(2, tail), sub(1, erf(x))), tail)
  },
  vjp: ({ inputs: [x] }, grad) => mul(grad, mul(exp(neg(mul(x, x))), -2 / Math.sqrt(Math.PI))),
})
