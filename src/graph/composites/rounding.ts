// Rounding to the nearest whole number: adding 2^23 (2^52 in float64) leaves no place for a fraction, and IEEE rounds ties to even.
import { add, less, sub, where, zerosLike } from '../builders.ts'
import { abs } from './basics.ts'
import { flipBy } from './float-parts.ts'
import { floatComposite } from './unary.ts'

export const round = floatComposite('round', {
  body(x) {
    const size = abs(x)
    const limit = x.dtype === 'float64' ? 2 ** 52 : 2 ** 23
    return where(less(size, limit), flipBy(sub(add(size, limit), limit), x), x)
  },
  vjp: (_, grad) => zerosLike(grad),
})
