// The segments of addresses that a program's calls bind: filled in anew for each run, but only where an address is another than before.
import type { Plan } from '../../compiler/plan.ts'
import type { Addresses } from '../../runtime/queued-device.ts'

export const addressBytes = 8
const nowhere = -1

/** Places in the table that hold one buffer's address, and how far into the buffer each points. */
class Uses {
  readonly #entries: number[] = []
  readonly #offsets: number[] = []
  #address = nowhere

  add(entry: number, offset: number): void {
    this.#entries.push(entry)
    this.#offsets.push(offset)
  }

  /** Whether that changed anything. */
  write(words: Uint32Array, address: number): boolean {
    if (address === this.#address) return false
    this.#address = address
    for (let i = 0; i < this.#entries.length; i++) {
      const value = address + this.#offsets[i]
      words[2 * this.#entries[i]] = value
      words[2 * this.#entries[i] + 1] = Math.floor(value / 2 ** 32)
    }
    return this.#entries.length > 0
  }
}

export class BindingTable {
  /** first entry of each call */
  readonly segments: readonly number[]
  readonly bytes: Uint8Array
  readonly #words: Uint32Array
  readonly #leaves: readonly Uses[]
  readonly #outputs: readonly Uses[]
  readonly #arena = new Uses()
  readonly #constants = new Uses()

  constructor({ graph, calls }: Plan) {
    this.#leaves = graph.leaves.map(() => new Uses())
    this.#outputs = graph.outputs.map(() => new Uses())
    let entry = 0
    this.segments = calls.map(({ bindings }) => {
      const first = entry
      for (const binding of bindings) this.#usesOf(binding).add(entry++, binding.offset)
      return first
    })
    this.#words = new Uint32Array(2 * Math.max(1, entry))
    this.bytes = new Uint8Array(this.#words.buffer)
  }

  #usesOf(binding: Plan['calls'][number]['bindings'][number]): Uses {
    switch (binding.kind) {
      case 'leaf':
        return this.#leaves[binding.slot]
      case 'output':
        return this.#outputs[binding.index]
      case 'arena':
        return this.#arena
      case 'constant':
        return this.#constants
    }
  }

  /** Whether the table differs from the last one. */
  fill({ leaves, outputs, arena }: Addresses, constants: number): boolean {
    const words = this.#words
    let changed = this.#arena.write(words, arena)
    if (this.#constants.write(words, constants)) changed = true
    for (let i = 0; i < leaves.length; i++) if (this.#leaves[i].write(words, leaves[i].address)) changed = true
    for (let i = 0; i < outputs.length; i++) if (this.#outputs[i].write(words, outputs[i]?.address ?? 0)) changed = true
    return changed
  }
}
