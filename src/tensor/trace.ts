// A trace: a function runs once without computing anything; what it read, wrote and returned comes out, and all is as before.
import { CompileError, GradientError } from '../base/errors.ts'
import type { Node } from '../graph/node.ts'
import { keyGraph } from '../runtime/graph-key.ts'
import type { Session } from '../runtime/session.ts'
import type { Storage } from '../runtime/storage.ts'
import { newStorageId, type StoredValue, storedValueOf } from '../runtime/stored-value.ts'
import { autocastDType } from './autocast.ts'
import { type Arguments, argumentsFor } from './compile-arguments.ts'
import type { TensorCore } from './core.ts'
import { isGradEnabled, refusePromise } from './grad-mode.ts'
import { type Skeleton, takeApart } from './structure.ts'
import type { Tensor } from './tensor.ts'
import { type Tracer, withTracer } from './tracing.ts'

/** Where a leaf of the program finds its value at each call. */
export type Source =
  | { readonly kind: 'argument'; readonly index: number }
  | { readonly kind: 'gradient'; readonly of: TensorCore }
  | { readonly kind: 'storage'; readonly storage: Storage }
  | { readonly kind: 'value'; readonly value: StoredValue }

export interface GradientUse {
  readonly of: TensorCore
  readonly before: Tensor | null
  /** whether the function looked at it before it set it */
  readonly isRead: boolean
}

export interface GradientChange extends GradientUse {
  readonly after: Tensor | null
  /** undefined when `after` was there before the trace */
  readonly node: Node | undefined
}

export interface Guard {
  readonly read: () => unknown
  readonly value: unknown
}

/** What a function did, as graph. */
export interface Traced {
  readonly writes: readonly { readonly storage: Storage; readonly node: Node }[]
  readonly gradients: readonly GradientChange[]
  readonly skeleton: Skeleton
  readonly results: readonly { readonly tensor: Tensor; readonly node: Node; readonly isNew: boolean }[]
}

/** Numbers of the storages that a trace made, ends excluded. */
export interface StorageRange {
  readonly first: number
  last: number
}

const isIn = ({ first, last }: StorageRange, { id }: Storage): boolean => id > first && id < last

export class Trace implements Tracer {
  readonly session: Session
  readonly guards: Guard[] = []
  readonly #arguments: Arguments
  /** storages made meanwhile belong to the trace */
  readonly made: StorageRange = { first: newStorageId(), last: Number.POSITIVE_INFINITY }
  readonly #earlier: readonly StorageRange[]
  readonly #leaves = new Map<Storage, StoredValue>()
  readonly #gradients = new Map<TensorCore, GradientUse>()

  constructor(args: Arguments, earlier: readonly StorageRange[]) {
    this.session = args.session
    this.#earlier = earlier
    this.#arguments = args
    this.addGuard(isGradEnabled)
    this.addGuard(autocastDType)
  }

  run(fn: (...args: never[]) => unknown): Traced {
    try {
      return withTracer(this, () =>
        this.#collect(refusePromise('compile', fn(...(argumentsFor(this.#arguments) as never[])))),
      )
    } finally {
      this.made.last = newStorageId()
      this.session.rollBackPending()
      for (const { of, before } of this.#gradients.values()) of.grad = before as Tensor
    }
  }

  // --- what the function does -------------------------------------------------------------------------------------------

  nodeOf(storage: Storage, isGradLeaf: boolean, differentiates: boolean): Node {
    if (this.isNew(storage) || this.session.effects.has(storage))
      return isGradLeaf ? storage.becomeLeaf().node : storage.node
    let leaf = this.#leaves.get(storage)
    if (leaf === undefined) {
      leaf = this.#capture(storage, differentiates)
      this.#leaves.set(storage, leaf)
    }
    return leaf.node
  }

  /** Storages from outside that the function read. */
  get captured(): Iterable<Storage> {
    return this.#leaves.keys()
  }

  isNew(storage: Storage): boolean {
    return isIn(this.made, storage)
  }

  /** The leaf that a storage from outside is in the graph. */
  leafOf(storage: Storage): Node {
    return (this.#leaves.get(storage) ?? storage.becomeLeaf()).node
  }

  /** A storage that an earlier trace computed from what it was given; what it made of constants is state that starts there. */
  #isLeftBehind(storage: Storage): boolean {
    if (storage.leaf?.isReady || !this.#earlier.some((range) => isIn(range, storage))) return false
    return keyGraph([storage.node]).leaves.length > 0
  }

  #capture(storage: Storage, differentiates: boolean): StoredValue {
    if (differentiates && !storage.leafTensor && !storage.node.isSpent) refuseHistory()
    if (this.#isLeftBehind(storage)) refuseCarried()
    this.addGuard(() => storage.leafTensor)
    const cutsHistory = storage.needsHistory && !storage.leafTensor
    const leaf = storage.becomeLeaf()
    leaf.node.isSpent ||= cutsHistory
    return leaf
  }

  beforeGradientRead(tensor: TensorCore, now: Tensor | null): void {
    this.#noteGradient(tensor, now, true)
  }

  beforeGradientWrite(tensor: TensorCore, now: Tensor | null): void {
    this.#noteGradient(tensor, now, false)
  }

  #noteGradient(of: TensorCore, before: Tensor | null, isRead: boolean): void {
    if (this.isNew(of.storage) || this.#gradients.has(of)) return
    this.#gradients.set(of, { of, before, isRead })
    if (isRead) this.addGuard(() => of.grad !== null)
  }

  addGuard(read: () => unknown): void {
    this.guards.push({ read, value: read() })
  }

  // --- what is left of it -----------------------------------------------------------------------------------------------

  #collect(result: unknown): Traced {
    const { skeleton, tensors } = takeApart(result)
    const results = tensors.map((tensor) => {
      if (tensor.session !== this.session)
        throw new CompileError(`compile: expected results on ${this.session.device.name}, got one on ${tensor.device}.`)
      return { tensor, node: tensor.node, isNew: this.isNew(tensor.storage) }
    })
    const written = [...this.session.effects].filter((storage) => !this.isNew(storage))
    this.#refuseWritesToViews(written)
    const writes = written.map((storage) => ({ storage, node: storage.node }))
    const gradients = Array.from(this.#gradients.values(), (use): GradientChange => {
      const after = use.of.grad
      return { ...use, after, node: after && this.isNew(after.storage) ? after.node : undefined }
    })
    return { writes, gradients, skeleton, results }
  }

  #refuseWritesToViews(written: readonly Storage[]): void {
    const { given, storages } = this.#arguments
    if (given.some(({ viewSteps }, i) => viewSteps.length > 0 && written.includes(storages[i])))
      throw new GradientError(
        'compile: expected writes to whole tensors, got one to an argument that is a view. Pass the tensor that it is a view of.',
      )
  }

  /** Where to find a leaf's value when the program runs again. */
  sourceOf(leaf: Node): Source {
    const value = storedValueOf(leaf)!
    const storage = value.owner as Storage | undefined
    if (storage === undefined) return { kind: 'value', value }
    const index = this.#arguments.storages.indexOf(storage)
    if (index >= 0) return { kind: 'argument', index }
    for (const { of, before, isRead } of this.#gradients.values())
      if (isRead && before?.storage === storage) return { kind: 'gradient', of }
    return { kind: 'storage', storage }
  }
}

/** A value that one call leaves for the next in a variable would never change, because replays run no JavaScript. */
function refuseCarried(): never {
  throw new GradientError(
    'compile: expected state to be updated in place, got a tensor that an earlier call computed and left in a variable. ' +
      'Later calls run no JavaScript: keep a tensor outside, and inside write state.copy_(value).',
  )
}

function refuseHistory(): never {
  throw new GradientError(
    'compile: expected tensors from outside to be leaves or not to require grad, got the result of a differentiable operation. ' +
      'Compute it inside the compiled function, or detach() it.',
  )
}
