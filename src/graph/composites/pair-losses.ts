// Losses of probabilities, margins, rankings and rates: elementwise over one or two tensors, then reduced.
// https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, sameShape } from '../../base/shape.ts'
import {
  add,
  broadcastTo,
  cast,
  div,
  equal,
  exp,
  less,
  lessEqual,
  log,
  max,
  min,
  mul,
  neg,
  sqrt,
  square,
  sub,
  sum,
  toFloat,
  unsqueeze,
  where,
} from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { xlogy } from './binary-special.ts'
import { defineComposite } from './composite-table.ts'
import { pairwiseDistance } from './distances.ts'
import { type Reduction, reduced } from './reduction.ts'
import { log1p } from './special.ts'

type None = Readonly<Record<never, never>>

// PyTorch cuts logarithms at -100 and, in the gradient, the divisor at 1e-12
const bceNode = defineComposite<None>('binaryCrossEntropy', {
  infer: ([x]) => x,
  body([x, target]) {
    const [own, other] = [max(log(x), -100), max(log1p(neg(x)), -100)]
    return sub(mul(sub(target, 1), other), mul(target, own))
  },
  vjp: ({ inputs: [x, target] }, grad, wanted) => [
    mul(grad, div(sub(x, target), max(mul(sub(1, x), x), 1e-12))),
    wanted[1] ? mul(grad, sub(max(log1p(neg(x)), -100), max(log(x), -100))) : undefined,
  ],
})

export interface WeightedOptions {
  readonly weight?: Node
  readonly reduction?: Reduction
}

/** Probabilities against probabilities of one class each. */
export function binaryCrossEntropy(x: Node, target: Node, { weight, reduction = 'mean' }: WeightedOptions = {}): Node {
  const op = 'binaryCrossEntropy'
  expectCategory(op, x.dtype, ['float'])
  if (!sameShape(x.shape, target.shape))
    throw new ShapeError(
      `${op}: expected a target of x's shape ${formatShape(x.shape)}, got ${formatShape(target.shape)}.`,
      { op },
    )
  const losses = bceNode([x, cast(target, x.dtype)], {})
  return reduced(weight === undefined ? losses : mul(losses, broadcastTo(cast(weight, x.dtype), x.shape)), reduction)
}

export type KlReduction = Reduction | 'batchmean'

/** target (log target - x) of log-probabilities x. */
export function klDiv(x: Node, target: Node, reduction: KlReduction = 'mean', logTarget = false): Node {
  const losses = logTarget ? mul(exp(target), sub(target, x)) : sub(xlogy(target, target), mul(target, x))
  if (reduction !== 'batchmean') return reduced(losses, reduction)
  return x.shape.length === 0 ? sum(losses) : div(sum(losses), x.shape[0])
}

/** log(1 + exp(-y x)) for y of 1 and -1. */
export function softMarginLoss(x: Node, target: Node, reduction: Reduction = 'mean'): Node {
  expectCategory('softMarginLoss', x.dtype, ['float'])
  return reduced(log1p(exp(neg(mul(target, x)))), reduction)
}

/** max(0, margin - y (x1 - x2)) */
export function marginRankingLoss(x1: Node, x2: Node, target: Node, margin = 0, reduction: Reduction = 'mean'): Node {
  if (x1.shape.length !== x2.shape.length || x1.shape.length !== target.shape.length)
    throw new ShapeError(
      `marginRankingLoss: expected tensors of as many dimensions, got ${[x1, x2, target].map(({ shape }) => formatShape(shape)).join(', ')}.`,
      { op: 'marginRankingLoss' },
    )
  return reduced(positivePart(sub(margin, toFloat(mul(target, sub(x1, x2))))), reduction)
}

/** max(x, 0), whose gradient is whole at 0, as that of clamp. */
const positivePart = (x: Node): Node => where(less(x, 0), 0, x)

/** x where y is 1, max(0, margin - x) where it is -1. */
export function hingeEmbeddingLoss(x: Node, target: Node, margin = 1, reduction: Reduction = 'mean'): Node {
  const apart = where(equal(target, 1), 0, positivePart(sub(margin, x)))
  const together = where(equal(target, -1), 0, x)
  return reduced(add(apart, together), reduction)
}

/** 1 - cos where y is 1, max(0, cos - margin) where it is -1. */
export function cosineEmbeddingLoss(x1: Node, x2: Node, target: Node, margin = 0, reduction: Reduction = 'mean'): Node {
  const rank = target.shape.length
  if (rank > 1 || x1.shape.length !== rank + 1 || x2.shape.length !== rank + 1)
    throw new ShapeError(
      `cosineEmbeddingLoss: expected vectors and a target without dimensions, or rows and one target each, got ` +
        `${[x1, x2, target].map(({ shape }) => formatShape(shape)).join(', ')}.`,
      { op: 'cosineEmbeddingLoss' },
    )
  const eps = 1e-12
  const product = sum(mul(x1, x2), rank)
  const squares = mul(add(sum(square(x1), rank), eps), add(sum(square(x2), rank), eps))
  const cosine = div(product, sqrt(squares))
  const losses = where(
    equal(target, 1),
    sub(1, cosine),
    where(equal(target, -1), positivePart(sub(cosine, margin)), mul(cosine, 0)),
  )
  return reduced(losses, reduction)
}

export interface TripletOptions {
  readonly margin?: number
  readonly p?: number
  readonly eps?: number
  /** takes the positive's distance to the negative where that is nearer than the anchor's */
  readonly swap?: boolean
  readonly reduction?: Reduction
}

/** max(0, d(anchor, positive) - d(anchor, negative) + margin) */
export function tripletMarginLoss(anchor: Node, positive: Node, negative: Node, options: TripletOptions = {}): Node {
  const { margin = 1, p = 2, eps = 1e-6, swap = false, reduction = 'mean' } = options
  if (anchor.shape.length !== positive.shape.length || anchor.shape.length !== negative.shape.length)
    throw new ShapeError(
      `tripletMarginLoss: expected tensors of as many dimensions, got ${[anchor, positive, negative].map(({ shape }) => formatShape(shape)).join(', ')}.`,
      { op: 'tripletMarginLoss' },
    )
  if (!(margin > 0)) throw new ArgumentError(`tripletMarginLoss: expected a margin above 0, got ${margin}.`, { margin })
  const near = pairwiseDistance(anchor, positive, p, eps)
  const far = pairwiseDistance(anchor, negative, p, eps)
  const least = swap ? min(far, pairwiseDistance(positive, negative, p, eps)) : far
  return reduced(positivePart(add(sub(near, least), margin)), reduction)
}

export interface PoissonOptions {
  readonly logInput?: boolean
  /** adds Stirling's approximation of log(target!) */
  readonly full?: boolean
  readonly eps?: number
  readonly reduction?: Reduction
}

/** Negative log-likelihood of counts under a rate, or its logarithm. */
export function poissonNllLoss(x: Node, target: Node, options: PoissonOptions = {}): Node {
  const { logInput = true, full = false, eps = 1e-8, reduction = 'mean' } = options
  const rate = logInput ? sub(exp(x), mul(target, x)) : sub(x, mul(target, log(add(x, eps))))
  if (!full) return reduced(rate, reduction)
  const stirling = add(sub(mul(target, log(target)), target), mul(log(mul(target, 2 * Math.PI)), 0.5))
  return reduced(add(rate, where(lessEqual(target, 1), 0, stirling)), reduction)
}

export interface GaussianOptions {
  /** adds the constant term */
  readonly full?: boolean
  readonly eps?: number
  readonly reduction?: Reduction
}

/** Negative log-likelihood under a normal distribution of mean x and a variance, which is cut at eps without touching its gradient. */
export function gaussianNllLoss(x: Node, target: Node, variance: Node, options: GaussianOptions = {}): Node {
  const { full = false, eps = 1e-6, reduction = 'mean' } = options
  const aligned = alignedVariance(x, variance)
  const cut = cutVariance([aligned], { eps })
  const losses = mul(add(log(cut), div(square(sub(x, target)), cut)), 0.5)
  return reduced(full ? add(losses, 0.5 * Math.log(2 * Math.PI)) : losses, reduction)
}

const cutVariance = defineComposite<{ readonly eps: number }>('cutVariance', {
  infer: ([x]) => x,
  body: ([x], { eps }) => max(x, eps),
  vjp: (_, grad) => [grad],
})

/** One variance a row may stand for its last axis, and one for an axis of size 1 there. */
function alignedVariance(x: Node, variance: Node): Node {
  if (sameShape(x.shape, variance.shape) || variance.shape.length === 0) return variance
  const leading = x.shape.slice(0, -1)
  if (sameShape(leading, variance.shape)) return unsqueeze(variance, -1)
  const rank = x.shape.length
  if (variance.shape.length === rank && variance.shape.every((size, axis) => size === x.shape[axis] || size === 1))
    return variance
  throw new ShapeError(
    `gaussianNllLoss: expected a variance of x's shape ${formatShape(x.shape)}, or sizes of 1 there, got ${formatShape(variance.shape)}.`,
    { op: 'gaussianNllLoss', variance: variance.shape },
  )
}
