// Keeps the event loop fed: a loop that awaits only microtasks starves finalizers, signals and timers.
import type { Device } from './device.ts'

const macrotaskInterval = 5 // milliseconds
/** Buffers allocated since the last macrotask; their predecessors are released by finalizers, which run between macrotasks. */
const allocationBudget = 64 * 2 ** 20 // bytes

const macrotask: () => Promise<void> =
  typeof setImmediate === 'function'
    ? () => new Promise((resolve) => setImmediate(resolve))
    : () => new Promise((resolve) => setTimeout(resolve, 0))

export class EventLoopFeed {
  readonly #device: Device
  #last = performance.now()
  #allocated = 0

  constructor(device: Device) {
    this.#device = device
  }

  noteAllocation(bytes: number): void {
    this.#allocated += bytes
  }

  /** Resolves when at most `limit` programs are in flight, through a macrotask when the last one is some time or many bytes ago. */
  async pace(limit: number): Promise<void> {
    while (this.#device.inFlight > limit) await this.#rest()
    if (this.#allocated >= allocationBudget || performance.now() - this.#last >= macrotaskInterval) await this.#rest()
  }

  async #rest(): Promise<void> {
    await macrotask()
    this.#last = performance.now()
    this.#allocated = 0
  }
}
