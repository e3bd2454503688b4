// Layers that move elements and compute nothing, or resize: Identity, Flatten, Unflatten, PixelShuffle, Upsample, Unfold, Fold.
// https://docs.pytorch.org/docs/stable/nn.html#vision-layers
import type { Shape } from '../../base/shape.ts'
import {
  fold,
  type InterpolateOptions,
  interpolate,
  pixelShuffle,
  pixelUnshuffle,
  type Tensor,
  unfold,
} from '../../tensor/index.ts'
import { Module } from '../module.ts'
import { describe } from '../print-module.ts'
import type { PerAxis } from './convolution.ts'

export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x
  }
}

export class Flatten extends Module {
  readonly startDim: number
  readonly endDim: number

  constructor(startDim = 1, endDim = -1) {
    super()
    this.startDim = startDim
    this.endDim = endDim
  }

  forward(x: Tensor): Tensor {
    return x.flatten(this.startDim, this.endDim)
  }

  override extraRepr(): string {
    return describe({ startDim: this.startDim, endDim: this.endDim })
  }
}

/** Splits axis `dim` into axes of `unflattenedSize`. */
export class Unflatten extends Module {
  readonly dim: number
  readonly unflattenedSize: Shape

  constructor(dim: number, unflattenedSize: Shape) {
    super()
    this.dim = dim
    this.unflattenedSize = unflattenedSize
  }

  forward(x: Tensor): Tensor {
    return x.unflatten(this.dim, this.unflattenedSize)
  }

  override extraRepr(): string {
    return describe({ dim: this.dim, unflattenedSize: this.unflattenedSize })
  }
}

/** [..., channels r², height, width] to [..., channels, height r, width r] (https://arxiv.org/abs/1609.05158). */
export class PixelShuffle extends Module {
  readonly upscaleFactor: number

  constructor(upscaleFactor: number) {
    super()
    this.upscaleFactor = upscaleFactor
  }

  forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.upscaleFactor)
  }

  override extraRepr(): string {
    return describe({ upscaleFactor: this.upscaleFactor })
  }
}

export class PixelUnshuffle extends Module {
  readonly downscaleFactor: number

  constructor(downscaleFactor: number) {
    super()
    this.downscaleFactor = downscaleFactor
  }

  forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.downscaleFactor)
  }

  override extraRepr(): string {
    return describe({ downscaleFactor: this.downscaleFactor })
  }
}

/** Resizes the spatial axes to a size or by a factor. */
export class Upsample extends Module {
  readonly options: InterpolateOptions

  constructor(options: InterpolateOptions) {
    super()
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return interpolate(x, this.options)
  }

  override extraRepr(): string {
    return describe({ mode: 'nearest', ...this.options })
  }
}

export class UpsamplingNearest2d extends Upsample {
  constructor(options: Omit<InterpolateOptions, 'mode' | 'alignCorners'>) {
    super({ ...options, mode: 'nearest' })
  }
}

export class UpsamplingBilinear2d extends Upsample {
  constructor(options: Omit<InterpolateOptions, 'mode' | 'alignCorners'>) {
    super({ ...options, mode: 'bilinear', alignCorners: true })
  }
}

type BlockOptions = NonNullable<Parameters<typeof unfold>[2]>

/** Sliding blocks of images as columns. */
export class Unfold extends Module {
  readonly kernelSize: PerAxis
  readonly options: BlockOptions

  constructor(kernelSize: PerAxis, options: BlockOptions = {}) {
    super()
    this.kernelSize = kernelSize
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return unfold(x, this.kernelSize, this.options)
  }

  override extraRepr(): string {
    return describe({ kernelSize: this.kernelSize, ...this.options })
  }
}

/** Columns added up to images of `outputSize`. */
export class Fold extends Module {
  readonly outputSize: PerAxis
  readonly kernelSize: PerAxis
  readonly options: BlockOptions

  constructor(outputSize: PerAxis, kernelSize: PerAxis, options: BlockOptions = {}) {
    super()
    this.outputSize = outputSize
    this.kernelSize = kernelSize
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return fold(x, this.outputSize, this.kernelSize, this.options)
  }

  override extraRepr(): string {
    return describe({ outputSize: this.outputSize, kernelSize: this.kernelSize, ...this.options })
  }
}
