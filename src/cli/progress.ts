// Progress of an epoch: a bar that is redrawn on a terminal, nothing elsewhere; finished lines are printed either way.

export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const barWidth = 24
/** Redrawing more often than this costs time and shows nothing. */
const redrawMilliseconds = 50

export class Progress {
  readonly #screen: Screen
  #drawn = false
  #lastDraw = Number.NEGATIVE_INFINITY

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /** Shows `label` with a bar that is `done` of `total` full. */
  update(label: string, done: number, total: number): void {
    if (!this.#screen.isTTY) return
    const now = performance.now()
    if (now - this.#lastDraw < redrawMilliseconds) return
    this.#lastDraw = now
    const filled = Math.round((done / total) * barWidth)
    const line = `${label} ${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${done}/${total}`
    this.#screen.write(`\r\u001b[2K${line.slice(0, (this.#screen.columns ?? 80) - 1)}`)
    this.#drawn = true
  }

  /** Prints a whole line in place of the bar. */
  line(text: string): void {
    if (this.#drawn) this.#screen.write('\r\u001b[2K')
    this.#drawn = false
    this.#screen.write(`${text}\n`)
  }
}
