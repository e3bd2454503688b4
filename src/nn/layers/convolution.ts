// Convolutions over one, two or three axes, and their transposes; x is [batch, channels, …extents], or has no batch axis.
// https://docs.pytorch.org/docs/stable/nn.html#convolution-layers
import type { DType } from '../../base/dtype.ts'
import { ArgumentError } from '../../base/errors.ts'
import {
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  pad,
  type Tensor,
  zeros,
} from '../../tensor/index.ts'
import { fanInUniform_, fansOf } from '../initialise.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'

/** One number for all axes, or one for each. */
export type PerAxis = number | readonly number[]

interface SharedOptions {
  readonly stride?: PerAxis
  readonly dilation?: PerAxis
  readonly groups?: number
  readonly bias?: boolean
  readonly dtype?: DType
}

export interface ConvOptions extends SharedOptions {
  /** added on both sides; 'same' keeps the extents (stride 1), 'valid' adds nothing */
  readonly padding?: PerAxis | 'same' | 'valid'
  /** what is added */
  readonly paddingMode?: 'zeros' | 'reflect' | 'replicate' | 'circular'
}

export interface ConvTransposeOptions extends SharedOptions {
  readonly padding?: PerAxis
  /** elements added at the end of each axis, to tell apart extents that a stride maps to one */
  readonly outputPadding?: PerAxis
}

const eachAxis = (value: PerAxis, rank: number): readonly number[] =>
  typeof value === 'number' ? Array<number>(rank).fill(value) : value

/** What convolutions and their transposes have in common: sizes, weight and bias. */
abstract class ConvolutionBase extends Module {
  readonly inChannels: number
  readonly outChannels: number
  readonly kernelSize: readonly number[]
  readonly stride: PerAxis
  readonly dilation: PerAxis
  readonly groups: number
  /** [outChannels, inChannels / groups, …kernelSize]; of a transpose the channels are the other way round */
  weight: Tensor
  /** [outChannels] */
  bias: Tensor | null

  constructor(
    channels: readonly [number, number],
    kernelSize: readonly number[],
    options: SharedOptions,
    flips: boolean,
  ) {
    super()
    const { stride = 1, dilation = 1, groups = 1, bias = true, dtype = 'float32' } = options
    const [inChannels, outChannels] = channels
    if (inChannels % groups !== 0 || outChannels % groups !== 0)
      throw new ArgumentError(
        `${this.constructor.name}: expected channels that ${groups} groups divide, got ${inChannels} in and ${outChannels} out.`,
        { inChannels, outChannels, groups },
      )
    this.inChannels = inChannels
    this.outChannels = outChannels
    this.kernelSize = kernelSize
    this.stride = stride
    this.dilation = dilation
    this.groups = groups
    const [first, second] = flips ? [inChannels, outChannels] : [outChannels, inChannels]
    this.weight = parameter(zeros([first, second / groups, ...kernelSize], { dtype }))
    this.bias = bias ? parameter(zeros([outChannels], { dtype })) : null
    this.resetParameters()
  }

  resetParameters(): void {
    const { fanIn } = fansOf(this.weight.shape)
    fanInUniform_(this.weight, fanIn)
    if (this.bias) fanInUniform_(this.bias, fanIn)
  }

  /** What the subclass adds to what is printed. */
  protected abstract get extras(): Readonly<Record<string, unknown>>

  override extraRepr(): string {
    const { stride, dilation, groups, kernelSize } = this
    const rest = { dilation: dilation === 1 ? undefined : dilation, groups: groups === 1 ? undefined : groups }
    const fields = { kernelSize, stride, ...this.extras, ...rest, bias: this.bias ? undefined : false }
    return `${this.inChannels}, ${this.outChannels}, ${describe(fields)}`
  }
}

abstract class Convolution extends ConvolutionBase {
  readonly padding: PerAxis | 'same' | 'valid'
  readonly paddingMode: NonNullable<ConvOptions['paddingMode']>

  constructor(rank: number, inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvOptions) {
    super([inChannels, outChannels], eachAxis(kernelSize, rank), options, false)
    this.padding = options.padding ?? 0
    this.paddingMode = options.paddingMode ?? 'zeros'
  }

  protected abstract readonly convolve: typeof conv2d

  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this
    const rest = { stride, dilation, groups }
    if (this.paddingMode === 'zeros') return this.convolve(x, this.weight, this.bias, { ...rest, padding })
    return this.convolve(pad(x, this.#amounts(), this.paddingMode), this.weight, this.bias, rest)
  }

  /** Before and after each axis, last axis first, as `pad` takes them. */
  #amounts(): number[] {
    const { padding, kernelSize } = this
    if (padding === 'valid') return kernelSize.flatMap(() => [0, 0])
    const dilation = eachAxis(this.dilation, kernelSize.length)
    const amounts = kernelSize.map((size, axis) => {
      if (padding !== 'same')
        return [eachAxis(padding, kernelSize.length)[axis], eachAxis(padding, kernelSize.length)[axis]]
      const total = dilation[axis] * (size - 1)
      return [Math.floor(total / 2), Math.ceil(total / 2)]
    })
    return amounts.reverse().flat()
  }

  protected get extras(): Readonly<Record<string, unknown>> {
    const { padding, paddingMode } = this
    return {
      padding: padding === 0 ? undefined : padding,
      paddingMode: paddingMode === 'zeros' ? undefined : paddingMode,
    }
  }
}

/** x: [batch, inChannels, length] */
export class Conv1d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options)
  }

  protected get convolve(): typeof conv2d {
    return conv1d
  }
}

/** x: [batch, inChannels, height, width] */
export class Conv2d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options)
  }

  protected get convolve(): typeof conv2d {
    return conv2d
  }
}

/** x: [batch, inChannels, depth, height, width] */
export class Conv3d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options)
  }

  protected get convolve(): typeof conv2d {
    return conv3d
  }
}

abstract class TransposedConvolution extends ConvolutionBase {
  readonly padding: PerAxis
  readonly outputPadding: PerAxis

  constructor(
    rank: number,
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvTransposeOptions,
  ) {
    super([inChannels, outChannels], eachAxis(kernelSize, rank), options, true)
    this.padding = options.padding ?? 0
    this.outputPadding = options.outputPadding ?? 0
  }

  protected abstract readonly convolve: typeof convTranspose2d

  forward(x: Tensor): Tensor {
    const { stride, padding, outputPadding, dilation, groups } = this
    return this.convolve(x, this.weight, this.bias, { stride, padding, outputPadding, dilation, groups })
  }

  protected get extras(): Readonly<Record<string, unknown>> {
    const { padding, outputPadding } = this
    return {
      padding: padding === 0 ? undefined : padding,
      outputPadding: outputPadding === 0 ? undefined : outputPadding,
    }
  }
}

/** x: [batch, inChannels, length]; the gradient of Conv1d with respect to its input. */
export class ConvTranspose1d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options)
  }

  protected get convolve(): typeof convTranspose2d {
    return convTranspose1d
  }
}

/** x: [batch, inChannels, height, width]; the gradient of Conv2d with respect to its input. */
export class ConvTranspose2d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options)
  }

  protected get convolve(): typeof convTranspose2d {
    return convTranspose2d
  }
}

/** x: [batch, inChannels, depth, height, width]; the gradient of Conv3d with respect to its input. */
export class ConvTranspose3d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options)
  }

  protected get convolve(): typeof convTranspose2d {
    return convTranspose3d
  }
}
