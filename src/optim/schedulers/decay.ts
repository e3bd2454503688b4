// Schedules that multiply the initial rate by a factor of the epoch: StepLR, MultiStepLR, ExponentialLR, ConstantLR, LinearLR, LambdaLR.
import { ArgumentError } from '../../base/errors.ts'
import { checkCount, eachGroup, LRScheduler, type Scheduled } from './scheduler.ts'

/** Multiplies the rate by `gamma` every `stepSize` epochs. */
export class StepLR extends LRScheduler {
  readonly stepSize: number
  readonly gamma: number

  constructor(optimizer: Scheduled, stepSize: number, { gamma = 0.1 }: { gamma?: number } = {}) {
    super(optimizer)
    checkCount('StepLR', 'stepSize', stepSize)
    this.stepSize = stepSize
    this.gamma = gamma
    this.apply()
  }

  rateAfter(epoch: number, base: number): number {
    return base * this.gamma ** Math.floor(epoch / this.stepSize)
  }
}

/** Multiplies the rate by `gamma` at each of the epochs `milestones`; one listed twice counts twice. */
export class MultiStepLR extends LRScheduler {
  readonly milestones: readonly number[]
  readonly gamma: number

  constructor(optimizer: Scheduled, milestones: readonly number[], { gamma = 0.1 }: { gamma?: number } = {}) {
    super(optimizer)
    for (const milestone of milestones) checkCount('MultiStepLR', 'each milestone', milestone, 0)
    this.milestones = [...milestones].sort((a, b) => a - b)
    this.gamma = gamma
    this.apply()
  }

  rateAfter(epoch: number, base: number): number {
    return base * this.gamma ** this.milestones.filter((milestone) => milestone <= epoch).length
  }
}

/** Multiplies the rate by `gamma` every epoch. */
export class ExponentialLR extends LRScheduler {
  readonly gamma: number

  constructor(optimizer: Scheduled, gamma: number) {
    super(optimizer)
    if (!(gamma >= 0)) throw new ArgumentError(`ExponentialLR: expected gamma to be at least 0, got ${gamma}.`)
    this.gamma = gamma
    this.apply()
  }

  rateAfter(epoch: number, base: number): number {
    return base * this.gamma ** epoch
  }
}

/** Multiplies the initial rate by a factor that goes in a straight line from `startFactor` to `endFactor` over `totalIters` epochs. */
export class LinearLR extends LRScheduler {
  readonly startFactor: number
  readonly endFactor: number
  readonly totalIters: number

  constructor(
    optimizer: Scheduled,
    options: { readonly startFactor?: number; readonly endFactor?: number; readonly totalIters?: number } = {},
  ) {
    super(optimizer)
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options
    if (!(startFactor > 0 && startFactor <= 1))
      throw new ArgumentError(`LinearLR: expected a startFactor above 0 and at most 1, got ${startFactor}.`)
    if (!(endFactor >= 0 && endFactor <= 1))
      throw new ArgumentError(`LinearLR: expected an endFactor from 0 to 1, got ${endFactor}.`)
    checkCount('LinearLR', 'totalIters', totalIters)
    this.startFactor = startFactor
    this.endFactor = endFactor
    this.totalIters = totalIters
    this.apply()
  }

  rateAfter(epoch: number, base: number): number {
    const done = Math.min(epoch, this.totalIters) / this.totalIters
    return base * (this.startFactor + (this.endFactor - this.startFactor) * done)
  }
}

/** Multiplies the initial rate by `factor` for the first `totalIters` epochs. */
export class ConstantLR extends LRScheduler {
  readonly factor: number
  readonly totalIters: number

  constructor(optimizer: Scheduled, options: { readonly factor?: number; readonly totalIters?: number } = {}) {
    super(optimizer)
    const { factor = 1 / 3, totalIters = 5 } = options
    if (!(factor >= 0 && factor <= 1))
      throw new ArgumentError(`ConstantLR: expected a factor from 0 to 1, got ${factor}.`)
    checkCount('ConstantLR', 'totalIters', totalIters)
    this.factor = factor
    this.totalIters = totalIters
    this.apply()
  }

  rateAfter(epoch: number, base: number): number {
    return epoch < this.totalIters ? base * this.factor : base
  }
}

/** Multiplies the initial rate by `factor(epoch)`; one function for all groups, or one each. */
export class LambdaLR extends LRScheduler {
  readonly #factors: readonly ((epoch: number) => number)[]

  constructor(optimizer: Scheduled, factor: ((epoch: number) => number) | readonly ((epoch: number) => number)[]) {
    super(optimizer)
    this.#factors = eachGroup('LambdaLR', 'function', factor, optimizer)
    this.apply()
  }

  protected override get keepsChanges(): boolean {
    return false
  }

  rateAfter(epoch: number, base: number, group: number): number {
    return base * this.#factors[group](epoch)
  }
}
