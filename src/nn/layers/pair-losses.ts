// Losses and distances of pairs and triplets as modules. https://docs.pytorch.org/docs/stable/nn.html#loss-functions
import * as tensor from '../../tensor/index.ts'
import type { LossOptions } from './losses.ts'
import { WithOptions } from './with-options.ts'

type Tensor = tensor.Tensor
type MarginOptions = LossOptions & { readonly margin?: number }

/** max(0, margin - y (x1 - x2)): y is 1 where x1 shall rank higher, else -1. */
export class MarginRankingLoss extends WithOptions<MarginOptions> {
  forward(x1: Tensor, x2: Tensor, target: Tensor): Tensor {
    return tensor.marginRankingLoss(x1, x2, target, this.options)
  }
}

/** Angles: targets are 1 for vectors that belong together, else -1. */
export class CosineEmbeddingLoss extends WithOptions<MarginOptions> {
  forward(x1: Tensor, x2: Tensor, target: Tensor): Tensor {
    return tensor.cosineEmbeddingLoss(x1, x2, target, this.options)
  }
}

type TripletOptions = NonNullable<Parameters<typeof tensor.tripletMarginLoss>[3]>

/** max(0, d(anchor, positive) - d(anchor, negative) + margin) */
export class TripletMarginLoss extends WithOptions<TripletOptions> {
  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    return tensor.tripletMarginLoss(anchor, positive, negative, this.options)
  }
}

type GaussianOptions = NonNullable<Parameters<typeof tensor.gaussianNllLoss>[3]>

/** Values against a mean and a variance. */
export class GaussianNLLLoss extends WithOptions<GaussianOptions> {
  forward(x: Tensor, target: Tensor, variance: Tensor | number): Tensor {
    return tensor.gaussianNllLoss(x, target, variance, this.options)
  }
}

/** Cosine of the angle between vectors along `dim` (1). */
export class CosineSimilarity extends WithOptions<NonNullable<Parameters<typeof tensor.cosineSimilarity>[2]>> {
  forward(x1: Tensor, x2: Tensor): Tensor {
    return tensor.cosineSimilarity(x1, x2, this.options)
  }
}

/** Distance of each row of x1 to the same row of x2. */
export class PairwiseDistance extends WithOptions<NonNullable<Parameters<typeof tensor.pairwiseDistance>[2]>> {
  forward(x1: Tensor, x2: Tensor): Tensor {
    return tensor.pairwiseDistance(x1, x2, this.options)
  }
}
