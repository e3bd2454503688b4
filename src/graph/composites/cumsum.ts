// Running sums along an axis; the gradient is a running sum from the other end.
import { isFloat } from '../../base/dtype.ts'
import { normalizeAxis } from '../../base/shape.ts'
import { cast, flip, reshape } from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import { elementsOf, type Node } from '../node.ts'
import { type CompositeBuilder, defineComposite } from './composite-table.ts'
import { runningSum } from './running-sum.ts'
import { inFloat32 } from './unary.ts'

interface AlongAxis {
  readonly axis: number
}

const cumsumNode: CompositeBuilder<AlongAxis> = defineComposite<AlongAxis>('cumsum', {
  infer([x]) {
    expectCategory('cumsum', x.dtype, ['int', 'float'])
    return x
  },
  body: ([x], { axis }) => (elementsOf(x) === 0 ? x : runningSum(x, axis)),
  vjp(node, grad) {
    const { axis } = node.attrs.attrs
    return [flip(cumsumNode([flip(grad, [axis])], { axis }), [axis])]
  },
})

/** Sums of the elements up to and with each; bools and integers give int64. */
export function cumsum(x: Node, axis: number): Node {
  const at = normalizeAxis('cumsum', axis, x.shape.length)
  const summed = isFloat(x.dtype) ? x : cast(x, 'int64')
  if (x.shape.length === 0) return summed
  return reshape(
    inFloat32(summed, (wide) => cumsumNode([wide], { axis: at })),
    x.shape,
  )
}
