// sinh and cosh from one exponential, e^(x - 1), which overflows only where they do. Near 0 sinh is Cephes' polynomial (sinhf.c,
// https://www.netlib.org/cephes/) in float32 and goes through expm1 in float64.
import { add, div, exp, less, mul, square, sub, where } from '../builders/elementwise.ts'
import type { Node } from '../node.ts'
import { abs, flipBy } from './basics.ts'
import { expm1, polynomial } from './special.ts'
import { floatComposite } from './unary.ts'

const sinhFloat = [2.03721912945e-4, 8.33028376239e-3, 1.66667160211e-1]

/** exp(size) / 2: size - 1 is exact from 1/2 on. */
const halfExp = (size: Node): Node => mul(exp(sub(size, 1)), Math.E / 2)
/** exp(-size) / 2, given exp(size) / 2. */
const mirrored = (half: Node): Node => div(0.25, half)

function sinhNear(size: Node): Node {
  if (size.dtype !== 'float64') {
    const z = square(size)
    return add(size, mul(size, mul(z, polynomial(z, sinhFloat))))
  }
  const power = expm1(size)
  return mul(add(power, div(power, add(power, 1))), 0.5)
}

export const sinh = floatComposite('sinh', {
  body(x) {
    const size = abs(x)
    const half = halfExp(size)
    return flipBy(where(less(size, 1), sinhNear(size), sub(half, mirrored(half))), x)
  },
  vjp: ({ inputs: [x] }, grad) => mul(grad, cosh(x)),
})

export const cosh: (x: Node) => Node = floatComposite('cosh', {
  body(x) {
    const half = halfExp(abs(x))
    return add(half, mirrored(half))
  },
  vjp: ({ inputs: [x] }, grad) => mul(grad, sinh(x)),
})
