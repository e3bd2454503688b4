// A first-in first-out queue in front of a thread pool: short programs run in place while nothing waits, long ones off the event loop.
import type { ProgramOutcome } from './thread-pool.ts'

/** How a piece of work ended: as its program did, never having run, or because it could not be started. */
export type WorkOutcome =
  | ProgramOutcome
  | { readonly kind: 'dropped' }
  | { readonly kind: 'failed'; readonly error: Error }

export interface QueuedWork {
  /** milliseconds it is expected to take */
  readonly expected: number
  /** runs now, with the caller taking part */
  runInPlace(): ProgramOutcome
  /** runs elsewhere; the event loop goes on */
  run(): Promise<ProgramOutcome>
  /** called once, in order, when it is over or was dropped */
  finish(outcome: WorkOutcome, milliseconds: number): void
}

/** Longer programs leave the event loop free. */
const inPlaceMilliseconds = 2

const failed = (error: Error): WorkOutcome => ({ kind: 'failed', error })

function outcomeOf(run: () => ProgramOutcome): WorkOutcome {
  try {
    return run()
  } catch (error) {
    return failed(error as Error)
  }
}

export class CommandQueue {
  readonly #waiting: QueuedWork[] = []
  #running: Promise<void> | undefined
  /** while set, queued work is dropped instead of run */
  blocked = false

  /** Pieces of work not finished. */
  get length(): number {
    return this.#waiting.length + (this.#running ? 1 : 0)
  }

  submit(work: QueuedWork): void {
    if (this.blocked) {
      work.finish({ kind: 'dropped' }, 0)
      return
    }
    if (this.length === 0 && work.expected <= inPlaceMilliseconds) {
      const start = performance.now()
      work.finish(outcomeOf(work.runInPlace), performance.now() - start)
      return
    }
    this.#waiting.push(work)
    this.#pump()
  }

  /** Resolves when everything submitted so far is over. */
  async drained(): Promise<void> {
    while (this.#running) await this.#running
  }

  #pump(): void {
    if (this.#running || this.#waiting.length === 0) return
    this.#running = this.#runNext().finally(() => {
      this.#running = undefined
      this.#pump()
    })
  }

  async #runNext(): Promise<void> {
    const work = this.#waiting.shift()!
    if (this.blocked) {
      work.finish({ kind: 'dropped' }, 0)
      return
    }
    const start = performance.now()
    const outcome = await work.run().catch(failed)
    work.finish(outcome, performance.now() - start)
  }
}
