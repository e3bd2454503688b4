// Grad mode: whether operations record how to differentiate them. `noGrad` turns it off for a synchronous function.
import { GradientError } from '../base/errors.ts'

let enabled = true

export const isGradEnabled = (): boolean => enabled

/** Runs `body` with gradients off (torch.no_grad). Results need no gradient. `body` must be synchronous: a Promise is refused. */
export const noGrad = <T>(body: () => T): T => withGradMode('noGrad', false, body)

/** Runs `body` with gradients on, inside noGrad too (torch.enable_grad). */
export const enableGrad = <T>(body: () => T): T => withGradMode('enableGrad', true, body)

function withGradMode<T>(name: string, mode: boolean, body: () => T): T {
  const before = enabled
  enabled = mode
  try {
    return refusePromise(name, body())
  } finally {
    enabled = before
  }
}

/** Traced functions are synchronous: after an await the mode would already have ended. */
export function refusePromise<T>(name: string, result: T): T {
  const { then } = (result ?? {}) as { then?: unknown }
  if (typeof then === 'function') {
    // its own failure, if any, is of no interest any more
    ;(result as PromiseLike<unknown>).then(undefined, () => {})
    throw new GradientError(
      `${name}: expected a synchronous function, got one that returns a Promise. ` +
        `Everything after its first await would run outside ${name}: await before or after it instead.`,
      { name },
    )
  }
  return result
}
