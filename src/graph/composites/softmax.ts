// softmax, logSoftmax and logsumexp: exponentials relative to the largest element, so that nothing overflows.
// Each is reductions over one axis with elementwise work between, forward and backward: one row kernel.
import { normalizeAxes, normalizeAxis, type Shape } from '../../base/shape.ts'
import { toFloat } from '../builders/elementwise.ts'
import {
  type Axes,
  add,
  equal,
  exp,
  isFinite as holdsFinite,
  log,
  mul,
  reciprocal,
  reduce,
  reshape,
  sub,
  where,
} from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import { elementsOf, type Node } from '../node.ts'
import { defineComposite } from './composite-table.ts'
import { inFloat32 } from './unary.ts'

interface AlongAxis {
  readonly axis: number
}

const inferFloat = (op: string) => {
  return ([x]: readonly Node[]): Node => {
    expectCategory(op, x.dtype, ['float'])
    return x
  }
}

const fromPeak = (x: Node, axis: number): Node => sub(x, reduce('max', x, [axis]))

const softmaxNode = defineComposite<AlongAxis>('softmax', {
  infer: inferFloat('softmax'),
  body([x], { axis }) {
    const powers = exp(fromPeak(x, axis))
    return mul(powers, reciprocal(reduce('sum', powers, [axis])))
  },
  vjp(node, grad) {
    const { axis } = node.attrs.attrs
    return [mul(node, sub(grad, reduce('sum', mul(grad, node), [axis])))]
  },
})

const logSoftmaxNode = defineComposite<AlongAxis>('logSoftmax', {
  infer: inferFloat('logSoftmax'),
  body([x], { axis }) {
    const shifted = fromPeak(x, axis)
    return sub(shifted, log(reduce('sum', exp(shifted), [axis])))
  },
  vjp(node, grad) {
    const { axis } = node.attrs.attrs
    return [sub(grad, mul(exp(node), reduce('sum', grad, [axis])))]
  },
})

/** Applies `build` along a normalised axis; a scalar counts as one element, and nothing is computed of nothing. */
function alongAxisOf(op: string, build: typeof softmaxNode, x: Node, axis: number): Node {
  inferFloat(op)([x])
  const at = normalizeAxis(op, axis, x.shape.length)
  if (elementsOf(x) === 0) return x
  const line = x.shape.length === 0 ? reshape(x, [1]) : x
  return reshape(
    inFloat32(line, (wide) => build([wide], { axis: at })),
    x.shape,
  )
}

/** exp(x) over its sum along `axis`. https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html */
export const softmax = (x: Node, axis: number): Node => alongAxisOf('softmax', softmaxNode, x, axis)

/** log(softmax(x)), without the loss of small probabilities. */
export const logSoftmax = (x: Node, axis: number): Node => alongAxisOf('logSoftmax', logSoftmaxNode, x, axis)

interface AlongAxes {
  readonly axes: readonly number[]
}

/** Keeps the reduced axes, with size 1. A row of -inf gives -inf, and no gradient. */
const logsumexpNode = defineComposite<AlongAxes>('logsumexp', {
  infer([x], { axes }) {
    expectCategory('logsumexp', x.dtype, ['float'])
    return { shape: withOnes(x.shape, axes), dtype: x.dtype }
  },
  body([x], { axes }) {
    const peak = reduce('max', x, axes)
    const shift = where(holdsFinite(peak), peak, 0)
    return add(shift, log(reduce('sum', exp(sub(x, shift)), axes)))
  },
  vjp(node, grad) {
    const shift = where(equal(node, Number.NEGATIVE_INFINITY), 0, node)
    return [mul(grad, exp(sub(node.inputs[0], shift)))]
  },
})

const withOnes = (shape: Shape, axes: readonly number[]): number[] =>
  shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))

/** log(sum(exp(x))) over `axes` (all of them when not given); integers become float32. */
export function logsumexp(x: Node, axes?: Axes, keepdims = false): Node {
  const normal = normalizeAxes('logsumexp', axes, x.shape.length)
  const kept = inFloat32(toFloat(x), (wide) => logsumexpNode([wide], { axes: normal }))
  return keepdims ? kept : reshape(kept, dropped(x.shape, normal))
}

const dropped = (shape: Shape, axes: readonly number[]): number[] => shape.filter((_, axis) => !axes.includes(axis))
