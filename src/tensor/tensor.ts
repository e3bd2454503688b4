// Tensor: the class users hold, the last of the chain of method families over TensorCore, with the way it prints.
import { registerTensor } from './core.ts'
import { DrawTensor } from './families/draws.ts'
import { formatTensor, summarizeTensor } from './print.ts'

/** An n-dimensional array on a device, with gradients: methods describe work, and `await x.item()`, `data()` or `toArray()` read it. */
export class Tensor extends DrawTensor {
  /** Values where the device can be read in place (as CPU devices can), else shape and dtype. */
  override toString(): string {
    const bytes = this.session.readNow(this.node)
    return bytes ? formatTensor(this, bytes) : summarizeTensor(this)
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

registerTensor(Tensor)
