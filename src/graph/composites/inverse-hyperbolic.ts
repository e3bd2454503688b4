// Inverse hyperbolic functions and the inverse of the error function, written so that no digits are lost near 0 and nothing overflows.
import {
  add,
  div,
  equal,
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
import { log1p, polynomial } from './special.ts'
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
