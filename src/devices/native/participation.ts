// How long a short program takes goes in; out comes whether all participants should run it or one, which wakes and awaits nobody.
// Results do not depend on the choice, so it may follow the clock: which is faster depends on how busy the machine is.

export type Participants = 'all' | 'one'

/** Longer programs are always shared. */
const sharedMilliseconds = 1
/** The slower way is tried again, so often in a row: the first run meets cold caches and sleeping helpers, and does not count. */
const trialRuns = 4
/** Runs from one trial to the next: few after the first choice, then more and more. */
const firstInterval = 8
const longestInterval = 128
const remembered = 3

/** The median of one way's last times: what was somebody else's fault does not move it. */
class Estimate {
  readonly #times: number[] = []

  note(milliseconds: number): void {
    this.#times.push(milliseconds)
    if (this.#times.length > remembered) this.#times.shift()
  }

  get median(): number {
    const sorted = [...this.#times].sort((a, b) => a - b)
    return sorted[sorted.length >> 1] ?? Number.POSITIVE_INFINITY
  }
}

/** So many runs one way. */
interface Phase {
  readonly choice: Participants
  readonly runs: number
}

export class Participation {
  readonly #estimates: Readonly<Record<Participants, Estimate>> = { all: new Estimate(), one: new Estimate() }
  readonly #phases = this.#plan()
  #phase = this.#phases.next().value
  #done = 0
  /** whether the run at hand was chosen here: those off the event loop are always shared */
  #isChosen = false

  /** For the run that comes next. */
  choose(): Participants {
    if (this.#done === this.#phase.runs) {
      this.#phase = this.#phases.next().value
      this.#done = 0
    }
    this.#isChosen = true
    return this.#phase.choice
  }

  /** How long the run took that was chosen last. */
  note(milliseconds: number): void {
    if (!this.#isChosen) return
    this.#isChosen = false
    if (this.#done++ > 0) this.#estimates[this.#phase.choice].note(milliseconds)
  }

  *#plan(): Generator<Phase, never> {
    const { all, one } = this.#estimates
    yield { choice: 'all', runs: trialRuns }
    for (let runs = firstInterval; ; runs = Math.min(2 * runs, longestInterval)) {
      if (all.median <= sharedMilliseconds) yield { choice: one.median < all.median ? 'all' : 'one', runs: trialRuns }
      const isShared = all.median > sharedMilliseconds || all.median <= one.median
      yield { choice: isShared ? 'all' : 'one', runs }
    }
  }
}
