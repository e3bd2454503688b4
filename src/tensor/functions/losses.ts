// Losses: predictions and targets go in, one number (or one per element) comes out.
import * as crossEntropies from '../../graph/composites/cross-entropy.ts'
import * as losses from '../../graph/composites/losses.ts'
import type { Reduction } from '../../graph/composites/reduction.ts'
import type { Node } from '../../graph/node.ts'
import type { Tensor } from '../tensor.ts'
import { applied, type Optional } from './neural.ts'

export type { Reduction }

export interface LossOptions {
  readonly reduction?: Reduction
}

export interface ClassLossOptions extends LossOptions {
  /** one factor per class */
  readonly weight?: Optional
  /** targets of this value neither cost nor count */
  readonly ignoreIndex?: number
}

export interface CrossEntropyOptions extends ClassLossOptions {
  /** share of every target that is spread evenly over all classes */
  readonly labelSmoothing?: number
}

/** Logits x [batch, classes, ...] against class indices [batch, ...], or against probabilities of x's shape. */
export const crossEntropy = (x: Tensor, target: Tensor, { weight, ...options }: CrossEntropyOptions = {}): Tensor =>
  applied('crossEntropy', [x, target, weight], (node, targets, w?: Node) =>
    crossEntropies.crossEntropy(node, targets, { ...options, ...(w && { weight: w }) }),
  )

/** Log-probabilities x [batch, classes, ...] against class indices. */
export const nllLoss = (x: Tensor, target: Tensor, { weight, ...options }: ClassLossOptions = {}): Tensor =>
  applied('nllLoss', [x, target, weight], (node, targets, w?: Node) =>
    crossEntropies.nllLoss(node, targets, { ...options, ...(w && { weight: w }) }),
  )

export interface BinaryCrossEntropyOptions extends LossOptions {
  /** a factor per element */
  readonly weight?: Optional
  /** a factor for positive targets */
  readonly posWeight?: Optional
}

/** Logits against probabilities of one class each. */
export const binaryCrossEntropyWithLogits = (
  x: Tensor,
  target: Tensor,
  { weight, posWeight, reduction }: BinaryCrossEntropyOptions = {},
): Tensor =>
  applied('binaryCrossEntropyWithLogits', [x, target, weight, posWeight], (node, targets, w?: Node, positive?: Node) =>
    losses.binaryCrossEntropyWithLogits(node, targets, {
      ...(w && { weight: w }),
      ...(positive && { posWeight: positive }),
      ...(reduction && { reduction }),
    }),
  )

/** Mean of squared differences. */
export const mseLoss = (x: Tensor, target: Tensor, { reduction }: LossOptions = {}): Tensor =>
  applied('mseLoss', [x, target], (a, b) => losses.mseLoss(a, b, reduction))

/** Mean of absolute differences. */
export const l1Loss = (x: Tensor, target: Tensor, { reduction }: LossOptions = {}): Tensor =>
  applied('l1Loss', [x, target], (a, b) => losses.l1Loss(a, b, reduction))

export const smoothL1Loss = (
  x: Tensor,
  target: Tensor,
  { reduction, beta }: LossOptions & { readonly beta?: number } = {},
): Tensor => applied('smoothL1Loss', [x, target], (a, b) => losses.smoothL1Loss(a, b, reduction, beta))

export const huberLoss = (
  x: Tensor,
  target: Tensor,
  { reduction, delta }: LossOptions & { readonly delta?: number } = {},
): Tensor => applied('huberLoss', [x, target], (a, b) => losses.huberLoss(a, b, reduction, delta))
