// Vector norms over axes: (sum |x|^p)^(1/p), its limits, and the gradients that PyTorch gives them at 0.
// https://docs.pytorch.org/docs/stable/generated/torch.linalg.vector_norm.html
import { ArgumentError, NotYetError, ShapeError } from '../../base/errors.ts'
import { formatShape, normalizeAxes } from '../../base/shape.ts'
import {
  type Axes,
  amax,
  amin,
  cast,
  div,
  equal,
  logicalOr,
  mul,
  notEqual,
  pow,
  reduce,
  reshape,
  sign,
  sum,
  toFloat,
  where,
} from '../builders.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import { defineComposite } from './composite-table.ts'
import { norm2 } from './moments.ts'
import { inFloat32 } from './unary.ts'

/** A number, or PyTorch's names: 'fro' is 2; 'nuc' (of singular values) is not there yet. */
export type NormOrder = number | 'fro' | 'nuc'

interface PowerAttrs {
  readonly p: number
  readonly axes: readonly number[]
}

const powerNorm = defineComposite<PowerAttrs>('powerNorm', {
  infer: ([x], { axes }) => ({
    shape: x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)),
    dtype: x.dtype,
  }),
  body: ([x], { p, axes }) => pow(reduce('sum', pow(abs(x), p), axes), 1 / p),
  vjp(node, grad) {
    const [x] = node.inputs
    const { p } = node.attrs.attrs
    const slope = mul(sign(x), pow(div(abs(x), node), p - 1))
    return [mul(grad, where(logicalOr(equal(x, 0), equal(node, 0)), 0, slope))]
  },
})

function orderOf(p: NormOrder): number {
  if (p === 'fro') return 2
  if (p === 'nuc') throw new NotYetError("norm: 'nuc' is not there yet: it needs singular values.", { op: 'norm', p })
  if (typeof p === 'number' && !Number.isNaN(p)) return p
  throw new ArgumentError(`norm: expected a number or 'fro', got ${String(p)}.`, { op: 'norm', p })
}

function expectElements(x: Node, p: number, axes: readonly number[]): void {
  if (Number.isFinite(p) && p >= 0) return
  if (axes.some((axis) => x.shape[axis] === 0))
    throw new ShapeError(
      `norm: expected at least one element along the reduced axes for p ${p}, got ${formatShape(x.shape)}.`,
      { op: 'norm', shape: x.shape, p },
    )
}

export function vectorNorm(given: Node, order: NormOrder, over: Axes | undefined, keepdims = false): Node {
  const p = orderOf(order)
  const x = toFloat(given)
  const axes = normalizeAxes('norm', over, x.shape.length)
  expectElements(x, p, axes)
  if (p === 2) return norm2(x, axes, keepdims)
  if (p === 0) return sum(cast(notEqual(x, 0), x.dtype), axes, keepdims)
  if (p === 1) return sum(abs(x), axes, keepdims)
  if (p === Number.POSITIVE_INFINITY) return amax(abs(x), axes, keepdims)
  if (p === Number.NEGATIVE_INFINITY) return amin(abs(x), axes, keepdims)
  const kept = inFloat32(x, (wide) => powerNorm([wide], { p, axes }))
  return keepdims
    ? kept
    : reshape(
        kept,
        x.shape.filter((_, axis) => !axes.includes(axis)),
      )
}
