// How long a short program takes goes in; out comes whether all participants should run it or one, which wakes and awaits nobody.
// Results do not depend on the choice, so it may follow the clock: which is faster depends on how busy the machine is.

export type Participants = 'all' | 'one'

/** Longer programs are always shared. */
const sharedMilliseconds = 1
/** Once so many runs the slower way is tried again. */
const probeInterval = 64
const memory = 1 / 8
/** Runs each way before the faster one is preferred: the first meets cold caches and sleeping helpers. */
const trials = 4

/** A running mean of one way's times; what is far above it was somebody else's fault. */
class Estimate {
  mean = Number.POSITIVE_INFINITY
  runs = 0

  note(milliseconds: number): void {
    this.runs++
    if (this.runs <= 2) this.mean = Math.min(this.mean, milliseconds)
    else this.mean += (Math.min(milliseconds, 2 * this.mean) - this.mean) * memory
  }
}

export class Participation {
  readonly #one = new Estimate()
  readonly #all = new Estimate()
  #runs = 0
  #choice: Participants = 'all'

  /** For the run that comes next. */
  choose(): Participants {
    this.#choice = this.#next()
    return this.#choice
  }

  #next(): Participants {
    if (this.#all.runs < 2 || this.#all.mean > sharedMilliseconds) return 'all'
    if (this.#one.runs < trials) return 'one'
    if (this.#all.runs < trials) return 'all'
    const isProbe = ++this.#runs % probeInterval === 0
    return this.#one.mean <= this.#all.mean !== isProbe ? 'one' : 'all'
  }

  /** How long the run took that was chosen last. */
  note(milliseconds: number): void {
    const estimate = this.#choice === 'one' ? this.#one : this.#all
    estimate.note(milliseconds)
  }
}
