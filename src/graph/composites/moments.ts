// Variance, standard deviation and Euclidean norm over axes, with gradients written in x and its mean instead of through the sums.
import { normalizeAxes, type Shape, sizeOf } from '../../base/shape.ts'
import { type Axes, div, equal, mean, mul, reduce, reshape, sqrt, square, sub, where } from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import type { ValueType } from '../op-row.ts'
import { defineComposite } from './composite-table.ts'
import { inFloat32 } from './unary.ts'

interface MomentAttrs {
  readonly axes: readonly number[]
  /** taken from the count: 1 for the unbiased estimate */
  readonly correction: number
}

const countOf = (shape: Shape, axes: readonly number[]): number => sizeOf(axes.map((axis) => shape[axis]))
const divisorOf = (x: Node, { axes, correction }: MomentAttrs): number =>
  Math.max(0, countOf(x.shape, axes) - correction)

/** x less its mean over `axes`. */
export const centered = (x: Node, axes: readonly number[]): Node => sub(x, mean(x, axes, true))

const inferKept = (op: string) => {
  return ([x]: readonly Node[], { axes }: { readonly axes: readonly number[] }): ValueType => {
    expectCategory(op, x.dtype, ['float'])
    return { shape: x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)), dtype: x.dtype }
  }
}

const varNode = defineComposite<MomentAttrs>('var', {
  infer: inferKept('var'),
  body: ([x], attrs) => div(reduce('sum', square(centered(x, attrs.axes)), attrs.axes), divisorOf(x, attrs)),
  vjp({ inputs: [x], attrs: { attrs } }, grad) {
    return [mul(mul(grad, 2 / divisorOf(x, attrs)), centered(x, attrs.axes))]
  },
})

const stdNode = defineComposite<MomentAttrs>('std', {
  infer: inferKept('std'),
  body: ([x], attrs) => sqrt(varNode([x], attrs)),
  vjp(node, grad) {
    const [x] = node.inputs
    const { attrs } = node.attrs
    const slope = where(equal(node, 0), 0, div(grad, mul(node, divisorOf(x, attrs))))
    return [mul(slope, centered(x, attrs.axes))]
  },
})

const norm2Node = defineComposite<{ readonly axes: readonly number[] }>('norm2', {
  infer: inferKept('norm2'),
  body: ([x], { axes }) => sqrt(reduce('sum', square(x), axes)),
  vjp: (node, grad) => [mul(where(equal(node, 0), 0, div(grad, node)), node.inputs[0])],
})

function overAxes(x: Node, axes: readonly number[], keepdims: boolean, build: (wide: Node) => Node): Node {
  const kept = inFloat32(x, build)
  if (keepdims) return kept
  return reshape(
    kept,
    x.shape.filter((_, axis) => !axes.includes(axis)),
  )
}

/** torch.var: the mean squared distance from the mean, over count - correction. */
export function variance(x: Node, axes?: Axes, correction = 1, keepdims = false): Node {
  const normal = normalizeAxes('var', axes, x.shape.length)
  return overAxes(x, normal, keepdims, (wide) => varNode([wide], { axes: normal, correction }))
}

/** torch.std: the root of the variance, with gradient 0 where it is 0. */
export function std(x: Node, axes?: Axes, correction = 1, keepdims = false): Node {
  const normal = normalizeAxes('std', axes, x.shape.length)
  return overAxes(x, normal, keepdims, (wide) => stdNode([wide], { axes: normal, correction }))
}

/** The root of the sum of squares, with gradient 0 at the origin. */
export function norm2(x: Node, axes?: Axes, keepdims = false): Node {
  const normal = normalizeAxes('norm2', axes, x.shape.length)
  return overAxes(x, normal, keepdims, (wide) => norm2Node([wide], { axes: normal }))
}
