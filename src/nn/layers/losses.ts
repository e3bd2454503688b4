// Losses as modules. https://docs.pytorch.org/docs/stable/nn.html#loss-functions
import * as tensor from '../../tensor/index.ts'
import { WithOptions } from './with-options.ts'

type Tensor = tensor.Tensor
export type Reduction = 'none' | 'mean' | 'sum'

export interface LossOptions {
  readonly reduction?: Reduction
}

/** A loss of two tensors and options. */
abstract class Loss<O extends object> extends WithOptions<O> {
  protected abstract loss(x: Tensor, target: Tensor, options: O): Tensor

  forward(x: Tensor, target: Tensor): Tensor {
    return this.loss(x, target, this.options)
  }
}

/** Mean of squared differences. */
export class MSELoss extends Loss<LossOptions> {
  protected loss(x: Tensor, target: Tensor, options: LossOptions): Tensor {
    return tensor.mseLoss(x, target, options)
  }
}

/** Mean of absolute differences. */
export class L1Loss extends Loss<LossOptions> {
  protected loss(x: Tensor, target: Tensor, options: LossOptions): Tensor {
    return tensor.l1Loss(x, target, options)
  }
}

type SmoothL1Options = LossOptions & { readonly beta?: number }

/** Squared differences below beta, absolute ones above. */
export class SmoothL1Loss extends Loss<SmoothL1Options> {
  protected loss(x: Tensor, target: Tensor, options: SmoothL1Options): Tensor {
    return tensor.smoothL1Loss(x, target, options)
  }
}

type HuberOptions = LossOptions & { readonly delta?: number }

export class HuberLoss extends Loss<HuberOptions> {
  protected loss(x: Tensor, target: Tensor, options: HuberOptions): Tensor {
    return tensor.huberLoss(x, target, options)
  }
}

type KLDivOptions = NonNullable<Parameters<typeof tensor.klDiv>[2]>

/** Kullback-Leibler divergence of log-probabilities from a target. */
export class KLDivLoss extends Loss<KLDivOptions> {
  protected loss(x: Tensor, target: Tensor, options: KLDivOptions): Tensor {
    return tensor.klDiv(x, target, options)
  }
}

type PoissonOptions = NonNullable<Parameters<typeof tensor.poissonNllLoss>[2]>

/** Counts against the logarithm of a rate. */
export class PoissonNLLLoss extends Loss<PoissonOptions> {
  protected loss(x: Tensor, target: Tensor, options: PoissonOptions): Tensor {
    return tensor.poissonNllLoss(x, target, options)
  }
}

/** log(1 + exp(-y x)) for targets 1 and -1. */
export class SoftMarginLoss extends Loss<LossOptions> {
  protected loss(x: Tensor, target: Tensor, options: LossOptions): Tensor {
    return tensor.softMarginLoss(x, target, options)
  }
}

type MarginOptions = LossOptions & { readonly margin?: number }

export class HingeEmbeddingLoss extends Loss<MarginOptions> {
  protected loss(x: Tensor, target: Tensor, options: MarginOptions): Tensor {
    return tensor.hingeEmbeddingLoss(x, target, options)
  }
}

/** A loss whose weight per class or element is saved with the module. */
abstract class WeightedLoss<O extends object> extends Loss<O> {
  weight: Tensor | null

  constructor({ weight, ...options }: O & { readonly weight?: Tensor | null }) {
    super(options as unknown as O)
    this.weight = this.registerBuffer('weight', weight ?? null)
  }
}

export interface ClassLossOptions extends LossOptions {
  /** weight of each class */
  readonly weight?: Tensor | null
  readonly ignoreIndex?: number
}

export interface CrossEntropyLossOptions extends ClassLossOptions {
  readonly labelSmoothing?: number
}

/** Cross-entropy of logits [batch, classes, …] with class indices [batch, …] or probabilities. */
export class CrossEntropyLoss extends WeightedLoss<CrossEntropyLossOptions> {
  constructor(options: CrossEntropyLossOptions = {}) {
    super(options)
  }

  protected loss(x: Tensor, target: Tensor, options: CrossEntropyLossOptions): Tensor {
    return tensor.crossEntropy(x, target, { ...options, weight: this.weight })
  }
}

/** Negative log-likelihood of log-probabilities [batch, classes, …] for class indices [batch, …]. */
export class NLLLoss extends WeightedLoss<ClassLossOptions> {
  constructor(options: ClassLossOptions = {}) {
    super(options)
  }

  protected loss(x: Tensor, target: Tensor, options: ClassLossOptions): Tensor {
    return tensor.nllLoss(x, target, { ...options, weight: this.weight })
  }
}

type BinaryOptions = LossOptions & { readonly weight?: Tensor | null }

/** Probabilities against probabilities of one class each. */
export class BCELoss extends WeightedLoss<BinaryOptions> {
  constructor(options: BinaryOptions = {}) {
    super(options)
  }

  protected loss(x: Tensor, target: Tensor, options: BinaryOptions): Tensor {
    return tensor.binaryCrossEntropy(x, target, { ...options, weight: this.weight })
  }
}

export interface BCEWithLogitsLossOptions extends LossOptions {
  /** a factor per element */
  readonly weight?: Tensor | null
  /** a factor for positive targets */
  readonly posWeight?: Tensor | null
}

/** Logits against probabilities of one class each. */
export class BCEWithLogitsLoss extends WeightedLoss<BCEWithLogitsLossOptions> {
  static override readonly stateNames = { posWeight: 'pos_weight' }
  posWeight: Tensor | null

  constructor({ posWeight, ...options }: BCEWithLogitsLossOptions = {}) {
    super(options)
    this.posWeight = this.registerBuffer('posWeight', posWeight ?? null)
  }

  protected loss(x: Tensor, target: Tensor, options: LossOptions): Tensor {
    return tensor.binaryCrossEntropyWithLogits(x, target, {
      ...options,
      weight: this.weight,
      posWeight: this.posWeight,
    })
  }
}
