// Losses as modules. https://docs.pytorch.org/docs/stable/nn.html#loss-functions
import { crossEntropy, mseLoss, type Tensor } from '../../tensor/index.ts'
import { Module } from '../module.ts'

export type Reduction = 'none' | 'mean' | 'sum'

export interface CrossEntropyLossOptions {
  /** weight of each class */
  readonly weight?: Tensor
  readonly ignoreIndex?: number
  readonly reduction?: Reduction
  readonly labelSmoothing?: number
}

/** Cross-entropy of logits [batch, classes, …] with class indices [batch, …] or probabilities. */
export class CrossEntropyLoss extends Module {
  readonly options: Omit<CrossEntropyLossOptions, 'weight'>
  weight: Tensor | null

  constructor({ weight, ...options }: CrossEntropyLossOptions = {}) {
    super()
    this.options = options
    this.weight = this.registerBuffer('weight', weight ?? null)
  }

  forward(logits: Tensor, target: Tensor): Tensor {
    return crossEntropy(logits, target, { ...this.options, weight: this.weight ?? undefined })
  }
}

/** Mean of the squared differences. */
export class MSELoss extends Module {
  readonly reduction: Reduction

  constructor({ reduction = 'mean' }: { reduction?: Reduction } = {}) {
    super()
    this.reduction = reduction
  }

  forward(x: Tensor, target: Tensor): Tensor {
    return mseLoss(x, target, { reduction: this.reduction })
  }
}
