// Native memory for buffers and arenas: small blocks from slabs of one size each, large ones from mappings of their own.
// Every address is checked against the table of mappings before it is touched; JavaScript only ever sees copies.

import { DeviceError } from '../../base/errors.ts'
import { headroomShare } from '../../system/limits.ts'
import { pageBytes, type System } from './system.ts'

interface Mapping {
  readonly base: number
  readonly bytes: number
  /** Distance between blocks; a mapping for one large block has a single block. */
  readonly blockBytes: number
  /** Bytes asked for by block, 0 where the block is free. */
  readonly live: number[]
  readonly kind: 'slab' | 'large' | 'guarded'
}

const smallestBlock = 64
const largestSlabBlock = 64 * 1024
const slabBytes = 1024 * 1024
const hugePageBytes = 2 * 1024 * 1024
const hugePageThreshold = 4 * 1024 * 1024
/** Released large mappings kept for reuse: page faults on fresh ones cost more than the work done in them. */
const keptBytesLimit = 256 * 1024 * 1024
/** How much may be mapped before the system is asked again what is left, since asking costs a few file reads. */
const headroomPatience = 16 * 1024 * 1024

export class NativeMemory {
  /** Bytes of live blocks, as asked for. */
  bytesHeld = 0
  /** Bytes mapped from the system, kept and free blocks included. */
  bytesMapped = 0
  readonly #system: System
  readonly #bytesLeft: () => number
  /** Sorted by base address. */
  readonly #mappings: Mapping[] = []
  /** Addresses of free slab blocks by block size. */
  readonly #free = new Map<number, number[]>()
  #kept: Mapping[] = []
  #keptBytes = 0
  #unaskedBytes = Number.POSITIVE_INFINITY
  #isClosed = false

  constructor(system: System, bytesLeft: () => number) {
    this.#system = system
    this.#bytesLeft = bytesLeft
  }

  /** Address of a new block, 64-byte aligned (page-aligned above 64 KiB). Its content is undefined. */
  allocate(bytes: number): number {
    checkSize(bytes)
    const address = bytes <= largestSlabBlock ? this.#takeSlabBlock(bytes) : this.#takeLarge(bytes)
    this.bytesHeld += bytes
    return address
  }

  /** A block whose last byte is the last before an unreadable page, for tests. */
  allocateGuarded(bytes: number): number {
    checkSize(bytes)
    const body = roundUp(bytes, pageBytes)
    const base = this.#map(body + pageBytes)
    this.#system.protect(base + body, pageBytes, 'none')
    const address = base + body - bytes
    this.#insert({ base: address, bytes, blockBytes: bytes, live: [bytes], kind: 'guarded' })
    this.bytesHeld += bytes
    return address
  }

  /** Handles may be finalised long after the host was closed: then there is nothing left to release. */
  release(address: number): void {
    if (this.#isClosed) return
    const mapping = this.#mappingOf(address)
    const block = (address - (mapping?.base ?? 0)) / (mapping?.blockBytes ?? 1)
    const bytes = mapping?.live[block] ?? 0
    if (mapping === undefined || bytes === 0) {
      throw new DeviceError(`native memory: release expects the address of a live block, got ${hex(address)}`, {
        address,
      })
    }
    mapping.live[block] = 0
    this.bytesHeld -= bytes
    if (mapping.kind === 'slab') this.#free.get(mapping.blockBytes)!.push(address)
    else if (mapping.kind === 'large') this.#keep(mapping)
    else this.#unmap(mapping)
  }

  /** A copy of `bytes` bytes at `address`, which may lie inside a block. */
  read(address: number, bytes: number): Uint8Array {
    this.#checkRange('read', address, bytes)
    const copy = new Uint8Array(bytes)
    if (bytes > 0) this.#system.copyOut(copy, address, bytes)
    return copy
  }

  write(address: number, source: Uint8Array): void {
    this.#checkRange('write', address, source.byteLength)
    if (source.byteLength > 0) this.#system.copyIn(address, source, source.byteLength)
  }

  readUint32(address: number): number {
    this.#checkRange('read', address, 4)
    return this.#system.readUint32(address)
  }

  /** Gives back the released large mappings kept for reuse. */
  trim(): void {
    for (const mapping of this.#kept) this.#unmap(mapping)
    this.#kept = []
    this.#keptBytes = 0
  }

  /** Unmaps everything, live blocks too. Nothing may be running. */
  close(): void {
    this.#isClosed = true
    this.#kept = []
    this.#keptBytes = 0
    for (const mapping of [...this.#mappings]) this.#unmap(mapping)
    this.#free.clear()
    this.bytesHeld = 0
  }

  #takeSlabBlock(bytes: number): number {
    const blockBytes = 2 ** Math.ceil(Math.log2(Math.max(bytes, smallestBlock)))
    let free = this.#free.get(blockBytes)
    if (free === undefined) this.#free.set(blockBytes, (free = []))
    if (free.length === 0) {
      const base = this.#map(slabBytes)
      const count = slabBytes / blockBytes
      this.#insert({ base, bytes: slabBytes, blockBytes, live: new Array<number>(count).fill(0), kind: 'slab' })
      for (let i = count - 1; i >= 0; i--) free.push(base + i * blockBytes)
    }
    const address = free.pop()!
    const mapping = this.#mappingOf(address)!
    mapping.live[(address - mapping.base) / blockBytes] = bytes
    return address
  }

  #takeLarge(bytes: number): number {
    const mapped = roundUp(bytes, bytes >= hugePageThreshold ? hugePageBytes : pageBytes)
    const reusable = this.#kept.findIndex((mapping) => mapping.bytes === mapped)
    if (reusable >= 0) {
      const [mapping] = this.#kept.splice(reusable, 1)
      this.#keptBytes -= mapped
      mapping.live[0] = bytes
      return mapping.base
    }
    const base = this.#map(mapped)
    if (mapped >= hugePageThreshold) this.#system.adviseHugePages(base, mapped)
    this.#insert({ base, bytes: mapped, blockBytes: mapped, live: [bytes], kind: 'large' })
    return base
  }

  #keep(mapping: Mapping): void {
    this.#kept.push(mapping)
    this.#keptBytes += mapping.bytes
    while (this.#keptBytes > keptBytesLimit) {
      const oldest = this.#kept.shift()!
      this.#keptBytes -= oldest.bytes
      this.#unmap(oldest)
    }
  }

  #map(bytes: number): number {
    this.#checkHeadroom(bytes)
    const address = this.#system.map(bytes)
    if (address === undefined)
      throw new DeviceError(`native memory: the system refused to map ${bytes} bytes`, { bytes })
    this.bytesMapped += bytes
    return address
  }

  /** Refuses what could not be allocated, before work is put into what would need it. @throws DeviceError */
  expectRoom(bytes: number): void {
    if (bytes >= headroomPatience) this.#checkHeadroom(bytes)
  }

  #checkHeadroom(bytes: number): void {
    this.#unaskedBytes += bytes
    if (this.#unaskedBytes < headroomPatience) return
    if (bytes > headroomShare * this.#bytesLeft()) this.trim()
    const left = this.#bytesLeft()
    if (bytes > headroomShare * left) {
      throw new DeviceError(
        `native memory: expected an allocation of at most ${headroomShare} of the ${megabytes(left)} that the machine ` +
          `and its cgroup have left, got ${megabytes(bytes)}. Use a smaller batch, or release tensors you no longer need.`,
        { bytes, left },
      )
    }
    this.#unaskedBytes = 0
  }

  #unmap(mapping: Mapping): void {
    this.#mappings.splice(this.#mappings.indexOf(mapping), 1)
    const base = mapping.base - (mapping.base % pageBytes)
    const end = mapping.base + mapping.bytes + (mapping.kind === 'guarded' ? pageBytes : 0)
    this.#system.unmap(base, end - base)
    this.bytesMapped -= end - base
  }

  #insert(mapping: Mapping): void {
    this.#mappings.splice(this.#firstAbove(mapping.base), 0, mapping)
  }

  /** Index of the first mapping whose base lies above `address`. */
  #firstAbove(address: number): number {
    let low = 0
    let high = this.#mappings.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#mappings[middle].base <= address) low = middle + 1
      else high = middle
    }
    return low
  }

  #mappingOf(address: number): Mapping | undefined {
    const mapping = this.#mappings[this.#firstAbove(address) - 1]
    return mapping !== undefined && address < mapping.base + mapping.bytes ? mapping : undefined
  }

  #checkRange(what: string, address: number, bytes: number): void {
    const mapping = this.#mappingOf(address)
    if (mapping !== undefined && bytes >= 0) {
      const offset = (address - mapping.base) % mapping.blockBytes
      const live = mapping.live[Math.floor((address - mapping.base) / mapping.blockBytes)]
      if (live > 0 && offset + bytes <= live) return
    }
    throw new DeviceError(`native memory: ${what} of ${bytes} bytes at ${hex(address)} leaves every live block`, {
      address,
      bytes,
    })
  }
}

function checkSize(bytes: number): void {
  if (Number.isSafeInteger(bytes) && bytes > 0) return
  throw new DeviceError(`native memory: expected a size of at least 1 byte, got ${bytes}`, { bytes })
}

const roundUp = (value: number, multiple: number) => Math.ceil(value / multiple) * multiple
const hex = (address: number) => `0x${address.toString(16)}`
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
