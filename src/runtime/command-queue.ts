// A first-in first-out queue in front of a team of threads: short programs run in place while nothing waits, long ones off the event
// loop. Devices on this machine's processors share it; `Outcome` is how their programs end.

/** How a piece of work ended: as its program did, never having run, or because it could not be started. */
export type WorkOutcome<Outcome> =
  | Outcome
  | { readonly kind: 'dropped' }
  | { readonly kind: 'failed'; readonly error: Error }

export interface QueuedWork<Outcome> {
  /** milliseconds it is expected to take */
  readonly expected: number
  /** called when it has to wait: what it needs must outlive its release */
  wait?(): void
  /** runs now, with the caller taking part */
  runInPlace(): Outcome
  /** runs elsewhere; the event loop goes on */
  run(): Promise<Outcome>
  /** called once, in order, when it is over or was dropped */
  finish(outcome: WorkOutcome<Outcome>, milliseconds: number): void
}

/** Longer programs leave the event loop free. */
const inPlaceMilliseconds = 2

const failed = (error: Error) => ({ kind: 'failed', error }) as const

function outcomeOf<Outcome>(run: () => Outcome): WorkOutcome<Outcome> {
  try {
    return run()
  } catch (error) {
    return failed(error as Error)
  }
}

export class CommandQueue<Outcome> {
  readonly #waiting: QueuedWork<Outcome>[] = []
  #running: Promise<void> | undefined
  #limit = inPlaceMilliseconds
  /** while set, queued work is dropped instead of run */
  blocked = false

  /** Runs what `submit` queues at once, however long it takes, unless others wait before it. */
  inPlace(submit: () => void): void {
    this.#limit = Number.POSITIVE_INFINITY
    try {
      submit()
    } finally {
      this.#limit = inPlaceMilliseconds
    }
  }

  /** Pieces of work not finished. */
  get length(): number {
    return this.#waiting.length + (this.#running ? 1 : 0)
  }

  submit(work: QueuedWork<Outcome>): void {
    if (this.blocked) {
      work.finish({ kind: 'dropped' }, 0)
      return
    }
    if (this.length === 0 && work.expected <= this.#limit) {
      const start = performance.now()
      work.finish(outcomeOf(work.runInPlace), performance.now() - start)
      return
    }
    work.wait?.()
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
