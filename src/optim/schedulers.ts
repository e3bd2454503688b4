// Learning-rate schedules: each gives the factor of the initial rate after a number of epochs, in closed form.
// https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
import { ArgumentError } from '../base/errors.ts'

/** What a schedule needs of an optimizer. */
export interface Scheduled {
  readonly paramGroups: readonly { lr: number; initialLr: number }[]
}

export interface SchedulerState {
  readonly lastEpoch: number
  readonly baseLrs: readonly number[]
}

export abstract class LRScheduler {
  readonly #optimizer: Scheduled
  #baseLrs: readonly number[]
  #lastEpoch = 0

  constructor(optimizer: Scheduled) {
    this.#optimizer = optimizer
    this.#baseLrs = optimizer.paramGroups.map(({ initialLr }) => initialLr)
  }

  /** The learning rate of group `group` after `epoch` steps of this schedule. */
  protected abstract rate(base: number, epoch: number, group: number): number

  /** Subclasses call this once they are set up. */
  protected apply(): void {
    this.#optimizer.paramGroups.forEach((group, index) => {
      group.lr = this.rate(this.#baseLrs[index], this.#lastEpoch, index)
    })
  }

  get lastEpoch(): number {
    return this.#lastEpoch
  }

  /** Call after the optimizer's step. */
  step(): void {
    this.#lastEpoch++
    this.apply()
  }

  getLastLr(): number[] {
    return this.#optimizer.paramGroups.map(({ lr }) => lr)
  }

  stateDict(): SchedulerState {
    return { lastEpoch: this.#lastEpoch, baseLrs: this.#baseLrs }
  }

  loadStateDict({ lastEpoch, baseLrs }: SchedulerState): void {
    if (baseLrs.length !== this.#baseLrs.length)
      throw new ArgumentError(`loadStateDict: expected ${this.#baseLrs.length} learning rates, got ${baseLrs.length}.`)
    this.#lastEpoch = lastEpoch
    this.#baseLrs = baseLrs
    this.apply()
  }
}

/** Multiplies the rate by `gamma` every `stepSize` epochs. */
export class StepLR extends LRScheduler {
  readonly stepSize: number
  readonly gamma: number

  constructor(optimizer: Scheduled, stepSize: number, { gamma = 0.1 }: { gamma?: number } = {}) {
    super(optimizer)
    if (!(stepSize >= 1)) throw new ArgumentError(`StepLR: expected a stepSize from 1, got ${stepSize}.`)
    this.stepSize = stepSize
    this.gamma = gamma
    this.apply()
  }

  protected rate(base: number, epoch: number): number {
    return base * this.gamma ** Math.floor(epoch / this.stepSize)
  }
}

/** Goes from the initial rate to `etaMin` along half a cosine of `tMax` epochs (https://arxiv.org/abs/1608.03983). */
export class CosineAnnealingLR extends LRScheduler {
  readonly tMax: number
  readonly etaMin: number

  constructor(optimizer: Scheduled, tMax: number, { etaMin = 0 }: { etaMin?: number } = {}) {
    super(optimizer)
    if (!(tMax >= 1)) throw new ArgumentError(`CosineAnnealingLR: expected a tMax from 1, got ${tMax}.`)
    this.tMax = tMax
    this.etaMin = etaMin
    this.apply()
  }

  protected rate(base: number, epoch: number): number {
    return this.etaMin + ((base - this.etaMin) * (1 + Math.cos((Math.PI * epoch) / this.tMax))) / 2
  }
}

/** Multiplies the initial rate by `factor(epoch)`; one function for all groups, or one each. */
export class LambdaLR extends LRScheduler {
  readonly #factors: readonly ((epoch: number) => number)[]

  constructor(optimizer: Scheduled, factor: ((epoch: number) => number) | readonly ((epoch: number) => number)[]) {
    super(optimizer)
    this.#factors = typeof factor === 'function' ? optimizer.paramGroups.map(() => factor) : factor
    if (this.#factors.length !== optimizer.paramGroups.length)
      throw new ArgumentError(
        `LambdaLR: expected a function for each of ${optimizer.paramGroups.length} groups, got ${this.#factors.length}.`,
      )
    this.apply()
  }

  protected rate(base: number, epoch: number, group: number): number {
    return base * this.#factors[group](epoch)
  }
}
