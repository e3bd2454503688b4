// tensordot: two tensors multiplied and summed over axes of both, as one contraction.
// https://docs.pytorch.org/docs/stable/generated/torch.tensordot.html
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, normalizeAxis } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import type { Node } from '../../graph/node.ts'
import { resultOf } from '../core.ts'
import { sameDevice } from '../operands.ts'
import type { Tensor } from '../tensor.ts'

/** How many last axes of a meet as many first axes of b, or lists of axes that meet. */
export type ContractedAxes = number | readonly [a: readonly number[], b: readonly number[]]

function axesOf(a: Node, b: Node, dims: ContractedAxes): readonly [number[], number[]] {
  if (typeof dims !== 'number')
    return [
      dims[0].map((axis) => normalizeAxis('tensordot', axis, a.shape.length)),
      dims[1].map((axis) => normalizeAxis('tensordot', axis, b.shape.length)),
    ]
  if (!Number.isInteger(dims) || dims < 0 || dims > Math.min(a.shape.length, b.shape.length))
    throw new ArgumentError(`tensordot: expected a number of axes that both tensors have, got ${dims}.`, { dims })
  return [Array.from({ length: dims }, (_, i) => a.shape.length - dims + i), Array.from({ length: dims }, (_, i) => i)]
}

/** Axes of size 1 grow to what they meet. */
function grown(x: Node, axes: readonly number[], other: Node, otherAxes: readonly number[]): Node {
  const shape = x.shape.map((extent, axis) => {
    const at = axes.indexOf(axis)
    return at >= 0 && extent === 1 ? other.shape[otherAxes[at]] : extent
  })
  return build.broadcastTo(x, shape)
}

export function tensordot(a: Tensor, b: Tensor, dims: ContractedAxes = 2): Tensor {
  const [left, right] = build.promoteOperands(sameDevice('tensordot', [a, b]))
  const [axesA, axesB] = axesOf(left, right, dims)
  const fits = (axis: number, i: number): boolean => {
    const [own, other] = [left.shape[axis], right.shape[axesB[i]]]
    return own === other || own === 1 || other === 1
  }
  if (axesA.length !== axesB.length || !axesA.every(fits))
    throw new ShapeError(
      `tensordot: expected axes of equal sizes to meet, got ${formatShape(axesA)} of ${formatShape(left.shape)} and ` +
        `${formatShape(axesB)} of ${formatShape(right.shape)}.`,
      { op: 'tensordot', shapes: [left.shape, right.shape], dims },
    )
  const arranged = (x: Node, axes: readonly number[]): Node =>
    build.permute(x, [...x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis)), ...axes])
  const [first, second] = [grown(left, axesA, right, axesB), grown(right, axesB, left, axesA)]
  const node = build.contract(arranged(first, axesA), arranged(second, axesB), 0, axesA.length)
  return resultOf(a.session, node, [a, b])
}
