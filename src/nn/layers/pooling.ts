// Pooling over one, two or three axes: the largest element or the mean of windows, or of as many windows as the result shall have.
// https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
import * as tensor from '../../tensor/index.ts'
import { Module } from '../module.ts'
import { describe } from '../print-module.ts'
import type { PerAxis } from './convolution.ts'

type Tensor = tensor.Tensor

export interface MaxPoolOptions {
  /** kernelSize unless given */
  readonly stride?: PerAxis
  readonly padding?: PerAxis
  readonly dilation?: PerAxis
  readonly ceilMode?: boolean
  /** whether to return { values, indices }: also where each maximum stands */
  readonly returnIndices?: boolean
}

export interface AvgPoolOptions {
  /** kernelSize unless given */
  readonly stride?: PerAxis
  readonly padding?: PerAxis
  readonly ceilMode?: boolean
  /** whether zeros of the padding count in the mean */
  readonly countIncludePad?: boolean
  readonly divisorOverride?: number
}

/** Typed as the usual call, which gives a tensor: a layer in a Sequential must. */
const withoutIndices = (options: MaxPoolOptions) => options as Omit<MaxPoolOptions, 'returnIndices'>

/** One size for all axes or one for each; null keeps the input's. */
export type AdaptiveSize = number | null | readonly (number | null)[]

abstract class Pool<O extends { readonly stride?: PerAxis }> extends Module {
  readonly kernelSize: PerAxis
  readonly options: O

  constructor(kernelSize: PerAxis, options: O = {} as O) {
    super()
    this.kernelSize = kernelSize
    this.options = options
  }

  protected abstract pool(x: Tensor, kernelSize: PerAxis, options: O): Tensor

  forward(x: Tensor): Tensor {
    return this.pool(x, this.kernelSize, this.options)
  }

  override extraRepr(): string {
    return describe({ kernelSize: this.kernelSize, stride: this.kernelSize, ...this.options })
  }
}

/** x: [batch, channels, length] */
export class MaxPool1d extends Pool<MaxPoolOptions> {
  protected pool(x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions): Tensor {
    return tensor.maxPool1d(x, kernelSize, withoutIndices(options))
  }
}

/** x: [batch, channels, height, width] */
export class MaxPool2d extends Pool<MaxPoolOptions> {
  protected pool(x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions): Tensor {
    return tensor.maxPool2d(x, kernelSize, withoutIndices(options))
  }
}

/** x: [batch, channels, depth, height, width] */
export class MaxPool3d extends Pool<MaxPoolOptions> {
  protected pool(x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions): Tensor {
    return tensor.maxPool3d(x, kernelSize, withoutIndices(options))
  }
}

/** x: [batch, channels, length] */
export class AvgPool1d extends Pool<AvgPoolOptions> {
  protected pool(x: Tensor, kernelSize: PerAxis, options: AvgPoolOptions): Tensor {
    return tensor.avgPool1d(x, kernelSize, options)
  }
}

/** x: [batch, channels, height, width] */
export class AvgPool2d extends Pool<AvgPoolOptions> {
  protected pool(x: Tensor, kernelSize: PerAxis, options: AvgPoolOptions): Tensor {
    return tensor.avgPool2d(x, kernelSize, options)
  }
}

/** x: [batch, channels, depth, height, width] */
export class AvgPool3d extends Pool<AvgPoolOptions> {
  protected pool(x: Tensor, kernelSize: PerAxis, options: AvgPoolOptions): Tensor {
    return tensor.avgPool3d(x, kernelSize, options)
  }
}

abstract class AdaptivePool extends Module {
  readonly outputSize: AdaptiveSize

  constructor(outputSize: AdaptiveSize) {
    super()
    this.outputSize = outputSize
  }

  protected abstract pool(x: Tensor, outputSize: AdaptiveSize): Tensor

  forward(x: Tensor): Tensor {
    return this.pool(x, this.outputSize)
  }

  override extraRepr(): string {
    return describe({ outputSize: this.outputSize })
  }
}

export class AdaptiveAvgPool1d extends AdaptivePool {
  protected pool(x: Tensor, outputSize: AdaptiveSize): Tensor {
    return tensor.adaptiveAvgPool1d(x, outputSize)
  }
}

export class AdaptiveAvgPool2d extends AdaptivePool {
  protected pool(x: Tensor, outputSize: AdaptiveSize): Tensor {
    return tensor.adaptiveAvgPool2d(x, outputSize)
  }
}

export class AdaptiveAvgPool3d extends AdaptivePool {
  protected pool(x: Tensor, outputSize: AdaptiveSize): Tensor {
    return tensor.adaptiveAvgPool3d(x, outputSize)
  }
}

export class AdaptiveMaxPool1d extends AdaptivePool {
  protected pool(x: Tensor, outputSize: AdaptiveSize): Tensor {
    return tensor.adaptiveMaxPool1d(x, outputSize)
  }
}

export class AdaptiveMaxPool2d extends AdaptivePool {
  protected pool(x: Tensor, outputSize: AdaptiveSize): Tensor {
    return tensor.adaptiveMaxPool2d(x, outputSize)
  }
}

export class AdaptiveMaxPool3d extends AdaptivePool {
  protected pool(x: Tensor, outputSize: AdaptiveSize): Tensor {
    return tensor.adaptiveMaxPool3d(x, outputSize)
  }
}
