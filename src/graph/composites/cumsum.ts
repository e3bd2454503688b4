// Running sums along an axis by doubling: after step k each element holds the sum of the 2^k up to it (Hillis and Steele 1986).
import { isFloat } from '../../base/dtype.ts'
import { normalizeAxis } from '../../base/shape.ts'
import { add, cast, flip, narrow, pad, reshape } from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { type CompositeBuilder, defineComposite } from './composite-table.ts'
import { inFloat32 } from './unary.ts'

interface AlongAxis {
  readonly axis: number
}

/** x moved `distance` towards the end of the axis; zeros come in. */
const shifted = (x: Node, axis: number, distance: number): Node =>
  pad(
    narrow(x, axis, 0, x.shape[axis] - distance),
    x.shape.map((_, i) => [i === axis ? distance : 0, 0] as const),
  )

const cumsumNode: CompositeBuilder<AlongAxis> = defineComposite<AlongAxis>('cumsum', {
  infer([x]) {
    expectCategory('cumsum', x.dtype, ['int', 'float'])
    return x
  },
  body([x], { axis }) {
    let sums = x
    for (let distance = 1; distance < x.shape[axis]; distance *= 2) sums = add(sums, shifted(sums, axis, distance))
    return sums
  },
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
