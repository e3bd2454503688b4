// Batch normalisation over axis 1, with running statistics for evaluation. https://arxiv.org/abs/1502.03167
import { ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import { batchNorm, noGrad, type Tensor } from '../../tensor/index.ts'
import { ChannelNorm, type ChannelNormOptions } from './channel-norm.ts'

export type BatchNormOptions = ChannelNormOptions

/** Batch normalisation over axis 1; subclasses say which ranks they take. */
abstract class BatchNorm extends ChannelNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super(numFeatures, options, { affine: true, trackRunningStats: true })
  }

  protected abstract readonly ranks: readonly number[]

  forward(x: Tensor): Tensor {
    if (!this.ranks.includes(x.ndim) || x.shape[1] !== this.numFeatures)
      throw new ShapeError(
        `${this.constructor.name}: expected x of ${this.ranks.join(' or ')} dimensions with ${this.numFeatures} channels ` +
          `in axis 1, got ${formatShape(x.shape)}.`,
        { shape: x.shape, numFeatures: this.numFeatures },
      )
    const training = this.training || this.runningMean === null
    return batchNorm(x, this.runningMean, this.runningVar, this.weight, this.bias, {
      training,
      momentum: training && this.runningMean ? this.#countBatch() : 0,
      eps: this.eps,
    })
  }

  /** Counts this batch, and gives its weight in the running statistics. */
  #countBatch(): number | Tensor {
    noGrad(() => this.numBatchesTracked?.add_(1))
    if (this.momentum !== null) return this.momentum
    return noGrad(() => this.numBatchesTracked!.to(this.runningMean!.dtype).reciprocal())
  }
}

/** x: [batch, features] or [batch, features, length] */
export class BatchNorm1d extends BatchNorm {
  protected get ranks(): readonly number[] {
    return [2, 3]
  }
}

/** x: [batch, channels, height, width] */
export class BatchNorm2d extends BatchNorm {
  protected get ranks(): readonly number[] {
    return [4]
  }
}

/** x: [batch, channels, depth, height, width] */
export class BatchNorm3d extends BatchNorm {
  protected get ranks(): readonly number[] {
    return [5]
  }
}
