// Padding layers: zeros, a constant, or what is there mirrored, repeated or wrapped around.
// https://docs.pytorch.org/docs/stable/nn.html#padding-layers
import { pad, type Tensor } from '../../tensor/index.ts'
import { Module } from '../module.ts'
import { describe } from '../print-module.ts'
import type { PerAxis } from './convolution.ts'

type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular'

/** Adds elements around the last axes; amounts in pairs from the last axis, or one number for all sides. */
abstract class Pad extends Module {
  readonly padding: readonly number[]
  readonly #mode: PadMode
  readonly #value: number

  constructor(rank: number, padding: PerAxis, mode: PadMode, value = 0) {
    super()
    this.padding = typeof padding === 'number' ? Array<number>(2 * rank).fill(padding) : padding
    this.#mode = mode
    this.#value = value
  }

  forward(x: Tensor): Tensor {
    return pad(x, this.padding, this.#mode, this.#value)
  }

  override extraRepr(): string {
    return describe({ padding: this.padding, value: this.#mode === 'constant' ? this.#value : undefined })
  }
}

export class ZeroPad1d extends Pad {
  constructor(padding: PerAxis) {
    super(1, padding, 'constant')
  }
}

export class ZeroPad2d extends Pad {
  constructor(padding: PerAxis) {
    super(2, padding, 'constant')
  }
}

export class ZeroPad3d extends Pad {
  constructor(padding: PerAxis) {
    super(3, padding, 'constant')
  }
}

export class ConstantPad1d extends Pad {
  constructor(padding: PerAxis, value: number) {
    super(1, padding, 'constant', value)
  }
}

export class ConstantPad2d extends Pad {
  constructor(padding: PerAxis, value: number) {
    super(2, padding, 'constant', value)
  }
}

export class ConstantPad3d extends Pad {
  constructor(padding: PerAxis, value: number) {
    super(3, padding, 'constant', value)
  }
}

export class ReflectionPad1d extends Pad {
  constructor(padding: PerAxis) {
    super(1, padding, 'reflect')
  }
}

export class ReflectionPad2d extends Pad {
  constructor(padding: PerAxis) {
    super(2, padding, 'reflect')
  }
}

export class ReflectionPad3d extends Pad {
  constructor(padding: PerAxis) {
    super(3, padding, 'reflect')
  }
}

export class ReplicationPad1d extends Pad {
  constructor(padding: PerAxis) {
    super(1, padding, 'replicate')
  }
}

export class ReplicationPad2d extends Pad {
  constructor(padding: PerAxis) {
    super(2, padding, 'replicate')
  }
}

export class ReplicationPad3d extends Pad {
  constructor(padding: PerAxis) {
    super(3, padding, 'replicate')
  }
}

export class CircularPad1d extends Pad {
  constructor(padding: PerAxis) {
    super(1, padding, 'circular')
  }
}

export class CircularPad2d extends Pad {
  constructor(padding: PerAxis) {
    super(2, padding, 'circular')
  }
}

export class CircularPad3d extends Pad {
  constructor(padding: PerAxis) {
    super(3, padding, 'circular')
  }
}
