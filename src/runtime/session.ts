// A session: everything pending on one device. It turns wanted nodes and pending effects into one program, runs it, and keeps the values.
import { bytesOf, type DType } from '../base/dtype.ts'
import { GradientError } from '../base/errors.ts'
import { type Shape, sizeOf } from '../base/shape.ts'
import type { Node } from '../graph/node.ts'
import type { Bindings, Device, DeviceBuffer, Program } from './device.ts'
import { EventLoopFeed } from './event-loop.ts'
import { type KeyedGraph, keyGraph } from './graph-key.ts'
import { Journal } from './journal.ts'
import { literalBuffers } from './literals.ts'
import { PendingWork, type Work } from './pending-work.ts'
import { noteRecomputed, ProgramCache } from './program-cache.ts'
import type { Storage } from './storage.ts'
import { Holding, newStorageId, StoredValue, storedValueOf } from './stored-value.ts'

/** A step may run ahead of the device by this many programs. */
const flightLimit = 2

interface Sized {
  readonly shape: Shape
  readonly dtype: DType
}

const bytesIn = ({ shape, dtype }: Sized): number => sizeOf(shape) * bytesOf(dtype)

const isKnown = (node: Node): boolean => storedValueOf(node)?.isReady ?? false

export class Session {
  readonly device: Device
  readonly programs: ProgramCache
  readonly #feed: EventLoopFeed
  readonly #pending = new PendingWork()
  readonly #journal = new Journal()
  /** values whose buffers are being read: nothing else may hold them */
  readonly #reading = new Set<StoredValue>()
  /** while a function is traced nothing is submitted, and nothing is kept */
  isTracing = false

  constructor(device: Device) {
    this.device = device
    this.programs = new ProgramCache(device)
    this.#feed = new EventLoopFeed(device)
  }

  // --- what is pending --------------------------------------------------------------------------------------------------

  addEffect(storage: Storage): void {
    this.#pending.addEffect(storage)
    if (this.#pending.isFull && !this.isTracing) this.submit()
  }

  /** Storages written since the last submission. */
  get effects(): ReadonlySet<Storage> {
    return this.#pending.effects
  }

  /** The next submission computes this node: what it is computed from may be overwritten later. */
  keep(node: Node): void {
    if (this.isTracing || isKnown(node)) return
    this.#pending.addCopy(node)
    if (this.#pending.isFull) this.submit()
  }

  /** The next submission computes this node, since someone is likely to read it afterwards; unless too many like it come first. */
  keepResult(node: Node): void {
    if (!this.isTracing && !isKnown(node)) this.#pending.addResult(node)
  }

  /** The next submission computes this gradient, if it is still somebody's by then. */
  keepGradient(node: Node, isLive: () => boolean): void {
    if (!this.isTracing && !isKnown(node)) this.#pending.addGradient(node, isLive)
  }

  /** Whether an earlier backward left gradients that no submission has computed. */
  hasPendingGradient(): boolean {
    return this.#pending.hasGradients
  }

  /** Forgets what is pending and takes pending writes back. */
  rollBackPending(): void {
    this.#pending.rollBack()
  }

  /** Sets a storage from the host without a program: ordered behind everything submitted. */
  hostWrite(storage: Storage, bytes: Uint8Array): void {
    if (this.isTracing)
      throw new GradientError(
        'copyFrom: expected no writes from the host inside compile(), got one, which only the first call would make. ' +
          'Set values (learning rates, seeds, batches) before the call, or pass them as tensors.',
      )
    const buffer = this.device.allocate(bytes.length)
    this.device.write(buffer, bytes)
    storage.replace(buffer)
  }

  /**
   * Gives back the memory of a value that nobody is going to read, sooner than the collector would: what is allocated next finds it warm. Who
   * reads it after all computes it again.
   */
  discard(node: Node): void {
    const value = node.op === 'buffer' ? undefined : storedValueOf(node)
    if (!value?.isReady || this.#reading.has(value)) return
    value.buffer.release()
    value.drop()
    node.value = undefined
    this.#feed.noteRelease(bytesIn(node))
  }

  // --- submission -------------------------------------------------------------------------------------------------------

  /** Runs all pending effects, kept nodes and `roots` as one program. */
  submit(roots: readonly Node[] = []): void {
    this.checkFailure()
    const work = this.#pending.take(roots)
    if (work.effects.length + work.wanted.length === 0) return
    try {
      this.#run(work)
    } catch (error) {
      // a root that cannot be computed is its reader's trouble; an effect that cannot would fail every submission to come
      if (roots.length === 0) this.#pending.rollBack()
      else this.#pending.restore(work)
      throw error
    }
  }

  #run(work: Work): void {
    const graph = keyGraph([...work.effects.map((storage) => storage.node), ...work.wanted])
    const { effects, initial, values, literals, program } = this.#programFor(work, graph)
    const leaves = leafBuffers(graph.leaves)
    const constants = literalBuffers(this, literals)
    const twins = effects.map(({ twin }) => (twin && twin.node.walk !== graph.walk ? twin : undefined))
    const targets = effects.map((storage, i) => twins[i]?.buffer ?? this.allocateFor(storage.node))
    const fresh = [...initial.map((storage) => storage.node), ...values].map((node) => this.allocateFor(node))
    const bindings = { leaves: [...leaves, ...constants], outputs: [...targets, ...fresh] }
    const submission = this.device.submit(program, bindings)
    for (const buffer of constants) buffer.release()
    const undo = effects.map((storage, i) => storage.commit(targets[i], twins[i]))
    initial.forEach((storage, i) => {
      undo.push(storage.commit(fresh[i]))
    })
    values.forEach((node, i) => {
      undo.push(adopt(node, fresh[initial.length + i]))
    })
    this.#journal.record(submission, undo)
  }

  /** Sorts what a graph computes into outputs, and gives the program for them. */
  #programFor({ effects, wanted }: Work, graph: KeyedGraph) {
    const written = new Set(effects)
    const initial = graph.pending
      .map((value) => value.owner as Storage)
      .filter((storage, i) => storage.leaf === graph.pending[i] && !written.has(storage))
    const named = new Set([...effects, ...initial].map((storage) => storage.node))
    const entry = this.programs.entryOf(graph)
    noteRecomputed(graph, entry, wanted)
    const kept = Array.from(entry.kept, (place) => graph.order[place])
    const values = [...new Set([...wanted, ...kept])].filter((node) => !named.has(node))
    const outputs = [
      ...effects.map(({ node }) => ({ place: node.place, persistent: true })),
      ...initial.map(({ node }) => ({ place: node.place, persistent: false })),
      ...values.map(({ place }) => ({ place, persistent: false })),
    ]
    const literals = Array.from(entry.literals, (place) => graph.order[place])
    return { effects, initial, values, literals, program: this.programs.programOf(entry, graph, outputs) }
  }

  /** Submits a program; `undo` takes back, should it fail, what the caller changes on account of it. */
  launch(program: Program, bindings: Bindings, undo: readonly (() => void)[]): void {
    this.#journal.record(this.device.submit(program, bindings), undo)
  }

  allocateFor(value: Sized): DeviceBuffer {
    const bytes = bytesIn(value)
    this.#feed.noteAllocation(bytes)
    return this.device.allocate(bytes)
  }

  /** Throws what a finished program raised, after taking back what it and those queued behind it would have changed. */
  checkFailure(): void {
    const finished = this.#journal.last - this.device.inFlight
    const failure = this.device.takeFailure()
    if (!failure) {
      this.#journal.settle(finished)
      return
    }
    this.#pending.rollBack()
    this.#journal.rollBack(failure.submission)
    throw failure.error
  }

  // --- waiting and reading ----------------------------------------------------------------------------------------------

  /** Submits what is pending and paces the caller: at most two programs in flight, a macrotask every few milliseconds. */
  async step(): Promise<void> {
    if (this.isTracing) return
    this.submit()
    await this.#feed.pace(flightLimit)
    this.checkFailure()
  }

  /** A copy of a node's bytes. */
  async read(node: Node): Promise<Uint8Array> {
    if (!isKnown(node)) this.submit([node])
    const value = storedValueOf(node)!
    this.#reading.add(value)
    try {
      const bytes = await this.device.read(value.buffer)
      this.checkFailure()
      await this.#feed.pace(Number.POSITIVE_INFINITY)
      return bytes
    } finally {
      this.#reading.delete(value)
    }
  }

  /** The same at once, on devices that can; for printing. */
  readNow(node: Node): Uint8Array | undefined {
    if (!this.device.readNow || this.isTracing) return undefined
    const compute = () => {
      if (!isKnown(node)) this.submit([node])
    }
    if (this.device.inPlace) this.device.inPlace(compute)
    else compute()
    const bytes = this.device.readNow(storedValueOf(node)!.buffer)
    this.checkFailure()
    return bytes
  }

  /** Waits for everything; a loop of these is fed too, so that buffers that nobody holds are used again instead of new ones. */
  async synchronize(): Promise<void> {
    this.submit()
    if (this.device.inFlight > 0) await this.device.synchronize()
    this.checkFailure()
    await this.#feed.pace(Number.POSITIVE_INFINITY)
  }
}

/** From here on graphs above `node` read its value from `buffer`; the result takes that back. */
export function adopt(node: Node, buffer: DeviceBuffer): () => void {
  const pending = storedValueOf(node)
  if (node.op === 'buffer' && pending) {
    const expression = pending.pending!
    pending.hold(new Holding(buffer))
    return () => pending.await(expression)
  }
  const value = new StoredValue(node.shape, node.dtype, newStorageId(), 0)
  const { inputs } = node
  value.hold(new Holding(buffer))
  node.value = value
  if (node.isSpent) forgetHistory(node)
  return () => {
    value.drop()
    node.value = undefined
    ;(node as { inputs: readonly Node[] }).inputs = inputs
  }
}

/** Lets go of what a node was computed from: its value is known, and nobody may differentiate it any more. */
export function forgetHistory(node: Node): void {
  ;(node as { inputs: readonly Node[] }).inputs = []
}

export const leafBuffers = (leaves: readonly Node[]): DeviceBuffer[] =>
  leaves.map((leaf) => storedValueOf(leaf)!.buffer)
