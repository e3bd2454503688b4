// Activations and other layers without parameters. https://docs.pytorch.org/docs/stable/nn.html

import { ArgumentError } from '../../base/errors.ts'
import { dropout, gelu, type Tensor } from '../../tensor/index.ts'
import { Module } from '../module.ts'
import { describe } from '../print-module.ts'

export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x
  }
}

export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return x.relu()
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
    const { startDim, endDim } = this
    return describe({ startDim, endDim })
  }
}

/** While training, sets each element to zero with probability p and scales the rest by 1 / (1 - p). */
export class Dropout extends Module {
  readonly p: number

  constructor(p = 0.5) {
    super()
    if (!(p >= 0 && p <= 1)) throw new ArgumentError(`Dropout: expected a probability from 0 to 1, got ${p}.`, { p })
    this.p = p
  }

  forward(x: Tensor): Tensor {
    return dropout(x, { p: this.p, training: this.training })
  }

  override extraRepr(): string {
    return describe({ p: this.p })
  }
}
