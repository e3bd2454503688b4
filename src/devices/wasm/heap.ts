// Blocks of one WebAssembly memory: best fit among free blocks, which merge with their neighbours; grown when none fits.

import { DeviceError } from '../../base/errors.ts'
import { type WasmMemory, wasmEngine } from '../../codegen/wasm/engine.ts'
import { heapSlack, heapStart, maximumPages, pageBytes } from '../../codegen/wasm/layout.ts'

const alignment = 64
const initialPages = 32

interface Block {
  address: number
  bytes: number
}

export class WasmHeap {
  readonly memory: WasmMemory
  readonly isShared: boolean
  readonly #room: () => number
  readonly #sizes = new Map<number, number>()
  /** by address */
  readonly #free: Block[] = []
  #end = heapStart

  /** `room` gives the bytes that may still be taken from the machine. */
  constructor(isShared: boolean, room: () => number = () => Number.POSITIVE_INFINITY) {
    this.isShared = isShared
    this.#room = room
    this.memory = new wasmEngine!.Memory({ ...this.pages, shared: isShared })
  }

  /** What the memory's import must say. */
  get pages(): { readonly initial: number; readonly maximum: number } {
    return { initial: initialPages, maximum: maximumPages }
  }

  /** Bytes of the memory, in use or not. */
  get bytes(): number {
    return this.memory.buffer.byteLength
  }

  /** @throws DeviceError when 32-bit addresses, or the engine, have no room left */
  allocate(bytes: number): number {
    const size = Math.max(alignment, Math.ceil(bytes / alignment) * alignment)
    const address = this.#takeFree(size) ?? this.#takeNew(size)
    this.#sizes.set(address, size)
    return address
  }

  release(address: number): void {
    const bytes = this.#sizes.get(address)
    if (bytes === undefined)
      throw new DeviceError(`wasm memory: expected an address from allocate to release, got ${address}.`, { address })
    this.#sizes.delete(address)
    const after = this.#firstAfter(address)
    this.#free.splice(after, 0, { address, bytes })
    this.#merge(after)
    if (after > 0) this.#merge(after - 1)
    const last = this.#free.at(-1)
    if (last && last.address + last.bytes === this.#end) {
      this.#end = last.address
      this.#free.pop()
    }
  }

  write(address: number, bytes: Uint8Array): void {
    new Uint8Array(this.memory.buffer, address, bytes.byteLength).set(bytes)
  }

  /** A copy. */
  read(address: number, bytes: number): Uint8Array {
    const copy = new Uint8Array(bytes)
    copy.set(new Uint8Array(this.memory.buffer, address, bytes))
    return copy
  }

  fill(address: number, bytes: number, value: number): void {
    new Uint8Array(this.memory.buffer, address, bytes).fill(value)
  }

  #firstAfter(address: number): number {
    let [low, high] = [0, this.#free.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#free[middle].address < address) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Joins block `at` with the next one if they touch. */
  #merge(at: number): void {
    const [block, next] = [this.#free[at], this.#free[at + 1]]
    if (next === undefined || block.address + block.bytes !== next.address) return
    block.bytes += next.bytes
    this.#free.splice(at + 1, 1)
  }

  #takeFree(size: number): number | undefined {
    let best = -1
    for (let i = 0; i < this.#free.length; i++) {
      const { bytes } = this.#free[i]
      if (bytes >= size && (best < 0 || bytes < this.#free[best].bytes)) best = i
      if (bytes === size) break
    }
    if (best < 0) return undefined
    const block = this.#free[best]
    const { address } = block
    block.address += size
    block.bytes -= size
    if (block.bytes === 0) this.#free.splice(best, 1)
    return address
  }

  #takeNew(size: number): number {
    const address = this.#end
    this.#grow(address + size + heapSlack)
    this.#end = address + size
    return address
  }

  /** A quarter more than needed, as far as there is room. */
  #grow(needed: number): void {
    const have = this.bytes / pageBytes
    const least = Math.ceil(needed / pageBytes)
    if (least <= have) return
    const wanted = Math.min(maximumPages, Math.max(least, Math.ceil(have * 1.25)))
    const room = this.#room() / pageBytes
    const takes = (pages: number): boolean => pages <= room && this.#tryGrow(pages)
    if (least <= maximumPages && (takes(wanted - have) || takes(least - have))) return
    const inUse = [...this.#sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
    const left = Math.max(0, Math.min(maximumPages, have + room) * pageBytes - inUse)
    throw new DeviceError(
      `wasm memory: expected an allocation of at most the ${megabytes(left)} that 32-bit addresses, the engine and the machine ` +
        `have left, got ${megabytes(needed - inUse)}. Use a smaller batch, or the native device.`,
      { needed, inUse },
    )
  }

  #tryGrow(pages: number): boolean {
    try {
      this.memory.grow(pages)
      return true
    } catch {
      return false
    }
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
