// Values of constants that the calls of one kernel differ in: nodes in, places in one block of bytes out, which the device keeps.
import { encodeHost } from '../graph/host-bytes.ts'
import type { Node } from '../graph/node.ts'
import { opTable } from '../graph/op-table.ts'

/** The widest dtype's bytes, so that every value is aligned. */
const slotBytes = 8

export class ConstantPool {
  readonly #values: Uint8Array[] = []
  readonly #offsets = new Map<string, number>()

  /** Where the value of a constant is. */
  offsetOf(node: Node<'constant'>): number {
    const { value } = node.attrs
    const key = `${node.dtype} ${Object.is(value, -0) ? '-0' : value}`
    let offset = this.#offsets.get(key)
    if (offset === undefined) {
      offset = this.#values.length * slotBytes
      this.#offsets.set(key, offset)
      this.#values.push(encodeHost(opTable.constant.reference([], node)))
    }
    return offset
  }

  get bytes(): Uint8Array {
    const all = new Uint8Array(this.#values.length * slotBytes)
    this.#values.forEach((value, i) => {
      all.set(value, i * slotBytes)
    })
    return all
  }
}
