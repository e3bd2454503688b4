// Linear: y = x W^T + b over the last axis. https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html
import type { DType } from '../../base/dtype.ts'
import { linear, type Tensor, zeros } from '../../tensor/index.ts'
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
