// Normalisation of each sample by itself: layer, group, root-mean-square and instance norm.
// https://docs.pytorch.org/docs/stable/nn.html#normalization-layers
import type { DType } from '../../base/dtype.ts'
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape } from '../../base/shape.ts'
import { groupNorm, instanceNorm, layerNorm, ones, rmsNorm, type Tensor, zeros } from '../../tensor/index.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'
import { ChannelNorm, type ChannelNormOptions } from './channel-norm.ts'

export interface LayerNormOptions {
  readonly eps?: number
  readonly elementwiseAffine?: boolean
  readonly bias?: boolean
  readonly dtype?: DType
}

/** Normalises over the last axes, those of `normalizedShape`. */
export class LayerNorm extends Module {
  readonly normalizedShape: Shape
  readonly eps: number
  weight: Tensor | null
  bias: Tensor | null

  constructor(normalizedShape: number | Shape, options: LayerNormOptions = {}) {
    super()
    const { eps = 1e-5, elementwiseAffine = true, bias = true, dtype = 'float32' } = options
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape
    this.eps = eps
    this.weight = elementwiseAffine ? parameter(ones(this.normalizedShape, { dtype })) : null
    this.bias = elementwiseAffine && bias ? parameter(zeros(this.normalizedShape, { dtype })) : null
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, { eps: this.eps })
  }

  override extraRepr(): string {
    const { normalizedShape, eps } = this
    return `${formatShape(normalizedShape)}, ${describe({ eps, elementwiseAffine: this.weight !== null })}`
  }
}

/** Divides by the root mean square over the last axes, those of `normalizedShape` (https://arxiv.org/abs/1910.07467). */
export class RMSNorm extends Module {
  readonly normalizedShape: Shape
  /** the dtype's precision when null */
  readonly eps: number | null
  weight: Tensor | null

  constructor(
    normalizedShape: number | Shape,
    options: { readonly eps?: number | null; readonly elementwiseAffine?: boolean; readonly dtype?: DType } = {},
  ) {
    super()
    const { eps = null, elementwiseAffine = true, dtype = 'float32' } = options
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape
    this.eps = eps
    this.weight = elementwiseAffine ? parameter(ones(this.normalizedShape, { dtype })) : null
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.normalizedShape, this.weight, { eps: this.eps })
  }

  override extraRepr(): string {
    const { normalizedShape, eps } = this
    return `${formatShape(normalizedShape)}, ${describe({ eps, elementwiseAffine: this.weight !== null })}`
  }
}

export interface GroupNormOptions {
  readonly eps?: number
  readonly affine?: boolean
  /** false learns a scale only */
  readonly bias?: boolean
  readonly dtype?: DType
}

/** Normalises groups of channels (axis 1) of each sample (https://arxiv.org/abs/1803.08494). */
export class GroupNorm extends Module {
  readonly numGroups: number
  readonly numChannels: number
  readonly eps: number
  weight: Tensor | null
  bias: Tensor | null

  constructor(numGroups: number, numChannels: number, options: GroupNormOptions = {}) {
    super()
    const { eps = 1e-5, affine = true, bias = true, dtype = 'float32' } = options
    if (numChannels % numGroups !== 0)
      throw new ArgumentError(
        `GroupNorm: expected a number of groups that divides the ${numChannels} channels, got ${numGroups}.`,
        { numGroups, numChannels },
      )
    this.numGroups = numGroups
    this.numChannels = numChannels
    this.eps = eps
    this.weight = affine ? parameter(ones([numChannels], { dtype })) : null
    this.bias = affine && bias ? parameter(zeros([numChannels], { dtype })) : null
  }

  forward(x: Tensor): Tensor {
    return groupNorm(x, this.numGroups, this.weight, this.bias, { eps: this.eps })
  }

  override extraRepr(): string {
    const { numGroups, numChannels, eps } = this
    return `${numGroups}, ${numChannels}, ${describe({ eps, affine: this.weight !== null })}`
  }
}

export interface InstanceNormOptions extends ChannelNormOptions {
  readonly momentum?: number
}

/** Normalises each channel of each sample (https://arxiv.org/abs/1607.08022); subclasses say how many axes a channel has. */
abstract class InstanceNorm extends ChannelNorm {
  declare readonly momentum: number

  constructor(numFeatures: number, options: InstanceNormOptions = {}) {
    super(numFeatures, options, { affine: false, trackRunningStats: false })
  }

  /** axes of a channel */
  protected abstract readonly rank: number

  forward(x: Tensor): Tensor {
    const lead = x.ndim - this.rank
    if ((lead !== 1 && lead !== 2) || x.shape[lead - 1] !== this.numFeatures)
      throw new ShapeError(
        `${this.constructor.name}: expected x of ${this.rank + 2} dimensions, or ${this.rank + 1} without a batch, with ` +
          `${this.numFeatures} channels, got ${formatShape(x.shape)}.`,
        { shape: x.shape, numFeatures: this.numFeatures },
      )
    const useInputStats = this.training || this.runningMean === null
    const options = { useInputStats, momentum: this.momentum, eps: this.eps }
    const batch = lead === 1 ? x.unsqueeze(0) : x
    const result = instanceNorm(batch, this.runningMean, this.runningVar, this.weight, this.bias, options)
    return lead === 1 ? result.squeeze(0) : result
  }
}

/** x: [batch, channels, length] */
export class InstanceNorm1d extends InstanceNorm {
  protected get rank(): number {
    return 1
  }
}

/** x: [batch, channels, height, width] */
export class InstanceNorm2d extends InstanceNorm {
  protected get rank(): number {
    return 2
  }
}

/** x: [batch, channels, depth, height, width] */
export class InstanceNorm3d extends InstanceNorm {
  protected get rank(): number {
    return 3
  }
}
