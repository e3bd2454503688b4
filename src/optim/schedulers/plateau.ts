// ReduceLROnPlateau: multiplies the rate when a metric has stopped improving.
// https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html
import { ArgumentError } from '../../base/errors.ts'
import { checkCount, eachGroup, type Scheduled } from './scheduler.ts'

export interface PlateauOptions {
  /** whether a good metric is small or large */
  readonly mode?: 'min' | 'max'
  readonly factor?: number
  /** epochs without improvement that are let pass */
  readonly patience?: number
  /** an improvement is larger than this … */
  readonly threshold?: number
  /** … as a fraction of the best value, or absolutely */
  readonly thresholdMode?: 'rel' | 'abs'
  /** epochs after a reduction that do not count */
  readonly cooldown?: number
  readonly minLr?: number | readonly number[]
  /** smaller changes of the rate are not made */
  readonly eps?: number
}

export interface PlateauState {
  readonly best: number
  readonly numBadEpochs: number
  readonly cooldownCounter: number
  readonly lastEpoch: number
}

const oneOf = (name: string, value: string, allowed: readonly string[]): void => {
  if (!allowed.includes(value))
    throw new ArgumentError(`ReduceLROnPlateau: expected ${name} to be ${allowed.join(' or ')}, got '${value}'.`)
}

export class ReduceLROnPlateau {
  readonly #optimizer: Scheduled
  readonly #options: Required<Omit<PlateauOptions, 'minLr'>>
  readonly #minLrs: readonly number[]
  #state: PlateauState

  constructor(optimizer: Scheduled, { minLr = 0, ...options }: PlateauOptions = {}) {
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = 'rel' } = options
    const { cooldown = 0, eps = 1e-8 } = options
    if (!(factor < 1)) throw new ArgumentError(`ReduceLROnPlateau: expected a factor below 1, got ${factor}.`)
    oneOf('mode', mode, ['min', 'max'])
    oneOf('thresholdMode', thresholdMode, ['rel', 'abs'])
    checkCount('ReduceLROnPlateau', 'patience', patience, 0)
    checkCount('ReduceLROnPlateau', 'cooldown', cooldown, 0)
    this.#optimizer = optimizer
    this.#options = { mode, factor, patience, threshold, thresholdMode, cooldown, eps }
    this.#minLrs = eachGroup('ReduceLROnPlateau', 'minLr', minLr, optimizer)
    const worst = mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
    this.#state = { best: worst, numBadEpochs: 0, cooldownCounter: 0, lastEpoch: 0 }
  }

  /** Call once an epoch with the metric watched, a number: `schedule.step(await loss.item())`. */
  step(metric: number): void {
    if (typeof metric !== 'number')
      throw new ArgumentError(
        `ReduceLROnPlateau: expected a number, got ${typeof metric}. Read a tensor first: step(await loss.item()).`,
      )
    const { cooldown, patience } = this.#options
    let { best, numBadEpochs, cooldownCounter, lastEpoch } = this.#state
    lastEpoch++
    if (this.#isBetter(metric, best)) [best, numBadEpochs] = [metric, 0]
    else numBadEpochs++
    if (cooldownCounter > 0) [cooldownCounter, numBadEpochs] = [cooldownCounter - 1, 0]
    if (numBadEpochs > patience) {
      this.#reduce()
      ;[cooldownCounter, numBadEpochs] = [cooldown, 0]
    }
    this.#state = { best, numBadEpochs, cooldownCounter, lastEpoch }
  }

  #isBetter(metric: number, best: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options
    if (mode === 'min') return metric < (thresholdMode === 'rel' ? best * (1 - threshold) : best - threshold)
    return metric > (thresholdMode === 'rel' ? best * (1 + threshold) : best + threshold)
  }

  #reduce(): void {
    const { factor, eps } = this.#options
    this.#optimizer.paramGroups.forEach((group, index) => {
      const next = Math.max(group.lr * factor, this.#minLrs[index])
      if (group.lr - next > eps) group.lr = next
    })
  }

  getLastLr(): number[] {
    return this.#optimizer.paramGroups.map(({ lr }) => lr)
  }

  stateDict(): PlateauState {
    return this.#state
  }

  loadStateDict(state: PlateauState): void {
    this.#state = { ...state }
  }
}
