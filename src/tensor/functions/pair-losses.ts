// Losses of probabilities, margins, rankings and rates, under PyTorch's names.
// https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions
import * as losses from '../../graph/composites/pair-losses.ts'
import type { Node } from '../../graph/node.ts'
import type { Tensor } from '../tensor.ts'
import type { LossOptions } from './losses.ts'
import { applied, type Optional } from './neural.ts'

/** Probabilities against probabilities of one class each. */
export const binaryCrossEntropy = (
  x: Tensor,
  target: Tensor,
  { weight, reduction }: LossOptions & { readonly weight?: Optional } = {},
): Tensor =>
  applied('binaryCrossEntropy', [x, target, weight], (node, targets, w?: Node) =>
    losses.binaryCrossEntropy(node, targets, { ...(w && { weight: w }), ...(reduction && { reduction }) }),
  )

export interface KlDivOptions {
  /** 'batchmean' divides the sum by the first extent, as the mathematics has it */
  readonly reduction?: losses.KlReduction
  /** the target is a logarithm, too */
  readonly logTarget?: boolean
}

/** Kullback-Leibler divergence of log-probabilities x from a target. */
export const klDiv = (x: Tensor, target: Tensor, { reduction, logTarget }: KlDivOptions = {}): Tensor =>
  applied('klDiv', [x, target], (node, targets) => losses.klDiv(node, targets, reduction, logTarget))

/** log(1 + exp(-y x)) for targets 1 and -1. */
export const softMarginLoss = (x: Tensor, target: Tensor, { reduction }: LossOptions = {}): Tensor =>
  applied('softMarginLoss', [x, target], (node, targets) => losses.softMarginLoss(node, targets, reduction))

export interface MarginOptions extends LossOptions {
  readonly margin?: number
}

/** max(0, margin - y (x1 - x2)): y is 1 where x1 shall rank higher. */
export const marginRankingLoss = (
  x1: Tensor,
  x2: Tensor,
  target: Tensor,
  { margin, reduction }: MarginOptions = {},
): Tensor =>
  applied('marginRankingLoss', [x1, x2, target], (a, b, targets) =>
    losses.marginRankingLoss(a, b, targets, margin, reduction),
  )

export const hingeEmbeddingLoss = (x: Tensor, target: Tensor, { margin, reduction }: MarginOptions = {}): Tensor =>
  applied('hingeEmbeddingLoss', [x, target], (node, targets) =>
    losses.hingeEmbeddingLoss(node, targets, margin, reduction),
  )

export const cosineEmbeddingLoss = (
  x1: Tensor,
  x2: Tensor,
  target: Tensor,
  { margin, reduction }: MarginOptions = {},
): Tensor =>
  applied('cosineEmbeddingLoss', [x1, x2, target], (a, b, targets) =>
    losses.cosineEmbeddingLoss(a, b, targets, margin, reduction),
  )

/** max(0, d(anchor, positive) - d(anchor, negative) + margin) */
export const tripletMarginLoss = (
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: losses.TripletOptions = {},
): Tensor =>
  applied('tripletMarginLoss', [anchor, positive, negative], (a, b, c) => losses.tripletMarginLoss(a, b, c, options))

/** Counts against the logarithm of a rate, or the rate. */
export const poissonNllLoss = (x: Tensor, target: Tensor, options: losses.PoissonOptions = {}): Tensor =>
  applied('poissonNllLoss', [x, target], (node, targets) => losses.poissonNllLoss(node, targets, options))

/** Values against a mean and a variance. */
export const gaussianNllLoss = (
  x: Tensor,
  target: Tensor,
  variance: Tensor | number,
  options: losses.GaussianOptions = {},
): Tensor => {
  const given = typeof variance === 'number' ? x.detach().mul(0).add(variance) : variance
  return applied('gaussianNllLoss', [x, target, given], (node, targets, v) =>
    losses.gaussianNllLoss(node, targets, v, options),
  )
}
