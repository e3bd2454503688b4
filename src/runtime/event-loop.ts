// Keeps the event loop fed: a loop that awaits only microtasks starves finalizers, signals and timers.
import type { Device } from './device.ts'

const macrotaskInterval = 5 // milliseconds

const macrotask: () => Promise<void> =
  typeof setImmediate === 'function'
    ? () => new Promise((resolve) => setImmediate(resolve))
    : () => new Promise((resolve) => setTimeout(resolve, 0))

export class EventLoopFeed {
  readonly #device: Device
  #last = performance.now()

  constructor(device: Device) {
    this.#device = device
  }

  /** Resolves when at most `limit` programs are in flight, through a macrotask when the last one is some time ago. */
  async pace(limit: number): Promise<void> {
    while (this.#device.inFlight > limit) {
      await macrotask()
      this.#last = performance.now()
    }
    if (performance.now() - this.#last < macrotaskInterval) return
    await macrotask()
    this.#last = performance.now()
  }
}
