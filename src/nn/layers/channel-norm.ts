// What batch and instance norm hold: a learned scale and shift for each channel, and running statistics for evaluation.
import type { DType } from '../../base/dtype.ts'
import { ones, type Tensor, zeros } from '../../tensor/index.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'

export interface ChannelNormOptions {
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

/** Defaults differ between the norms. */
interface Defaults {
  readonly affine: boolean
  readonly trackRunningStats: boolean
}

export abstract class ChannelNorm extends Module {
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
  /** counted by batch norm; PyTorch's instance norm only keeps it for checkpoints */
  numBatchesTracked: Tensor | null

  constructor(numFeatures: number, options: ChannelNormOptions, defaults: Defaults) {
    super()
    const { eps = 1e-5, momentum = 0.1, bias = true, dtype = 'float32' } = options
    const { affine = defaults.affine, trackRunningStats = defaults.trackRunningStats } = options
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

  override extraRepr(): string {
    const { numFeatures, eps, momentum } = this
    const rest = { affine: this.weight !== null, trackRunningStats: this.runningMean !== null }
    return `${numFeatures}, ${describe({ eps, momentum, ...rest })}`
  }
}
