// Stored values: one version of one storage, or the value of a node that some program has output. A graph's leaves name these.
import type { DType } from '../base/dtype.ts'
import { StaleError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { type Leaf, makeNode, type Node } from '../graph/node.ts'
import type { DeviceBuffer } from './device.ts'

let nextStorage = 1
export const newStorageId = (): number => nextStorage++

const finalizers = new FinalizationRegistry<DeviceBuffer>((buffer) => buffer.release())

/** The ownership of a buffer: when the last value that holds it goes, the buffer follows. Updates in place pass it on. */
export class Holding {
  readonly buffer: DeviceBuffer

  constructor(buffer: DeviceBuffer) {
    this.buffer = buffer
    finalizers.register(this, buffer)
  }
}

export class StoredValue implements Leaf {
  readonly storage: number
  readonly version: number
  readonly node: Node
  /** the storage that this is a version of; undefined for values of nodes */
  readonly owner: object | undefined
  /** undefined before it is computed, and after it was overwritten */
  #held: Holding | undefined
  /** how to compute it, until then */
  #pending: Node | undefined
  #isStale = false

  constructor(shape: Shape, dtype: DType, storage: number, version: number, owner?: object) {
    this.owner = owner
    this.storage = storage
    this.version = version
    this.node = makeNode('buffer', [], { leaf: this, shape, dtype }, shape, dtype)
  }

  get isReady(): boolean {
    return this.#held !== undefined
  }

  get isStale(): boolean {
    return this.#isStale
  }

  get pending(): Node | undefined {
    return this.#pending
  }

  get buffer(): DeviceBuffer {
    if (this.#held) return this.#held.buffer
    if (this.#isStale)
      throw new StaleError(
        `read: this needs version ${this.version} of a tensor that has been overwritten since. Read it (await item(), data()) ` +
          'or clone() what it is computed from before the second update, or before the next call of a compiled function that updates it.',
        { storage: this.storage, version: this.version },
      )
    throw new StaleError('read: this value was never computed, because the program that should have done so failed.', {
      storage: this.storage,
    })
  }

  /** It will be the value of `expression`, whose program is yet to come (again). */
  await(expression: Node): void {
    this.#held = undefined
    this.#pending = expression
  }

  hold(held: Holding): void {
    this.#held = held
    this.#pending = undefined
    this.#isStale = false
  }

  /** Gives the buffer up for a newer version to use; whoever still reads this version gets a StaleError. */
  surrender(): Holding | undefined {
    const held = this.#held
    this.#held = undefined
    this.#isStale = true
    return held
  }

  /** Forgets a buffer that was never written, or that belongs to somebody else now. */
  drop(): void {
    this.#held = undefined
  }
}

/** The value of a node, if it has one or will have one of its own. */
export const storedValueOf = (node: Node): StoredValue | undefined =>
  node.op === 'buffer' ? (node.attrs.leaf as StoredValue) : (node.value as StoredValue | undefined)
