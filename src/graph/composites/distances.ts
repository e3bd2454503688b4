// Distances and angles between vectors. https://docs.pytorch.org/docs/stable/nn.functional.html#distance-functions
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { broadcastShapes, formatShape } from '../../base/shape.ts'
import {
  add,
  broadcastAll,
  broadcastTo,
  div,
  equal,
  full,
  matmul,
  max,
  mul,
  promoteOperands,
  sqrt,
  square,
  sub,
  sum,
  toFloat,
  transpose,
  unsqueeze,
  where,
} from '../builders.ts'
import { expectCategory, expectSameDType } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { defineComposite } from './composite-table.ts'
import { vectorNorm } from './norms.ts'

const transposed = (x: Node): Node => transpose(x, -2, -1)

/**
 * Euclidean distances by one product, |x|² + |y|² - 2 x·y: much less work than all differences, less exact for points that are close to each
 * other and far from 0. The gradient at distance 0 is 0.
 */
const euclideanDistances = defineComposite<Readonly<Record<never, never>>>('euclideanDistances', {
  infer: ([x1, x2]) => ({ shape: [...x1.shape.slice(0, -1), x2.shape[x2.shape.length - 2]], dtype: x1.dtype }),
  body([x1, x2]) {
    const [lengths1, lengths2] = [x1, x2].map((x) => sum(square(x), -1, true))
    const squares = sub(add(lengths1, transposed(lengths2)), mul(matmul(x1, transposed(x2)), 2))
    return sqrt(max(squares, 0))
  },
  vjp(node, grad) {
    const [x1, x2] = node.inputs
    const ratio = where(equal(node, 0), 0, div(grad, node))
    const towards = (x: Node, y: Node, weights: Node): Node => sub(mul(x, sum(weights, -1, true)), matmul(weights, y))
    return [towards(x1, x2, ratio), towards(x2, x1, transposed(ratio))]
  },
})

const computeModes = [
  'use_mm_for_euclid_dist_if_necessary',
  'use_mm_for_euclid_dist',
  'donot_use_mm_for_euclid_dist',
] as const
/** Whether Euclidean distances may come from a product; 'if necessary' is from `manyRows` rows on either side. */
export type CdistMode = (typeof computeModes)[number]
const manyRows = 26

function usesProduct(mode: CdistMode, p: number, rows: number): boolean {
  if (!computeModes.includes(mode))
    throw new ArgumentError(`cdist: expected a mode of ${computeModes.join(', ')}, got '${mode}'.`, {
      op: 'cdist',
      mode,
    })
  return p === 2 && (mode === computeModes[1] || (mode === computeModes[0] && rows >= manyRows))
}

/** Distances of each row of x1 [..., n, width] to each of x2 [..., m, width], as [..., n, m]. */
export function cdist(x1: Node, x2: Node, p = 2, mode: CdistMode = computeModes[0]): Node {
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
  if (usesProduct(mode, p, Math.max(n, m)))
    return euclideanDistances(
      [x1, x2].map((x) => broadcastTo(x, [...batch, ...x.shape.slice(-2)])),
      {},
    )
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
