// A session: everything pending on one device. It turns wanted nodes and pending effects into one program, runs it, and keeps the values.
import { bytesOf } from '../base/dtype.ts'
import { elementsOf, type Node } from '../graph/node.ts'
import type { Bindings, Device, DeviceBuffer, Program } from './device.ts'
import { EventLoopFeed } from './event-loop.ts'
import { type KeyedGraph, keyGraph } from './graph-key.ts'
import { ProgramCache } from './program-cache.ts'
import type { Storage } from './storage.ts'
import { newStorageId, StoredValue, storedValueOf } from './stored-value.ts'

/** What a submission changed, so that its failure can be taken back. */
interface Commit {
  readonly submission: number
  readonly storage: Storage
  readonly node: Node
  readonly current: StoredValue | undefined
  readonly older: StoredValue | undefined
}

const nodeBytes = (node: Node): number => elementsOf(node) * bytesOf(node.dtype)
const isKnown = (node: Node): boolean => storedValueOf(node)?.isReady ?? false

export class Session {
  readonly device: Device
  readonly programs: ProgramCache
  readonly #feed: EventLoopFeed
  readonly #effects = new Set<Storage>()
  #wanted: Node[] = []
  #commits: Commit[] = []
  /** while a function is traced nothing is submitted */
  isTracing = false

  constructor(device: Device) {
    this.device = device
    this.programs = new ProgramCache(device)
    this.#feed = new EventLoopFeed(device)
  }

  /** The next submission also outputs this node: someone is likely to read it afterwards. */
  keep(node: Node): void {
    if (!isKnown(node)) this.#wanted.push(node)
  }

  /** Whether an earlier backward left gradients that no submission has computed. */
  hasPendingGradient(): boolean {
    return this.#wanted.length > 0
  }

  addEffect(storage: Storage): void {
    this.#effects.add(storage)
  }

  get effects(): ReadonlySet<Storage> {
    return this.#effects
  }

  /** Hands over what is pending to a trace, which makes its own program of it. */
  takePending(): { effects: Storage[]; wanted: Node[] } {
    const pending = { effects: [...this.#effects], wanted: this.#wanted }
    this.#effects.clear()
    this.#wanted = []
    return pending
  }

  /** Runs all pending effects, kept nodes and `roots` as one program. */
  submit(roots: readonly Node[] = []): void {
    this.checkFailure()
    const effects = [...this.#effects].filter((storage) => !isKnown(storage.node))
    const wanted = [...new Set([...roots, ...this.#wanted])].filter((node) => !isKnown(node))
    this.#effects.clear()
    this.#wanted = []
    if (effects.length + wanted.length === 0) return
    const nodes = [...effects.map((storage) => storage.node), ...wanted]
    const keyed = this.keyOf(nodes)
    const persistent = (index: number): boolean => index < effects.length
    const program = this.programs.get(keyed, String(effects.length), () => ({
      leaves: keyed.leaves,
      outputs: nodes.map((node, index) => ({ node, persistent: persistent(index) })),
    }))
    this.#run(program, keyed, effects, wanted)
  }

  /** The key of a graph whose leaves all have values: pending ones are computed first, as a program of their own. */
  keyOf(nodes: readonly Node[]): KeyedGraph {
    const keyed = keyGraph(nodes)
    const pending = keyed.leaves.map(storedValueOf).filter((value) => value?.pending !== undefined) as StoredValue[]
    if (pending.length > 0) this.#computeLeaves(pending)
    return keyed
  }

  #computeLeaves(values: readonly StoredValue[]): void {
    const nodes = values.map((value) => value.pending!)
    const keyed = this.keyOf(nodes)
    const program = this.programs.get(keyed, 'leaves', () => ({
      leaves: keyed.leaves,
      outputs: nodes.map((node) => ({ node, persistent: true })),
    }))
    const buffers = nodes.map((node) => this.device.allocate(nodeBytes(node)))
    this.device.submit(program, { leaves: leafBuffers(keyed.leaves), outputs: buffers })
    values.forEach((value, i) => {
      value.hold(buffers[i])
    })
  }

  #run(program: Program, keyed: KeyedGraph, effects: readonly Storage[], wanted: readonly Node[]): void {
    const inUse = (value: StoredValue): boolean => keyed.leaves.includes(value.node)
    const leaves = leafBuffers(keyed.leaves)
    const targets = effects.map((storage) => storage.takeTwin(inUse) ?? this.device.allocate(nodeBytes(storage.node)))
    const results = wanted.map((node) => this.device.allocate(nodeBytes(node)))
    const submission = this.device.submit(program, { leaves, outputs: [...targets, ...results] })
    this.#settleCommits()
    effects.forEach((storage, i) => {
      this.#commits.push({ submission, storage, node: storage.current?.node ?? storage.node, current: storage.current, older: storage.older })
      storage.commit(targets[i])
    })
    wanted.forEach((node, i) => {
      this.adopt(node, results[i])
    })
  }

  /** From here on graphs above `node` read its value from `buffer`. */
  adopt(node: Node, buffer: DeviceBuffer): StoredValue {
    const value = new StoredValue(this.device, node.shape, node.dtype, newStorageId(), 0)
    value.hold(buffer)
    node.value = value
    return value
  }

  /** A new buffer with the same contents. */
  copyOf(value: StoredValue): DeviceBuffer {
    const buffer = this.device.allocate(value.buffer.bytes)
    const bindings: Bindings = { leaves: [value.buffer], outputs: [buffer] }
    const keyed = keyGraph([value.node])
    this.device.submit(
      this.programs.get(keyed, 'copy', () => ({ leaves: [value.node], outputs: [{ node: value.node, persistent: true }] })),
      bindings,
    )
    return buffer
  }

  /** Sets a storage from the host without a program: ordered behind everything submitted, kept whatever fails before it. */
  hostWrite(storage: Storage, bytes: Uint8Array): void {
    const buffer = this.device.allocate(bytes.length)
    this.device.write(buffer, bytes)
    this.#effects.delete(storage)
    this.#commits = this.#commits.filter((commit) => commit.storage !== storage)
    storage.replace(buffer)
  }

  /** Throws what a finished program raised, after taking back what it would have changed. */
  checkFailure(): void {
    const failure = this.device.takeFailure()
    if (!failure) return
    for (const commit of [...this.#commits].reverse())
      if (commit.submission >= failure.submission)
        commit.storage.restore(commit.node, commit.current, commit.older)
    this.#commits = []
    this.#effects.clear()
    this.#wanted = []
    throw failure.error
  }

  #settleCommits(): void {
    if (this.device.inFlight === 0) this.#commits = []
  }

  /** Submits what is pending and paces the caller: at most two programs in flight, a macrotask every few milliseconds. */
  async step(): Promise<void> {
    if (this.isTracing) return
    this.submit()
    await this.#feed.pace(2)
    this.checkFailure()
  }

  /** A copy of a node's bytes. */
  async read(node: Node): Promise<Uint8Array> {
    if (!isKnown(node)) this.submit([node])
    const value = storedValueOf(node)!
    const bytes = await this.device.read(value.buffer)
    this.checkFailure()
    await this.#feed.pace(Number.POSITIVE_INFINITY)
    return bytes
  }

  /** The same at once, on devices that can; for printing. */
  readNow(node: Node): Uint8Array | undefined {
    if (!this.device.readNow || this.isTracing) return undefined
    if (!isKnown(node)) this.submit([node])
    const bytes = this.device.readNow(storedValueOf(node)!.buffer)
    this.checkFailure()
    return bytes
  }

  async synchronize(): Promise<void> {
    this.submit()
    await this.device.synchronize()
    this.checkFailure()
  }
}

export const leafBuffers = (leaves: readonly Node[]): DeviceBuffer[] => leaves.map((leaf) => storedValueOf(leaf)!.buffer)
