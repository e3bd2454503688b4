// Composites that exist for their gradients: relu reads its output, abs is flat at 0, detach ends the flow.
import { categoryOf, isFloat } from '../../base/dtype.ts'
import { add, less, max, mul, neg, sign, where } from '../builders/elementwise.ts'
import { scalarLike } from '../builders/leaves.ts'
import type { Node } from '../node.ts'
import { unaryComposite } from './unary.ts'

/** max(x, 0). The gradient is 0 at 0 and reads the output only, so that x need not be kept. */
export const relu = unaryComposite('relu', {
  body: (x) => max(x, scalarLike(x, 0)),
  vjp: (node, grad) => where(less(0, node), grad, 0),
})

/** |x|, with gradient 0 at 0. Of two zeros max gives either, so that of 0 may be -0: `absolute` costs one addition more. */
export const abs = unaryComposite('abs', {
  body(x) {
    if (categoryOf(x.dtype) === 'bool' || x.dtype === 'uint8') return x
    return isFloat(x.dtype) ? max(x, neg(x)) : where(less(x, 0), neg(x), x)
  },
  vjp: ({ inputs: [x] }, grad) => mul(grad, sign(x)),
})

/** |x| as users see it: that of 0 is 0, whose reciprocal is infinity. */
export const absolute = (x: Node): Node => (isFloat(x.dtype) ? add(abs(x), 0) : abs(x))

/** x itself, through which no gradient flows. */
export const detach = unaryComposite('detach', { body: (x) => x, vjp: () => undefined })
