// Batch normalisation over axis 1, with running statistics for evaluation. https://arxiv.org/abs/1502.03167
import type { DType } from '../../base/dtype.ts'
import { ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import { batchNorm, noGrad, ones, type Tensor, zeros } from '../../tensor/index.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'

export interface BatchNormOptions {
  readonly eps?: number
  /** weight of the newest batch in the running statistics; null averages over all batches */
  readonly momentum?: number | null
  /** whether to learn a scale and a shift */
  readonly affine?: boolean
  /** false learns a scale only */
  readonly bias?: boolean
  readonly trackRunningStats?: boolean
  readonly dtype?: DType
}

/** Batch normalisation over axis 1; subclasses say which ranks they take. */
abstract class BatchNorm extends Module {
  static override readonly stateNames = {
    runningMean: 'running_mean',
    runningVar: 'running_var',
    numBatchesTracked: 'num_batches_tracked',
  }

  readonly numFeatures: number
  readonly eps: number
  readonly momentum: number | null
  weight: Tensor | null
  bias: Tensor | null
  runningMean: Tensor | null
  runningVar: Tensor | null
  numBatchesTracked: Tensor | null

  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super()
    const { eps = 1e-5, momentum = 0.1, affine = true, bias = true } = options
    const { trackRunningStats = true, dtype = 'float32' } = options
    const shape = [numFeatures]
    this.numFeatures = numFeatures
    this.eps = eps
    this.momentum = momentum
    this.weight = affine ? parameter(ones(shape, { dtype })) : null
    this.bias = affine && bias ? parameter(zeros(shape, { dtype })) : null
    this.runningMean = this.registerBuffer('runningMean', trackRunningStats ? zeros(shape, { dtype }) : null)
    this.runningVar = this.registerBuffer('runningVar', trackRunningStats ? ones(shape, { dtype }) : null)
    this.numBatchesTracked = this.registerBuffer(
      'numBatchesTracked',
      trackRunningStats ? zeros([], { dtype: 'int64' }) : null,
    )
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

  override extraRepr(): string {
    const { eps, momentum } = this
    return `${this.numFeatures}, ${describe({ eps, momentum, affine: this.weight !== null, trackRunningStats: this.runningMean !== null })}`
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
