// Methods that draw by a tensor's values, or fill it with random numbers in place (torch.Tensor.uniform_ and its like).
import { isFloat } from '../../base/dtype.ts'
import { DTypeError } from '../../base/errors.ts'
import { multinomial } from '../functions/sampling.ts'
import { bernoulli, exponential, type Generator, normal, type RandomOptions, randint, uniform } from '../random.ts'
import type { Tensor } from '../tensor.ts'
import { CountingTensor } from './counting.ts'

export interface DrawOptions {
  readonly generator?: Generator
}

/** Integers are drawn so that float32 holds each. */
const mostInteger = 2 ** 24

export abstract class DrawTensor extends CountingTensor {
  #like(op: string, { generator }: DrawOptions): RandomOptions {
    if (!isFloat(this.dtype))
      throw new DTypeError(`${op}: expected a float dtype, got ${this.dtype}.`, { op, dtype: this.dtype })
    return { dtype: this.dtype, device: this.device, ...(generator && { generator }) }
  }

  /** 1 with the probability that each element is, else 0. */
  bernoulli(options: DrawOptions = {}): Tensor {
    return bernoulli(this as unknown as Tensor, options)
  }

  /** Categories (int64) drawn in proportion to the weights of each row, which need not add up to 1. */
  multinomial(numSamples: number, replacement = false, options: DrawOptions = {}): Tensor {
    return multinomial(this as unknown as Tensor, numSamples, replacement, options)
  }

  /** Evenly from [low, high). */
  uniform_(low = 0, high = 1, options: DrawOptions = {}): this {
    return this.copy_(uniform(low, high, this.shape, this.#like('uniform_', options)))
  }

  normal_(mean = 0, std = 1, options: DrawOptions = {}): this {
    return this.copy_(normal(mean, std, this.shape, this.#like('normal_', options)))
  }

  exponential_(rate = 1, options: DrawOptions = {}): this {
    return this.copy_(exponential(rate, this.shape, this.#like('exponential_', options)))
  }

  /** 1 with probability p, else 0. */
  bernoulli_(p: number | Tensor = 0.5, { generator }: DrawOptions = {}): this {
    const self = this as unknown as Tensor
    const options = generator && { generator }
    return this.copy_(
      typeof p === 'number' ? bernoulli(self, { p, ...options }) : bernoulli(p.expand(this.shape), options),
    )
  }

  /** Whole numbers from `from` to `to - 1`. */
  random_(from = 0, to = mostInteger, { generator }: DrawOptions = {}): this {
    return this.copy_(randint(from, to, this.shape, { device: this.device, ...(generator && { generator }) }))
  }
}
