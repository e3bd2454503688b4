// The journal: how to take back what submitted programs changed, until the device has finished them without a failure.

interface Entry {
  readonly submission: number
  readonly undo: readonly (() => void)[]
}

export class Journal {
  #entries: Entry[] = []
  #last = 0

  /** number of the newest submission */
  get last(): number {
    return this.#last
  }

  record(submission: number, undo: readonly (() => void)[]): void {
    this.#last = submission
    this.#entries.push({ submission, undo })
  }

  /** Programs up to `submission` have succeeded. */
  settle(submission: number): void {
    if (this.#entries.length === 0) return
    const open = this.#entries.findIndex((entry) => entry.submission > submission)
    this.#entries = open < 0 ? [] : this.#entries.slice(open)
  }

  /** Program `submission` failed, and those after it did not run: newest first, all is as before it. */
  rollBack(submission: number): void {
    for (const entry of this.#entries.reverse())
      if (entry.submission >= submission) for (const takeBack of [...entry.undo].reverse()) takeBack()
    this.#entries = []
  }
}
