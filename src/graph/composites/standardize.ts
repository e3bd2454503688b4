// Standardisation, the core of every normalisation layer: (x - mean) / sqrt(variance + eps) over given axes, times a scale of one
// value a row if there is one. Forward and backward are reductions over the same axes: one row kernel each.
import { ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape, sameShape, sizeOf } from '../../base/shape.ts'
import { add, mean, mul, reduce, rsqrt, square, sub } from '../builders.ts'
import { expectCategory, expectSameDType } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { type CompositeNode, defineComposite } from './composite-table.ts'
import { centered } from './moments.ts'

export interface StandardizeAttrs {
  readonly axes: readonly number[]
  readonly eps: number
}

/** Mean and biased variance over `axes`, which are kept with size 1; the very nodes that `standardize` computes with. */
export const moments = (x: Node, axes: readonly number[]): { mean: Node; variance: Node } => ({
  mean: mean(x, axes, true),
  variance: mean(square(centered(x, axes)), axes, true),
})

const inverseDeviation = (x: Node, { axes, eps }: StandardizeAttrs): Node => rsqrt(add(moments(x, axes).variance, eps))

const standardizedBody = (x: Node, attrs: StandardizeAttrs): Node =>
  mul(centered(x, attrs.axes), inverseDeviation(x, attrs))

const keptShape = (shape: Shape, axes: readonly number[]): number[] =>
  shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))

/** With y the standardised x: dx = scale / deviation * (g - mean(g) - y * mean(g * y)), and dscale = sum(g * y). */
function gradients({ inputs: [x, scale], attrs: { attrs } }: CompositeNode<StandardizeAttrs>, grad: Node): Node[] {
  const { axes } = attrs
  const y = scale === undefined ? standardizedBody(x, attrs) : standardize([x], attrs)
  const count = sizeOf(axes.map((axis) => x.shape[axis]))
  const sumOfGrad = reduce('sum', grad, axes)
  const sumOfProduct = reduce('sum', mul(grad, y), axes)
  const perCount = 1 / count
  const rest = sub(sub(grad, mul(sumOfGrad, perCount)), mul(y, mul(sumOfProduct, perCount)))
  const slope = inverseDeviation(x, attrs)
  return scale === undefined ? [mul(rest, slope)] : [mul(rest, mul(slope, scale)), sumOfProduct]
}

/** Inputs x and, optionally, a scale of x's shape with 1 on `axes`. */
export const standardize = defineComposite<StandardizeAttrs>('standardize', {
  infer([x, scale], { axes }) {
    expectCategory('standardize', x.dtype, ['float'])
    if (scale !== undefined) {
      expectSameDType('standardize', x, scale)
      if (!sameShape(scale.shape, keptShape(x.shape, axes)))
        throw new ShapeError(
          `standardize: expected a scale of shape ${formatShape(keptShape(x.shape, axes))}, got ${formatShape(scale.shape)}.`,
          { op: 'standardize', shape: x.shape, axes, scale: scale.shape },
        )
    }
    return x
  },
  body([x, scale], attrs) {
    if (scale === undefined) return standardizedBody(x, attrs)
    return mul(centered(x, attrs.axes), mul(inverseDeviation(x, attrs), scale))
  },
  vjp: gradients,
})
