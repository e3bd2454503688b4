// Pooling over the last two axes: MaxPool2d, AvgPool2d, AdaptiveAvgPool2d.
// https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
import { adaptiveAvgPool2d, avgPool2d, maxPool2d, type Tensor } from '../../tensor/index.ts'
import { Module } from '../module.ts'
import { describe } from '../print-module.ts'
import type { Pair } from './convolution.ts'

export interface MaxPool2dOptions {
  /** kernelSize unless given */
  readonly stride?: Pair
  readonly padding?: Pair
  readonly dilation?: Pair
  readonly ceilMode?: boolean
}

export class MaxPool2d extends Module {
  readonly kernelSize: Pair
  readonly options: MaxPool2dOptions

  constructor(kernelSize: Pair, options: MaxPool2dOptions = {}) {
    super()
    this.kernelSize = kernelSize
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernelSize, this.options)
  }

  override extraRepr(): string {
    return describe({ kernelSize: this.kernelSize, stride: this.kernelSize, ...this.options })
  }
}

export interface AvgPool2dOptions {
  /** kernelSize unless given */
  readonly stride?: Pair
  readonly padding?: Pair
  readonly ceilMode?: boolean
  readonly countIncludePad?: boolean
  readonly divisorOverride?: number
}

export class AvgPool2d extends Module {
  readonly kernelSize: Pair
  readonly options: AvgPool2dOptions

  constructor(kernelSize: Pair, options: AvgPool2dOptions = {}) {
    super()
    this.kernelSize = kernelSize
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options)
  }

  override extraRepr(): string {
    return describe({ kernelSize: this.kernelSize, stride: this.kernelSize, ...this.options })
  }
}

/** One size for both axes or one for each; null keeps the input's. */
export type AdaptiveSize = number | readonly [number | null, number | null]

export class AdaptiveAvgPool2d extends Module {
  readonly outputSize: AdaptiveSize

  constructor(outputSize: AdaptiveSize) {
    super()
    this.outputSize = outputSize
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize)
  }

  override extraRepr(): string {
    return describe({ outputSize: this.outputSize })
  }
}
