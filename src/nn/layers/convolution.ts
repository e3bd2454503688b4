// Conv2d: cross-correlation over images [batch, channels, height, width], or without the batch axis.
// https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
import type { DType } from '../../base/dtype.ts'
import { ArgumentError } from '../../base/errors.ts'
import { conv2d, type Tensor, zeros } from '../../tensor/index.ts'
import { fanInUniform_, fansOf } from '../initialise.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'

/** One number for both axes, or [height, width]. */
export type Pair = number | readonly [number, number]

export const pairOf = (value: Pair): readonly [number, number] => (typeof value === 'number' ? [value, value] : value)

export interface Conv2dOptions {
  readonly stride?: Pair
  readonly padding?: Pair | 'same' | 'valid'
  readonly dilation?: Pair
  readonly groups?: number
  readonly bias?: boolean
  readonly dtype?: DType
}

export class Conv2d extends Module {
  readonly inChannels: number
  readonly outChannels: number
  readonly kernelSize: readonly [number, number]
  readonly stride: Pair
  readonly padding: Pair | 'same' | 'valid'
  readonly dilation: Pair
  readonly groups: number
  /** [outChannels, inChannels / groups, height, width] */
  weight: Tensor
  /** [outChannels] */
  bias: Tensor | null

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dOptions = {}) {
    super()
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, dtype = 'float32' } = options
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw new ArgumentError(
        `Conv2d: expected channels that ${groups} groups divide, got ${inChannels} in and ${outChannels} out.`,
        { inChannels, outChannels, groups },
      )
    this.inChannels = inChannels
    this.outChannels = outChannels
    this.kernelSize = pairOf(kernelSize)
    this.stride = stride
    this.padding = padding
    this.dilation = dilation
    this.groups = groups
    this.weight = parameter(zeros([outChannels, inChannels / groups, ...this.kernelSize], { dtype }))
    this.bias = bias ? parameter(zeros([outChannels], { dtype })) : null
    this.resetParameters()
  }

  resetParameters(): void {
    const { fanIn } = fansOf(this.weight.shape)
    fanInUniform_(this.weight, fanIn)
    if (this.bias) fanInUniform_(this.bias, fanIn)
  }

  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this
    return conv2d(x, this.weight, this.bias, { stride, padding, dilation, groups })
  }

  override extraRepr(): string {
    const { stride, padding, dilation, groups, kernelSize } = this
    const rest = { kernelSize, stride, padding: padding === 0 ? undefined : padding }
    const more = { dilation: dilation === 1 ? undefined : dilation, groups: groups === 1 ? undefined : groups }
    return `${this.inChannels}, ${this.outChannels}, ${describe({ ...rest, ...more, bias: this.bias ? undefined : false })}`
  }
}
