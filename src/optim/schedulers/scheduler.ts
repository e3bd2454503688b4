// Learning-rate schedules: each gives the rate after a number of epochs, in closed form, so that resuming needs a count and no history.
// https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
import { ArgumentError } from '../../base/errors.ts'

/** What a schedule needs of a parameter group. */
export interface ScheduledGroup {
  lr: number
  initialLr: number | undefined
  readonly options: object
  set(name: never, value: never): void
}

/** What a schedule needs of an optimizer. */
export interface Scheduled {
  readonly paramGroups: readonly ScheduledGroup[]
}

export interface SchedulerState {
  readonly lastEpoch: number
  readonly baseLrs: readonly number[]
  /** what the schedule set last */
  readonly lastLr: readonly number[]
}

export abstract class LRScheduler {
  protected readonly optimizer: Scheduled
  #baseLrs: readonly number[]
  #lastEpoch = 0
  #lastLr: readonly number[]

  constructor(optimizer: Scheduled) {
    this.optimizer = optimizer
    for (const group of optimizer.paramGroups) group.initialLr ??= group.lr
    this.#baseLrs = optimizer.paramGroups.map(({ initialLr }) => initialLr!)
    this.#lastLr = this.#baseLrs
  }

  /** The learning rate of group `group`, whose initial one was `base`, after `epoch` steps. */
  abstract rateAfter(epoch: number, base: number, group: number): number

  /** Whether a rate that was changed in between, by hand or by another schedule, stays changed by that factor. */
  protected get keepsChanges(): boolean {
    return true
  }

  /** Sets the rates of the first epoch; subclasses call this once they are set up. */
  protected apply(): void {
    this.#setRates(this.#ratesAfter(this.#lastEpoch))
  }

  #ratesAfter(epoch: number): number[] {
    return this.optimizer.paramGroups.map((_, index) => this.rateAfter(epoch, this.#baseLrs[index], index))
  }

  #setRates(rates: readonly number[]): void {
    this.optimizer.paramGroups.forEach((group, index) => {
      group.lr = rates[index]
    })
    this.#lastLr = rates
  }

  get lastEpoch(): number {
    return this.#lastEpoch
  }

  get baseLrs(): readonly number[] {
    return this.#baseLrs
  }

  /** Call after the optimizer's step, once an epoch or, for schedules that count batches, once a batch. */
  step(): void {
    this.moveTo(this.#lastEpoch + 1)
  }

  /** Sets the rates of `epoch`. */
  protected moveTo(epoch: number): void {
    const before = this.#ratesAfter(this.#lastEpoch)
    const after = this.#ratesAfter(epoch)
    this.#lastEpoch = epoch
    const { paramGroups } = this.optimizer
    const isChanged = (index: number): boolean =>
      this.keepsChanges && before[index] !== 0 && paramGroups[index].lr !== before[index]
    this.#setRates(
      after.map((rate, index) => (isChanged(index) ? (rate * paramGroups[index].lr) / before[index] : rate)),
    )
  }

  /** The rates that this schedule set last, one for each group. */
  getLastLr(): number[] {
    return [...this.#lastLr]
  }

  stateDict(): SchedulerState {
    return { lastEpoch: this.#lastEpoch, baseLrs: this.#baseLrs, lastLr: this.#lastLr }
  }

  /** Goes on where the schedule with this state was, and sets its rates. */
  loadStateDict({ lastEpoch, baseLrs, lastLr }: SchedulerState): void {
    const { paramGroups } = this.optimizer
    if (baseLrs.length !== paramGroups.length)
      throw new ArgumentError(`loadStateDict: expected ${paramGroups.length} learning rates, got ${baseLrs.length}.`)
    this.#lastEpoch = lastEpoch
    this.#baseLrs = [...baseLrs]
    this.#lastLr = [...lastLr]
    paramGroups.forEach((group, index) => {
      group.lr = lastLr[index]
    })
  }
}

/** @throws ArgumentError unless `value` is an integer of at least `least` */
export function checkCount(schedule: string, name: string, value: number, least = 1): void {
  if (!Number.isInteger(value) || value < least)
    throw new ArgumentError(`${schedule}: expected ${name} to be an integer from ${least}, got ${String(value)}.`)
}

/** One value for all groups, or one for each. */
export function eachGroup<T>(schedule: string, name: string, value: T | readonly T[], { paramGroups }: Scheduled): T[] {
  const values = Array.isArray(value) ? (value as T[]) : paramGroups.map(() => value as T)
  if (values.length !== paramGroups.length)
    throw new ArgumentError(
      `${schedule}: expected one ${name} for all or one for each of ${paramGroups.length} groups, got ${values.length}.`,
    )
  return values
}
