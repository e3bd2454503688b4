// sinh and cosh from one exponential, e^(x - 1), which overflows only where they do. Near 0 sinh is Cephes' (sinhf.c, sinh.c,
// https://www.netlib.org/cephes/).
import { add, div, exp, less, mul, square, sub, where } from '../builders/elementwise.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import { flipBy } from './float-parts.ts'
import { polynomial } from './special.ts'
import { floatComposite } from './unary.ts'

const sinhFloat = [2.03721912945e-4, 8.33028376239e-3, 1.66667160211e-1]
const sinhP = [-0.789474443963537, -163.72585752598383, -11561.44357650052, -351754.9648081514]
const sinhQ = [1, -277.7110814206028, 36157.827983443196, -2110529.7888489086]

/** exp(size) / 2: size - 1 is exact from 1/2 on. */
const halfExp = (size: Node): Node => mul(exp(sub(size, 1)), Math.E / 2)
/** exp(-size) / 2, given exp(size) / 2. */
const mirrored = (half: Node): Node => div(0.25, half)

function sinhNear(size: Node): Node {
  const z = square(size)
  const slope = size.dtype === 'float64' ? div(polynomial(z, sinhP), polynomial(z, sinhQ)) : polynomial(z, sinhFloat)
  return add(size, mul(size, mul(z, slope)))
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
