// Inverse and hyperbolic functions. Polynomials are Cephes' (https://www.netlib.org/cephes/): atan.c in float64, atanf.c in float32.
import {
  add,
  div,
  equal,
  exp,
  less,
  logicalOr,
  max,
  min,
  mul,
  neg,
  rsqrt,
  sqrt,
  square,
  sub,
  where,
} from '../builders/elementwise.ts'
import { broadcastAll } from '../builders/movement.ts'
import { resultDType } from '../builders/promote.ts'
import { cast, cos, sin, toFloat } from '../builders.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import { defineComposite } from './composite-table.ts'
import { expm1, polynomial } from './special.ts'
import { floatComposite } from './unary.ts'

const atanFloat = [8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1]
const atanP = [-0.8750608600031904, -16.157537187333652, -75.00855792314705, -122.88666844901361, -64.85021904942025]
const atanQ = [1, 24.858464901423062, 165.02700983169885, 432.88106049129027, 485.3903996359137, 194.5506571482614]
const eighthTurn = Math.PI / 4

/** Of 0 and above: beyond tan(3π/8) through -1/x, from 0.66 (float32: tan(π/8)) to there through (x - 1)/(x + 1). */
function atanOfSize(size: Node): Node {
  const near = size.dtype === 'float64' ? 0.66 : Math.SQRT2 - 1
  const [far, middle] = [less(Math.SQRT2 + 1, size), less(near, size)]
  const reduced = where(far, div(-1, size), where(middle, div(sub(size, 1), add(size, 1)), size))
  const base = where(far, 2 * eighthTurn, where(middle, eighthTurn, 0))
  const z = square(reduced)
  const slope = size.dtype === 'float64' ? div(polynomial(z, atanP), polynomial(z, atanQ)) : polynomial(z, atanFloat)
  return add(cast(base, size.dtype), add(reduced, mul(reduced, mul(z, slope))))
}

const withSign = (x: Node, size: Node): Node => where(less(x, 0), neg(size), size)

export const atan = floatComposite('atan', {
  body: (x) => withSign(x, atanOfSize(abs(x))),
  vjp: ({ inputs: [x] }, grad) => div(grad, add(square(x), 1)),
})

/** 1 - x² as a product, which keeps digits near 1. */
const complement = (x: Node): Node => mul(sub(1, x), add(x, 1))

export const asin = floatComposite('asin', {
  body: (x) => atan(div(x, sqrt(complement(x)))),
  vjp: ({ inputs: [x] }, grad) => mul(grad, rsqrt(complement(x))),
})

export const acos = floatComposite('acos', {
  body: (x) => mul(atan(sqrt(div(sub(1, x), add(x, 1)))), 2),
  vjp: ({ inputs: [x] }, grad) => neg(mul(grad, rsqrt(complement(x)))),
})

/** exp(|x|) / 2 where exp itself would overflow. */
function halfExp(x: Node): Node {
  const root = exp(mul(abs(x), 0.5))
  return mul(mul(root, 0.5), root)
}

export const sinh = floatComposite('sinh', {
  body(x) {
    const power = expm1(abs(x))
    const near = mul(add(power, div(power, add(power, 1))), 0.5)
    return withSign(x, where(less(abs(x), 20), near, halfExp(x)))
  },
  vjp: ({ inputs: [x] }, grad) => mul(grad, cosh(x)),
})

export const cosh: (x: Node) => Node = floatComposite('cosh', {
  body: (x) => where(less(abs(x), 20), mul(add(exp(x), exp(neg(x))), 0.5), halfExp(x)),
  vjp: ({ inputs: [x] }, grad) => mul(grad, sinh(x)),
})

/** True also for -0. */
const hasMinus = (x: Node): Node => less(where(equal(x, 0), div(1, x), x), 0)

function atan2Body(y: Node, x: Node): Node {
  const [height, width] = [abs(y), abs(x)]
  const [small, large] = [min(height, width), max(height, width)]
  const ratio = where(equal(large, 0), 0, where(equal(small, Number.POSITIVE_INFINITY), 1, div(small, large)))
  const octant = atanOfSize(ratio)
  const quadrant = where(less(width, height), sub(2 * eighthTurn, octant), octant)
  const half = where(hasMinus(x), sub(4 * eighthTurn, quadrant), quadrant)
  return where(hasMinus(y), neg(half), half)
}

const atan2Node = defineComposite('atan2', {
  infer: ([y]) => y,
  body: ([y, x]) => (y.dtype === 'float64' || y.dtype === 'float32' ? atan2Body(y, x) : narrowAtan2(y, x)),
  vjp({ inputs: [y, x] }, grad) {
    const size = add(square(y), square(x))
    const slope = where(logicalOr(equal(size, 0), equal(grad, 0)), 0, div(grad, size))
    return [mul(slope, x), neg(mul(slope, y))]
  },
})

const narrowAtan2 = (y: Node, x: Node): Node => cast(atan2Body(cast(y, 'float32'), cast(x, 'float32')), y.dtype)

/** Angle of the point (x, y), from -π to π. */
export function atan2(y: Node, x: Node): Node {
  const dtype = resultDType(y, x)
  const inputs = broadcastAll('atan2', [cast(y, dtype), cast(x, dtype)]).map(toFloat)
  return atan2Node(inputs, {})
}

/** sin(πx) / (πx), and 1 at 0. */
export const sinc = floatComposite('sinc', {
  body(x) {
    const turn = mul(x, Math.PI)
    return where(equal(x, 0), 1, div(sin(turn), turn))
  },
  vjp({ inputs: [x] }, grad) {
    const turn = mul(x, Math.PI)
    const slope = div(sub(mul(cos(turn), turn), sin(turn)), mul(square(x), Math.PI))
    return where(equal(x, 0), 0, mul(grad, slope))
  },
})
