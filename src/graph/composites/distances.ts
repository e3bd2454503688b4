// Distances and angles between vectors. https://docs.pytorch.org/docs/stable/nn.functional.html#distance-functions
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { broadcastShapes, formatShape } from '../../base/shape.ts'
import {
  add,
  broadcastAll,
  broadcastTo,
  div,
  full,
  max,
  mul,
  promoteOperands,
  sub,
  sum,
  toFloat,
  unsqueeze,
} from '../builders.ts'
import { expectCategory, expectSameDType } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { vectorNorm } from './norms.ts'

/** Distances of each row of x1 [..., n, width] to each of x2 [..., m, width], as [..., n, m]. */
export function cdist(x1: Node, x2: Node, p = 2): Node {
  const op = 'cdist'
  expectCategory(op, x1.dtype, ['float'])
  expectSameDType(op, x1, x2)
  const [width1, width2] = [x1, x2].map(({ shape }) => shape[shape.length - 1])
  if (x1.shape.length < 2 || x2.shape.length < 2 || width1 !== width2)
    throw new ShapeError(
      `${op}: expected [..., n, width] and [..., m, width], got ${formatShape(x1.shape)} and ${formatShape(x2.shape)}.`,
      { op, shapes: [x1.shape, x2.shape] },
    )
  if (!(p >= 0)) throw new ArgumentError(`${op}: expected p from 0, got ${p}.`, { op, p })
  const batch = broadcastShapes(op, x1.shape.slice(0, -2), x2.shape.slice(0, -2))
  const [n, m] = [x1.shape[x1.shape.length - 2], x2.shape[x2.shape.length - 2]]
  if (width1 === 0) return full([...batch, n, m], 0, x1.dtype)
  const gaps = sub(unsqueeze(x1, -2), unsqueeze(x2, -3))
  return vectorNorm(broadcastTo(gaps, [...batch, n, m, width1]), p, -1)
}

/** The norm of x1 - x2 + eps over the last axis. */
export const pairwiseDistance = (x1: Node, x2: Node, p = 2, eps = 1e-6, keepdims = false): Node => {
  const gap = add(sub(x1, x2), eps)
  return vectorNorm(gap, p, -1, keepdims)
}

/** x over its norm along axes, the norm at least eps. */
export function normalize(x: Node, p = 2, axes: number | readonly number[] = 1, eps = 1e-12): Node {
  return div(x, max(vectorNorm(x, p, axes, true), eps))
}

/** Product of x1 and x2 over the product of their lengths, each at least eps. */
export function cosineSimilarity(x1: Node, x2: Node, axis = 1, eps = 1e-8): Node {
  const [a, b] = broadcastAll('cosineSimilarity', promoteOperands([x1, x2]).map(toFloat))
  const unit = (x: Node): Node => div(x, max(vectorNorm(x, 2, axis, true), eps))
  return sum(mul(unit(a), unit(b)), axis)
}
