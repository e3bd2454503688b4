// Tells the session which values of an outermost call are worth keeping: reading logits after the step must not run the model again.
import { Tensor } from '../tensor/index.ts'

let callDepth = 0

/** Runs `call`, the inside of a module; of outermost calls, what comes out is kept. */
export function keepingResult<T>(call: () => T): T {
  callDepth++
  let result: T
  try {
    result = call()
  } finally {
    callDepth--
  }
  if (callDepth === 0) keepResult(result)
  return result
}

/** Runs `body`, whose modules' results nobody will read. */
export function withoutKeeping<T>(body: () => T): T {
  callDepth++
  try {
    return body()
  } finally {
    callDepth--
  }
}

/** Keeps every tensor in `result`: a tensor, an array of results, or a plain object of them. */
function keepResult(result: unknown): void {
  if (result instanceof Tensor) result.session.keepResult(result.node)
  else if (Array.isArray(result)) result.forEach(keepResult)
  else if (result !== null && typeof result === 'object' && Object.getPrototypeOf(result) === Object.prototype)
    Object.values(result).forEach(keepResult)
}
