// Tells the session which values of an outermost call are worth keeping: reading logits after the step must not run the model again.
import { Tensor } from '../tensor/index.ts'

/** Keeps every tensor in `result`: a tensor, an array of results, or a plain object of them. */
export function keepResult(result: unknown): void {
  if (result instanceof Tensor) result.session.keepResult(result.node)
  else if (Array.isArray(result)) result.forEach(keepResult)
  else if (result !== null && typeof result === 'object' && Object.getPrototypeOf(result) === Object.prototype)
    Object.values(result).forEach(keepResult)
}
