// Inverse trigonometric functions and sinc. Polynomials are Cephes' (https://www.netlib.org/cephes/) where nothing else is said: atan.c, asinf.c; float32's of atan is
// fitted to [0, 1], so that one division reduces to it.
import {
  add,
  div,
  equal,
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
import { cast, cos, scalarLike, sin, toFloat } from '../builders.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import { defineComposite } from './composite-table.ts'
import { flipBy } from './float-parts.ts'
import { polynomial } from './special.ts'
import { floatComposite } from './unary.ts'

/** Of (atan(r) / r - 1) / r² in r², by Lawson's weighted least squares: off by 1.7e-8 of atan. */
const atanFloat = [
  ...[0.002920638335569126, -0.01636771536183143, 0.04321152051290055, -0.07552185998546827],
  ...[0.10665991671766963, -0.14211052106404115, 0.19993772455901837, -0.3333315272051966],
]
const atanP = [-0.8750608600031904, -16.157537187333652, -75.00855792314705, -122.88666844901361, -64.85021904942025]
const atanQ = [1, 24.858464901423062, 165.02700983169885, 432.88106049129027, 485.3903996359137, 194.5506571482614]
const quarterTurn = Math.PI / 2

/** r + r³ P(r²). */
function oddSeries(r: Node, slope: (square: Node) => Node): Node {
  const z = square(r)
  return add(r, mul(r, mul(z, slope(z))))
}

const atanOfFloat = (ratio: Node): Node => oddSeries(ratio, (z) => polynomial(z, atanFloat))

/** Of 0 and above: beyond tan(3π/8) through -1/x, from 0.66 to there through (x - 1)/(x + 1). */
function atanOfDouble(size: Node): Node {
  const [far, middle] = [less(Math.SQRT2 + 1, size), less(0.66, size)]
  const above = where(far, -1, where(middle, sub(size, 1), size))
  const below = where(far, size, where(middle, add(size, 1), 1))
  const base = where(far, scalarLike(size, quarterTurn), where(middle, scalarLike(size, quarterTurn / 2), 0))
  const value = oddSeries(div(above, below), (z) => div(polynomial(z, atanP), polynomial(z, atanQ)))
  return add(base, value)
}

function atanOfSize(size: Node): Node {
  if (size.dtype === 'float64') return atanOfDouble(size)
  const value = atanOfFloat(div(min(size, 1), max(size, 1)))
  return where(less(1, size), sub(quarterTurn, value), value)
}

export const atan = floatComposite('atan', {
  body: (x) => flipBy(atanOfSize(abs(x)), x),
  vjp: ({ inputs: [x] }, grad) => div(grad, add(square(x), 1)),
})

/** 1 - x² as a product, which keeps digits near 1. */
const complement = (x: Node): Node => mul(sub(1, x), add(x, 1))

/** SLEEF's asin_u1 (https://github.com/shibatch/sleef), without a division. */
const asinDouble = [
  ...[0.03161587650653935, -0.015819182433299966, 0.01929045477267911, 0.006606077476277171, 0.012153605255773773],
  ...[0.013887151845016092, 0.017359569912236146, 0.022371761819320483, 0.030381959280381322, 0.044642856813771024],
  ...[0.07500000000378582, 0.16666666666664975],
]
const asinFloat = [4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1]

/** asin(|x|) up to 1/2; beyond, where `isLarge` holds, half of acos(|x|), which is asin(√((1 - |x|) / 2)). */
function halfAngle(x: Node): { readonly isLarge: Node; readonly value: Node } {
  const size = abs(x)
  const isLarge = less(0.5, size)
  const z = where(isLarge, sub(0.5, mul(size, 0.5)), square(size))
  const root = where(isLarge, sqrt(z), size)
  const slope = polynomial(z, x.dtype === 'float64' ? asinDouble : asinFloat)
  return { isLarge, value: add(root, mul(root, mul(z, slope))) }
}

function asinBody(x: Node): Node {
  const { isLarge, value } = halfAngle(x)
  return flipBy(where(isLarge, sub(quarterTurn, mul(value, 2)), value), x)
}

function acosBody(x: Node): Node {
  const { isLarge, value } = halfAngle(x)
  const start = where(isLarge, where(less(x, 0), scalarLike(x, Math.PI), 0), quarterTurn)
  return add(start, flipBy(where(isLarge, mul(value, 2), neg(value)), x))
}

export const asin = floatComposite('asin', {
  body: asinBody,
  vjp: ({ inputs: [x] }, grad) => mul(grad, rsqrt(complement(x))),
})

export const acos = floatComposite('acos', {
  body: acosBody,
  vjp: ({ inputs: [x] }, grad) => neg(mul(grad, rsqrt(complement(x)))),
})

/** Smallest number above 0. */
const leastOf = (x: Node): number => (x.dtype === 'float64' ? 2 ** -1074 : 2 ** -149)

function atan2Body(y: Node, x: Node): Node {
  const [height, width] = [abs(y), abs(x)]
  const isSteep = less(width, height)
  const [above, below] = [where(isSteep, width, height), where(isSteep, height, width)]
  // of two infinities 1, of one and NaN that
  const ratio = where(equal(above, Number.POSITIVE_INFINITY), min(below, 1), div(above, max(below, leastOf(below))))
  const octant = x.dtype === 'float64' ? atanOfDouble(ratio) : atanOfFloat(ratio)
  const quadrant = where(isSteep, sub(quarterTurn, octant), octant)
  // true also for -0
  const isLeft = less(flipBy(scalarLike(x, 1), x), 0)
  return flipBy(where(isLeft, sub(Math.PI, quadrant), quadrant), y)
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
