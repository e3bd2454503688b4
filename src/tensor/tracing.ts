// The tracer in charge while `compile` runs a function: it decides which node a tensor stands for, and hears of gradients and guards.
import type { Node } from '../graph/node.ts'
import type { Session } from '../runtime/session.ts'
import type { Storage } from '../runtime/storage.ts'
import type { TensorCore } from './core.ts'
import type { Tensor } from './tensor.ts'

export interface Tracer {
  readonly session: Session
  /** what a storage's value is called in the traced graph; `differentiates`: to a tensor that is the result of a recorded operation */
  nodeOf(storage: Storage, isGradLeaf: boolean, differentiates: boolean): Node
  beforeGradientRead(tensor: TensorCore, now: Tensor | null): void
  beforeGradientWrite(tensor: TensorCore, now: Tensor | null): void
  addGuard(read: () => unknown): void
}

let current: Tracer | undefined

export const tracer = (): Tracer | undefined => current

/** Runs `body` with `next` in charge. Only one function is traced at a time. */
export function withTracer<T>(next: Tracer, body: () => T): T {
  const before = current
  current = next
  next.session.isTracing = true
  try {
    return body()
  } finally {
    current = before
    next.session.isTracing = before?.session === next.session
  }
}

/**
 * While a function is being compiled: its program holds only as long as `read()` gives the same value (compared with Object.is), such as
 * the train flag of a module that it called. Does nothing otherwise.
 */
export function guard(read: () => unknown): void {
  current?.addGuard(read)
}
