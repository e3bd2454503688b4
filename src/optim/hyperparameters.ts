// Numbers that a schedule may change while programs that use them stay compiled: each lives in a tensor without dimensions, and
// setting it writes that tensor from the host.
import type { DType } from '../base/dtype.ts'
import { type Tensor, tensor } from '../tensor/index.ts'

/** One number on the host and the same number on the device. */
export class Slot {
  readonly tensor: Tensor
  #value: number

  constructor(value: number, dtype: DType, device: string) {
    this.#value = value
    this.tensor = tensor(value, { dtype, device })
  }

  get value(): number {
    return this.#value
  }

  set value(next: number) {
    if (Object.is(next, this.#value)) return
    this.#value = next
    // written by the host, not as a constant of the graph: another number must not be another program
    this.tensor.copyFrom([next])
  }
}
