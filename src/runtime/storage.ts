// Storage: the identity behind a tensor and its views. Its node is its value now; writing replaces the node and leaves a pending effect.
import type { DType } from '../base/dtype.ts'
import type { Shape } from '../base/shape.ts'
import type { Node } from '../graph/node.ts'
import type { DeviceBuffer } from './device.ts'
import type { Session } from './session.ts'
import { Holding, newStorageId, StoredValue, storedValueOf } from './stored-value.ts'

export class Storage {
  readonly id = newStorageId()
  readonly session: Session
  readonly shape: Shape
  readonly dtype: DType
  #node: Node
  #version = 0
  /** the newest version in memory, and the one before it */
  #current: StoredValue | undefined
  #older: StoredValue | undefined
  /** what the node was before the writes that are pending */
  #settled: Node | undefined
  #pendingWrites = 0
  /** the tensor that is this storage as a differentiable leaf; set by the tensor floor */
  leafTensor: unknown
  /** a differentiable value was written in place */
  tracksGradient = false
  /** every version gets a buffer of its own, so that values drawn from an old one can always be computed (random states) */
  keepsVersions = false
  /** the node's history is needed to differentiate it */
  needsHistory = false

  constructor(session: Session, node: Node) {
    this.session = session
    this.shape = node.shape
    this.dtype = node.dtype
    this.#node = node
  }

  get node(): Node {
    return this.#node
  }

  get version(): number {
    return this.#version
  }

  /** length of the chain of writes since the last submission */
  get pendingWrites(): number {
    return this.#pendingWrites
  }

  /** A functional write: every view reads the new node from here on, and the next submission carries it out. */
  write(node: Node): void {
    this.#settled ??= this.#node
    this.#node = node
    this.#version++
    this.#pendingWrites++
    this.session.addEffect(this)
  }

  /** Makes the value a leaf of later graphs: known by identity, computed by the first program that needs it. */
  becomeLeaf(): StoredValue {
    const known = this.leaf
    if (known) return known
    const value = this.#newVersion()
    value.await(this.#node)
    this.#node = value.node
    return value
  }

  /** The value as this storage's own leaf, if it is one now. */
  get leaf(): StoredValue | undefined {
    const value = this.#node.op === 'buffer' ? (this.#node.attrs.leaf as StoredValue) : undefined
    return value?.storage === this.id ? value : undefined
  }

  /** Forgets how a value in memory came to be. */
  forgetHistory(): void {
    const value = storedValueOf(this.#node)
    if (value?.isReady) this.#node = value.node
  }

  #newVersion(): StoredValue {
    return new StoredValue(this.shape, this.dtype, this.id, this.#version, this)
  }

  /** The version before last, whose buffer an update may write unless the update reads it. */
  get twin(): StoredValue | undefined {
    return this.#older?.isReady && !this.keepsVersions ? this.#older : undefined
  }

  /** The value now is what `buffer` holds, or will once the submitted programs have run. `twin`: whose buffer that was. */
  commit(buffer: DeviceBuffer, twin?: StoredValue): () => void {
    const [node, settled, current, older] = [this.#node, this.#settled, this.#current, this.#older]
    // a program may write without a call of `write`
    if (this.#pendingWrites === 0 && !this.leaf?.pending) this.#version++
    const value = this.leaf?.pending ? this.leaf : this.#newVersion()
    const { pending } = value
    const held = twin?.surrender() ?? new Holding(buffer)
    value.hold(held)
    if (node.op !== 'buffer' && node.value === undefined) node.value = value
    this.#older = twin === current ? undefined : current
    this.#current = value
    this.#node = value.node
    this.#settled = undefined
    this.#pendingWrites = 0
    return () => {
      if (node.value === value) node.value = undefined
      // set from the host since: that stays
      if (this.#current !== value) return
      value.drop()
      if (settled === undefined && pending) value.await(pending)
      twin?.hold(held)
      this.#node = settled ?? node
      this.#current = current
      this.#older = older
    }
  }

  /** Sets the value from the host: what was pending is dropped, and the new version stays whatever fails before it. */
  replace(buffer: DeviceBuffer): void {
    this.#version++
    this.#pendingWrites++
    this.#node = this.#newVersion().node
    this.#settled = undefined
    this.commit(buffer)
  }

  /** Takes pending writes back. */
  rollBack(): void {
    if (this.#settled) this.#node = this.#settled
    this.#settled = undefined
    this.#pendingWrites = 0
  }
}
