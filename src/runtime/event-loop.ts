// Keeps the event loop fed: a loop that awaits only microtasks starves finalizers, signals and timers.
import type { Device } from './device.ts'

const macrotaskInterval = 5 // milliseconds
/** Bytes of device memory after which handles that nobody holds are looked for; finalizers release them between macrotasks. */
const allocationBudget = 64 * 2 ** 20

/** What a handle weighs at least: it, its node and its finalizer stay until a full collection, since minor ones keep what has a finalizer. */
const handleWeight = 64 * 1024

const macrotask: () => Promise<void> =
  typeof setImmediate === 'function'
    ? () => new Promise((resolve) => setImmediate(resolve))
    : () => new Promise((resolve) => setTimeout(resolve, 0))

/**
 * V8 collects by what it knows of: an array of the size of what was allocated on the device stands for that. It is never touched, so it
 * costs address space only, and it is let go at once.
 */
function reportToCollector(bytes: number): number {
  try {
    return new ArrayBuffer(bytes).byteLength
  } catch {
    return 0
  }
}

export class EventLoopFeed {
  readonly #device: Device
  #last = performance.now()
  #allocated = 0

  constructor(device: Device) {
    this.#device = device
  }

  noteAllocation(bytes: number): void {
    this.#allocated += Math.max(bytes, handleWeight)
  }

  /** Handles of small blocks count as before: they stay until they are collected. */
  noteRelease(bytes: number): void {
    this.#allocated -= Math.max(0, bytes - handleWeight)
  }

  /**
   * Resolves when at most `limit` programs are in flight, through a macrotask when the last one is some time or many bytes ago.
   * undefined: there is nothing to wait for, and promises are dear where calls take microseconds.
   */
  pace(limit: number): Promise<void> | undefined {
    const isOverBudget = this.#allocated >= allocationBudget
    if (isOverBudget) this.#allocated -= reportToCollector(allocationBudget) || this.#allocated
    const isDue = isOverBudget || performance.now() - this.#last >= macrotaskInterval
    return isDue || this.#device.inFlight > limit ? this.#wait(limit, isDue) : undefined
  }

  async #wait(limit: number, isDue: boolean): Promise<void> {
    while (this.#device.inFlight > limit) await this.#rest()
    if (isDue) await this.#rest()
  }

  async #rest(): Promise<void> {
    await macrotask()
    this.#last = performance.now()
  }
}
