// Transpose of `window`: a gradient with taps on its last axis goes in, the sum of what each element of the axis was read into
// comes out. The compiler may lower it to a contraction over a window of the gradient; the body here adds up shifted taps.
import { ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import { add } from '../builders/elementwise.ts'
import { select, unslice, window } from '../builders/movement.ts'
import type { Attrs, Node } from '../node.ts'
import { defineComposite } from './composite-table.ts'

export interface WindowGradAttrs {
  readonly axis: number
  readonly size: number
  readonly stride: number
  readonly dilation: number
  /** elements of the axis before the window */
  readonly extent: number
}

const inputShape = (grad: Node, { axis, extent }: WindowGradAttrs): number[] =>
  grad.shape.slice(0, -1).map((count, i) => (i === axis ? extent : count))

function place(grad: Node, tap: number, attrs: WindowGradAttrs): Node {
  const at = (chosen: number, other: number): number[] =>
    grad.shape.slice(0, -1).map((_, i) => (i === attrs.axis ? chosen : other))
  return unslice(select(grad, -1, tap), inputShape(grad, attrs), at(tap * attrs.dilation, 0), at(attrs.stride, 1))
}

export const windowGrad = defineComposite<WindowGradAttrs>('windowGrad', {
  infer([grad], attrs) {
    const { axis, size, stride, dilation, extent } = attrs
    const count = Math.floor((extent - dilation * (size - 1) - 1) / stride) + 1
    if (grad.shape[grad.shape.length - 1] !== size || grad.shape[axis] !== count)
      throw new ShapeError(
        `windowGrad: expected ${count} positions on axis ${axis} and ${size} taps on the last, got ${formatShape(grad.shape)}.`,
        { op: 'windowGrad', attrs, shape: grad.shape },
      )
    return { shape: inputShape(grad, attrs), dtype: grad.dtype }
  },
  body([grad], attrs) {
    let total = place(grad, 0, attrs)
    for (let tap = 1; tap < attrs.size; tap++) total = add(total, place(grad, tap, attrs))
    return total
  },
  vjp: ({ attrs: { attrs } }, grad) => [windowOf(grad, attrs)],
})

const windowOf = (x: Node, { axis, size, stride, dilation }: Attrs['window']): Node =>
  window(x, axis, size, stride, dilation)
