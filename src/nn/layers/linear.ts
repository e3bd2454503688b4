// Linear: y = x W^T + b over the last axis, and Bilinear: y = x1 W x2 + b. https://docs.pytorch.org/docs/stable/nn.html#linear-layers
import type { DType } from '../../base/dtype.ts'
import { bilinear, linear, type Tensor, zeros } from '../../tensor/index.ts'
import { fanInUniform_ } from '../initialise.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'

export interface LinearOptions {
  readonly bias?: boolean
  readonly dtype?: DType
}

export class Linear extends Module {
  readonly inFeatures: number
  readonly outFeatures: number
  /** [outFeatures, inFeatures] */
  weight: Tensor
  /** [outFeatures] */
  bias: Tensor | null

  constructor(inFeatures: number, outFeatures: number, { bias = true, dtype = 'float32' }: LinearOptions = {}) {
    super()
    this.inFeatures = inFeatures
    this.outFeatures = outFeatures
    this.weight = parameter(zeros([outFeatures, inFeatures], { dtype }))
    this.bias = bias ? parameter(zeros([outFeatures], { dtype })) : null
    this.resetParameters()
  }

  resetParameters(): void {
    fanInUniform_(this.weight, this.inFeatures)
    if (this.bias) fanInUniform_(this.bias, this.inFeatures)
  }

  /** x: [..., inFeatures] to [..., outFeatures] */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias)
  }

  override extraRepr(): string {
    const { inFeatures, outFeatures } = this
    return describe({ inFeatures, outFeatures, bias: this.bias !== null })
  }
}

/** A form of two inputs: output o is x1 times matrix o of the weight times x2. */
export class Bilinear extends Module {
  readonly in1Features: number
  readonly in2Features: number
  readonly outFeatures: number
  /** [outFeatures, in1Features, in2Features] */
  weight: Tensor
  /** [outFeatures] */
  bias: Tensor | null

  constructor(
    in1Features: number,
    in2Features: number,
    outFeatures: number,
    { bias = true, dtype = 'float32' }: LinearOptions = {},
  ) {
    super()
    this.in1Features = in1Features
    this.in2Features = in2Features
    this.outFeatures = outFeatures
    this.weight = parameter(zeros([outFeatures, in1Features, in2Features], { dtype }))
    this.bias = bias ? parameter(zeros([outFeatures], { dtype })) : null
    this.resetParameters()
  }

  resetParameters(): void {
    fanInUniform_(this.weight, this.in1Features)
    if (this.bias) fanInUniform_(this.bias, this.in1Features)
  }

  /** x1 [..., in1Features] and x2 [..., in2Features] to [..., outFeatures] */
  forward(x1: Tensor, x2: Tensor): Tensor {
    return bilinear(x1, x2, this.weight, this.bias)
  }

  override extraRepr(): string {
    const { in1Features, in2Features, outFeatures } = this
    return describe({ in1Features, in2Features, outFeatures, bias: this.bias !== null })
  }
}
