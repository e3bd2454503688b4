// Inverse hyperbolic functions and the inverse of the error function, written so that no digits are lost near 0 and nothing overflows.
import {
  add,
  div,
  equal,
  exp,
  less,
  lessEqual,
  log,
  logicalAnd,
  max,
  min,
  mul,
  neg,
  rsqrt,
  sqrt,
  square,
  sub,
  toFloat,
  where,
} from '../builders.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import { defineComposite } from './composite-table.ts'
import { flipBy } from './float-parts.ts'
import { erf, log1p, polynomial } from './special.ts'
import { floatComposite, inFloat32 } from './unary.ts'

/** Keeps the sign of zeros. */
const withSign = (x: Node, size: Node): Node => where(less(0, x), size, where(less(x, 0), neg(size), x))
/** Above it x² is 1 to all digits of a double, or overflows a float32. */
const large = 1e8
const logOfTwice = (x: Node): Node => add(log(x), Math.LN2)

function asinhOfSize(size: Node): Node {
  const near = min(size, large)
  const squared = square(near)
  const value = log1p(add(near, div(squared, add(sqrt(add(squared, 1)), 1))))
  return where(less(size, large), value, logOfTwice(size))
}

export const asinh = floatComposite('asinh', {
  body: (x) => where(equal(x, x), withSign(x, asinhOfSize(abs(x))), x),
  vjp: ({ inputs: [x] }, grad) => mul(grad, rsqrt(add(square(x), 1))),
})

export const acosh = floatComposite('acosh', {
  body(x) {
    const excess = sub(min(x, large), 1)
    const near = log1p(add(excess, sqrt(mul(excess, add(excess, 2)))))
    return where(less(x, large), where(less(x, 1), Number.NaN, near), logOfTwice(x))
  },
  vjp: ({ inputs: [x] }, grad) => mul(grad, rsqrt(sub(square(x), 1))),
})

const atanhFloat = [1.81740078349e-1, 8.24370301058e-2, 1.4669143173e-1, 1.997821645e-1, 3.33337300303e-1]

/** Cephes' atanhf.c: a polynomial up to 1/2, a logarithm beyond. https://www.netlib.org/cephes/ */
function atanhFloatBody(x: Node): Node {
  const size = abs(x)
  const z = square(size)
  const near = add(size, mul(size, mul(z, polynomial(z, atanhFloat))))
  const far = mul(log(div(add(size, 1), sub(1, size))), 0.5)
  return flipBy(where(less(size, 0.5), near, far), x)
}

function atanhDoubleBody(x: Node): Node {
  const size = abs(x)
  return where(equal(x, x), withSign(x, mul(log1p(div(mul(size, 2), sub(1, size))), 0.5)), x)
}

export const atanh = floatComposite('atanh', {
  body: (x) => (x.dtype === 'float64' ? atanhDoubleBody(x) : atanhFloatBody(x)),
  vjp: ({ inputs: [x] }, grad) => div(grad, sub(1, square(x))),
})

// rational starts, good to three digits: https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/Math.h (calc_erfinv)
const centralP = [-0.140543331, 0.914624893, -1.645349621, 0.886226899]
const centralQ = [0.012229801, -0.329097515, 1.442710462, -2.118377725, 1]
const tailP = [1.641345311, 3.429567803, -1.624906493, -1.970840454]
const tailQ = [1.6370678, 3.5438892, 1]
const rootOfPi = Math.sqrt(Math.PI)

function erfinvDouble(y: Node): Node {
  const size = abs(y)
  const squared = square(y)
  const central = div(mul(y, polynomial(squared, centralP)), polynomial(squared, centralQ))
  const far = sqrt(neg(log(div(max(sub(1, size), 1e-300), 2))))
  const tail = withSign(y, div(polynomial(far, tailP), polynomial(far, tailQ)))
  let x = where(less(0.7, size), tail, central)
  // Newton's method doubles the digits each time
  for (let step = 0; step < 2; step++) x = sub(x, div(sub(erf(x), y), mul(exp(neg(square(x))), 2 / rootOfPi)))
  return where(equal(size, 1), mul(y, Number.POSITIVE_INFINITY), where(less(size, 1), x, Number.NaN))
}

// Giles, Approximating the erfinv function (GPU Computing Gems, 2011): in w - 5/2 up to w = 5, then in √w - 3, for w = -log(1 - y²)
const centralFloat = [
  ...[2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4],
  ...[-1.25372503e-3, -4.17768164e-3, 0.246640727, 1.50140941],
]
const tailFloat = [
  ...[-2.00214257e-4, 1.00950558e-4, 1.34934322e-3, -3.67342844e-3, 5.73950773e-3],
  ...[-7.6224613e-3, 9.43887047e-3, 1.00167406, 2.83297682],
]

function erfinvFloat(y: Node): Node {
  const w = neg(log(mul(sub(1, y), add(y, 1))))
  const central = polynomial(sub(w, 2.5), centralFloat)
  const tail = polynomial(sub(sqrt(w), 3), tailFloat)
  const value = mul(where(less(w, 5), central, tail), y)
  return where(equal(abs(y), 1), mul(y, Number.POSITIVE_INFINITY), value)
}

/** The x of which erf is y. */
export const erfinv = floatComposite('erfinv', {
  body: (y) => (y.dtype === 'float64' ? erfinvDouble(y) : erfinvFloat(y)),
  vjp: (node, grad) => mul(grad, mul(exp(square(node)), rootOfPi / 2)),
})

interface LogitAttrs {
  /** cuts x to [eps, 1 - eps] */
  readonly eps: number | null
}

const logitNode = defineComposite<LogitAttrs>('logit', {
  infer: ([x]) => x,
  body: ([x], { eps }) =>
    inFloat32(x, (wide) => {
      const cut = eps === null ? wide : min(max(wide, eps), 1 - eps)
      return log(div(cut, sub(1, cut)))
    }),
  vjp({ inputs: [x], attrs: { attrs } }, grad) {
    const [low, high] = [attrs.eps ?? 0, 1 - (attrs.eps ?? 0)]
    const inside = logicalAnd(lessEqual(low, x), lessEqual(x, high))
    return [where(inside, div(grad, mul(x, sub(1, x))), attrs.eps === null ? Number.NaN : 0)]
  },
})

/** log(x / (1 - x)). */
export const logit = (x: Node, eps: number | null = null): Node => logitNode([toFloat(x)], { eps })
