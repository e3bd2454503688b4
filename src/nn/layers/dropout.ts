// Dropout: while training, some elements or channels become zero. https://docs.pytorch.org/docs/stable/nn.html#dropout-layers
import { ArgumentError } from '../../base/errors.ts'
import { alphaDropout, dropout, dropout1d, dropout2d, dropout3d, type Tensor } from '../../tensor/index.ts'
import { Module } from '../module.ts'
import { describe } from '../print-module.ts'

abstract class DropoutModule extends Module {
  readonly p: number

  constructor(p = 0.5) {
    super()
    if (!(p >= 0 && p <= 1))
      throw new ArgumentError(`${this.constructor.name}: expected a probability from 0 to 1, got ${p}.`, { p })
    this.p = p
  }

  protected abstract readonly drop: typeof dropout

  forward(x: Tensor): Tensor {
    return this.drop(x, { p: this.p, training: this.training })
  }

  override extraRepr(): string {
    return describe({ p: this.p })
  }
}

/** Sets each element to zero with probability p and scales the rest by 1 / (1 - p). */
export class Dropout extends DropoutModule {
  protected get drop(): typeof dropout {
    return dropout
  }
}

/** Whole channels of x [batch, channels, length]. */
export class Dropout1d extends DropoutModule {
  protected get drop(): typeof dropout {
    return dropout1d
  }
}

/** Whole channels of x [batch, channels, height, width]. */
export class Dropout2d extends DropoutModule {
  protected get drop(): typeof dropout {
    return dropout2d
  }
}

/** Whole channels of x [batch, channels, depth, height, width]. */
export class Dropout3d extends DropoutModule {
  protected get drop(): typeof dropout {
    return dropout3d
  }
}

/** Keeps mean and variance of what SELU makes (https://arxiv.org/abs/1706.02515). */
export class AlphaDropout extends DropoutModule {
  protected get drop(): typeof dropout {
    return alphaDropout
  }
}
