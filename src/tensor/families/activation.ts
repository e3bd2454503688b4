// Methods that neural networks put between layers. Each is one composite with its own gradient.
import type { DType } from '../../base/dtype.ts'
import { ArgumentError } from '../../base/errors.ts'
import * as build from '../../graph/builders.ts'
import * as activations from '../../graph/composites/activations.ts'
import { relu } from '../../graph/composites/basics.ts'
import { logSoftmax, softmax } from '../../graph/composites/softmax.ts'
import { sigmoid } from '../../graph/composites/special.ts'
import * as more from '../../graph/composites/threshold-activations.ts'
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

  celu(alpha = 1): Tensor {
    return this.result(more.celu(this.node, alpha))
  }

  /** x, and 0 from -lambda to lambda. */
  hardshrink(lambda = 0.5): Tensor {
    return this.result(more.hardshrink(this.node, lambda))
  }

  /** x moved towards 0 by lambda. */
  softshrink(lambda = 0.5): Tensor {
    if (!(lambda >= 0)) throw new ArgumentError(`softshrink: expected lambda from 0, got ${lambda}.`, { lambda })
    return this.result(more.softshrink(this.node, lambda))
  }

  /** x - tanh(x) */
  tanhshrink(): Tensor {
    return this.result(more.tanhshrink(this.node))
  }

  /** x above the threshold, else a value. */
  threshold(threshold: number, value: number): Tensor {
    return this.result(more.threshold(this.node, threshold, value))
  }

  /** The first half of an axis times the sigmoid of the second. */
  glu(dim = -1): Tensor {
    return this.result(more.glu(this.node, dim))
  }

  /** x above 0, weight times x below: one weight, or one a channel. */
  prelu(weight: Tensor): Tensor {
    return this.result(more.prelu(this.node, this.nodeOf('prelu', weight)), weight)
  }

  /** PyTorch's spelling of logSigmoid. */
  logsigmoid(): Tensor {
    return this.logSigmoid()
  }

  /** softmax of -x */
  softmin(dim: number, options: SoftmaxOptions = {}): Tensor {
    return this.neg().softmax(dim, options)
  }

  /** exp(x) over its sum along `dim`. */
  softmax(dim: number, { dtype }: SoftmaxOptions = {}): Tensor {
    return this.result(softmax(build.castIfGiven(this.node, dtype), dim))
  }

  logSoftmax(dim: number, { dtype }: SoftmaxOptions = {}): Tensor {
    return this.result(logSoftmax(build.castIfGiven(this.node, dtype), dim))
  }
}
