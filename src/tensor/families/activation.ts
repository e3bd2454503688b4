// Methods that neural networks put between layers. Each is one composite with its own gradient.
import type { DType } from '../../base/dtype.ts'
import * as build from '../../graph/builders.ts'
import * as activations from '../../graph/composites/activations.ts'
import { relu } from '../../graph/composites/basics.ts'
import { logSoftmax, softmax } from '../../graph/composites/softmax.ts'
import { sigmoid } from '../../graph/composites/special.ts'
import type { Tensor } from '../tensor.ts'
import { ConversionTensor } from './conversion.ts'

export interface SoftmaxOptions {
  /** converts first */
  readonly dtype?: DType
}
export interface GeluOptions {
  /** 'tanh' for the formula of the first transformers */
  readonly approximate?: 'none' | 'tanh'
}

export abstract class ActivationTensor extends ConversionTensor {
  relu(): Tensor {
    return this.result(relu(this.node))
  }

  /** 1 / (1 + exp(-x)) */
  sigmoid(): Tensor {
    return this.result(sigmoid(this.node))
  }

  logSigmoid(): Tensor {
    return this.result(activations.logSigmoid(this.node))
  }

  /** x times its sigmoid */
  silu(): Tensor {
    return this.result(activations.silu(this.node))
  }

  gelu({ approximate = 'none' }: GeluOptions = {}): Tensor {
    return this.result(activations.gelu(this.node, approximate))
  }

  elu(alpha = 1): Tensor {
    return this.result(activations.elu(this.node, alpha))
  }

  selu(): Tensor {
    return this.result(activations.selu(this.node))
  }

  leakyRelu(negativeSlope = 0.01): Tensor {
    return this.result(activations.leakyRelu(this.node, negativeSlope))
  }

  /** log(1 + exp(beta x)) / beta; x itself above the threshold */
  softplus({ beta = 1, threshold = 20 }: { readonly beta?: number; readonly threshold?: number } = {}): Tensor {
    return this.result(activations.softplus(this.node, beta, threshold))
  }

  hardtanh(low = -1, high = 1): Tensor {
    return this.result(activations.hardtanh(this.node, low, high))
  }

  relu6(): Tensor {
    return this.result(activations.relu6(this.node))
  }

  hardsigmoid(): Tensor {
    return this.result(activations.hardsigmoid(this.node))
  }

  hardswish(): Tensor {
    return this.result(activations.hardswish(this.node))
  }

  mish(): Tensor {
    return this.result(activations.mish(this.node))
  }

  softsign(): Tensor {
    return this.result(activations.softsign(this.node))
  }

  /** exp(x) over its sum along `dim`. */
  softmax(dim: number, { dtype }: SoftmaxOptions = {}): Tensor {
    return this.result(softmax(build.castIfGiven(this.node, dtype), dim))
  }

  logSoftmax(dim: number, { dtype }: SoftmaxOptions = {}): Tensor {
    return this.result(logSoftmax(build.castIfGiven(this.node, dtype), dim))
  }
}
