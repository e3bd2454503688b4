// Activations as modules. https://docs.pytorch.org/docs/stable/nn.html#non-linear-activations-weighted-sum-nonlinearity
import type { DType } from '../../base/dtype.ts'
import { full, gelu, type Tensor } from '../../tensor/index.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'

export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return x.relu()
  }
}

/** min(max(x, 0), 6) */
export class ReLU6 extends Module {
  forward(x: Tensor): Tensor {
    return x.relu6()
  }
}

export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return x.tanh()
  }
}

export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return x.sigmoid()
  }
}

export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return x.silu()
  }
}

export class Mish extends Module {
  forward(x: Tensor): Tensor {
    return x.mish()
  }
}

export class SELU extends Module {
  forward(x: Tensor): Tensor {
    return x.selu()
  }
}

export class Hardsigmoid extends Module {
  forward(x: Tensor): Tensor {
    return x.hardsigmoid()
  }
}

export class Hardswish extends Module {
  forward(x: Tensor): Tensor {
    return x.hardswish()
  }
}

export class Softsign extends Module {
  forward(x: Tensor): Tensor {
    return x.softsign()
  }
}

export class LogSigmoid extends Module {
  forward(x: Tensor): Tensor {
    return x.logSigmoid()
  }
}

/** x - tanh(x) */
export class Tanhshrink extends Module {
  forward(x: Tensor): Tensor {
    return x.tanhshrink()
  }
}

/** Softmax over the channels of [batch, channels, height, width]. */
export class Softmax2d extends Module {
  forward(x: Tensor): Tensor {
    return x.softmax(-3)
  }
}

export class GELU extends Module {
  readonly approximate: 'none' | 'tanh'

  constructor(options: { approximate?: 'none' | 'tanh' } = {}) {
    super()
    this.approximate = options.approximate ?? 'none'
  }

  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate })
  }

  override extraRepr(): string {
    return describe({ approximate: this.approximate })
  }
}

/** x above 0, alpha (exp(x) - 1) below. */
export class ELU extends Module {
  readonly alpha: number

  constructor(alpha = 1) {
    super()
    this.alpha = alpha
  }

  forward(x: Tensor): Tensor {
    return x.elu(this.alpha)
  }

  override extraRepr(): string {
    return describe({ alpha: this.alpha })
  }
}

/** ELU with a slope of 1 at 0 for every alpha. */
export class CELU extends Module {
  readonly alpha: number

  constructor(alpha = 1) {
    super()
    this.alpha = alpha
  }

  forward(x: Tensor): Tensor {
    return x.celu(this.alpha)
  }

  override extraRepr(): string {
    return describe({ alpha: this.alpha })
  }
}

export class LeakyReLU extends Module {
  readonly negativeSlope: number

  constructor(negativeSlope = 0.01) {
    super()
    this.negativeSlope = negativeSlope
  }

  forward(x: Tensor): Tensor {
    return x.leakyRelu(this.negativeSlope)
  }

  override extraRepr(): string {
    return describe({ negativeSlope: this.negativeSlope })
  }
}

export class Hardshrink extends Module {
  readonly lambda: number

  constructor(lambda = 0.5) {
    super()
    this.lambda = lambda
  }

  forward(x: Tensor): Tensor {
    return x.hardshrink(this.lambda)
  }

  override extraRepr(): string {
    return describe({ lambda: this.lambda })
  }
}

export class Softshrink extends Module {
  readonly lambda: number

  constructor(lambda = 0.5) {
    super()
    this.lambda = lambda
  }

  forward(x: Tensor): Tensor {
    return x.softshrink(this.lambda)
  }

  override extraRepr(): string {
    return describe({ lambda: this.lambda })
  }
}

export class Softmax extends Module {
  readonly dim: number

  constructor(dim: number) {
    super()
    this.dim = dim
  }

  forward(x: Tensor): Tensor {
    return x.softmax(this.dim)
  }

  override extraRepr(): string {
    return describe({ dim: this.dim })
  }
}

export class LogSoftmax extends Module {
  readonly dim: number

  constructor(dim: number) {
    super()
    this.dim = dim
  }

  forward(x: Tensor): Tensor {
    return x.logSoftmax(this.dim)
  }

  override extraRepr(): string {
    return describe({ dim: this.dim })
  }
}

/** Softmax of -x. */
export class Softmin extends Module {
  readonly dim: number

  constructor(dim: number) {
    super()
    this.dim = dim
  }

  forward(x: Tensor): Tensor {
    return x.softmin(this.dim)
  }

  override extraRepr(): string {
    return describe({ dim: this.dim })
  }
}

/** The first half of an axis times the sigmoid of the second. */
export class GLU extends Module {
  readonly dim: number

  constructor(dim = -1) {
    super()
    this.dim = dim
  }

  forward(x: Tensor): Tensor {
    return x.glu(this.dim)
  }

  override extraRepr(): string {
    return describe({ dim: this.dim })
  }
}

export class Hardtanh extends Module {
  readonly minVal: number
  readonly maxVal: number

  constructor(minVal = -1, maxVal = 1) {
    super()
    this.minVal = minVal
    this.maxVal = maxVal
  }

  forward(x: Tensor): Tensor {
    return x.hardtanh(this.minVal, this.maxVal)
  }

  override extraRepr(): string {
    return describe({ minVal: this.minVal, maxVal: this.maxVal })
  }
}

/** log(1 + exp(beta x)) / beta, and x itself where beta x is above the threshold. */
export class Softplus extends Module {
  readonly beta: number
  readonly threshold: number

  constructor(beta = 1, threshold = 20) {
    super()
    this.beta = beta
    this.threshold = threshold
  }

  forward(x: Tensor): Tensor {
    return x.softplus({ beta: this.beta, threshold: this.threshold })
  }

  override extraRepr(): string {
    return describe({ beta: this.beta, threshold: this.threshold })
  }
}

/** x above the threshold, else `value`. */
export class Threshold extends Module {
  readonly threshold: number
  readonly value: number

  constructor(threshold: number, value: number) {
    super()
    this.threshold = threshold
    this.value = value
  }

  forward(x: Tensor): Tensor {
    return x.threshold(this.threshold, this.value)
  }

  override extraRepr(): string {
    return describe({ threshold: this.threshold, value: this.value })
  }
}

/** x above 0, a learned slope times x below: one slope, or one for each channel. */
export class PReLU extends Module {
  readonly numParameters: number
  weight: Tensor

  constructor(
    numParameters = 1,
    { init = 0.25, dtype = 'float32' }: { readonly init?: number; readonly dtype?: DType } = {},
  ) {
    super()
    this.numParameters = numParameters
    this.weight = parameter(full([numParameters], init, { dtype }))
  }

  forward(x: Tensor): Tensor {
    return x.prelu(this.weight)
  }

  override extraRepr(): string {
    return describe({ numParameters: this.numParameters })
  }
}
