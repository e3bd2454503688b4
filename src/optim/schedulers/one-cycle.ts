// OneCycleLR: up to a high rate and down below the first one, while the momentum goes the other way; one step a batch.
// https://arxiv.org/abs/1708.07120, https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html
import { ArgumentError } from '../../base/errors.ts'
import { alongCosine } from './cosine.ts'
import { checkCount, eachGroup, LRScheduler, type Scheduled, type ScheduledGroup } from './scheduler.ts'

export interface OneCycleOptions {
  /** the highest rate, one for all groups or one for each */
  readonly maxLr: number | readonly number[]
  /** batches in all; or give epochs and stepsPerEpoch */
  readonly totalSteps?: number
  readonly epochs?: number
  readonly stepsPerEpoch?: number
  /** fraction of the steps that go up */
  readonly pctStart?: number
  readonly annealStrategy?: 'cos' | 'linear'
  readonly cycleMomentum?: boolean
  readonly baseMomentum?: number | readonly number[]
  readonly maxMomentum?: number | readonly number[]
  /** the first rate is maxLr / divFactor */
  readonly divFactor?: number
  /** the last rate is the first / finalDivFactor */
  readonly finalDivFactor?: number
  /** comes down to the first rate as long as it went up, then annihilates it; otherwise one way down */
  readonly threePhase?: boolean
}

type Level = 'first' | 'max' | 'last'

/** A phase ends at step `end`; it takes the rate and the momentum from one level to another. */
interface Phase {
  readonly end: number
  readonly rate: readonly [Level, Level]
  readonly momentum: readonly ['max' | 'base', 'max' | 'base']
}

const alongLine = (start: number, end: number, done: number): number => start + (end - start) * done

export class OneCycleLR extends LRScheduler {
  readonly totalSteps: number
  readonly #phases: readonly Phase[]
  readonly #anneal: (start: number, end: number, done: number) => number
  readonly #levels: readonly Readonly<Record<Level, number>>[]
  readonly #momenta: readonly { readonly base: number; readonly max: number }[] | undefined

  constructor(optimizer: Scheduled, options: OneCycleOptions) {
    const { maxLr, divFactor = 25, finalDivFactor = 1e4, annealStrategy = 'cos', cycleMomentum = true } = options
    const highest = eachGroup('OneCycleLR', 'maxLr', maxLr, optimizer)
    optimizer.paramGroups.forEach((group, index) => {
      group.initialLr = highest[index] / divFactor
    })
    super(optimizer)
    this.totalSteps = totalSteps(options)
    this.#phases = phasesOf(this.totalSteps, options)
    if (annealStrategy !== 'cos' && annealStrategy !== 'linear')
      throw new ArgumentError(
        `OneCycleLR: expected annealStrategy to be 'cos' or 'linear', got '${String(annealStrategy)}'.`,
      )
    this.#anneal = annealStrategy === 'cos' ? alongCosine : alongLine
    this.#levels = highest.map((max) => ({ max, first: max / divFactor, last: max / divFactor / finalDivFactor }))
    this.#momenta = cycleMomentum ? momentaOf(optimizer, options) : undefined
    this.apply()
  }

  protected override get keepsChanges(): boolean {
    return false
  }

  rateAfter(step: number, _base: number, group: number): number {
    const { phase, done } = this.#phaseAt(step)
    const [from, to] = phase.rate.map((level) => this.#levels[group][level])
    return this.#anneal(from, to, done)
  }

  protected override apply(): void {
    super.apply()
    this.#applyMomenta()
  }

  protected override moveTo(step: number): void {
    super.moveTo(step)
    this.#applyMomenta()
  }

  #applyMomenta(): void {
    const { phase, done } = this.#phaseAt(this.lastEpoch)
    this.#momenta?.forEach((levels, index) => {
      const [from, to] = phase.momentum.map((level) => levels[level])
      setMomentum(this.optimizer.paramGroups[index], this.#anneal(from, to, done))
    })
  }

  #phaseAt(step: number): { phase: Phase; done: number } {
    if (step > this.totalSteps)
      throw new ArgumentError(
        `OneCycleLR: expected at most ${this.totalSteps} steps, got step ${step}. Give the right totalSteps when creating it.`,
      )
    let start = 0
    for (const phase of this.#phases) {
      if (step <= phase.end || phase === this.#phases.at(-1))
        return { phase, done: step < phase.end ? (step - start) / (phase.end - start) : 1 }
      start = phase.end
    }
    throw new ArgumentError('OneCycleLR: expected a phase.')
  }
}

function totalSteps({ totalSteps, epochs, stepsPerEpoch }: OneCycleOptions): number {
  if (totalSteps === undefined && (epochs === undefined || stepsPerEpoch === undefined))
    throw new ArgumentError('OneCycleLR: expected totalSteps, or both epochs and stepsPerEpoch, got neither.')
  const total = totalSteps ?? epochs! * stepsPerEpoch!
  checkCount('OneCycleLR', 'totalSteps', total)
  return total
}

function phasesOf(total: number, { pctStart = 0.3, threePhase = false }: OneCycleOptions): Phase[] {
  if (!(pctStart >= 0 && pctStart <= 1))
    throw new ArgumentError(`OneCycleLR: expected pctStart from 0 to 1, got ${pctStart}.`)
  const up: Phase = { end: pctStart * total - 1, rate: ['first', 'max'], momentum: ['max', 'base'] }
  if (!threePhase) return [up, { end: total - 1, rate: ['max', 'last'], momentum: ['base', 'max'] }]
  return [
    up,
    { end: 2 * pctStart * total - 2, rate: ['max', 'first'], momentum: ['base', 'max'] },
    { end: total - 1, rate: ['first', 'last'], momentum: ['max', 'max'] },
  ]
}

function momentaOf(optimizer: Scheduled, { baseMomentum = 0.85, maxMomentum = 0.95 }: OneCycleOptions) {
  if (!optimizer.paramGroups.every(({ options }) => 'momentum' in options || 'betas' in options))
    throw new ArgumentError(
      'OneCycleLR: expected an optimizer with momentum or betas, got one without. Pass { cycleMomentum: false }.',
    )
  const highest = eachGroup('OneCycleLR', 'maxMomentum', maxMomentum, optimizer)
  const lowest = eachGroup('OneCycleLR', 'baseMomentum', baseMomentum, optimizer)
  return highest.map((max, index) => ({ max, base: lowest[index] }))
}

/** Adam's first beta is its momentum. */
function setMomentum(group: ScheduledGroup, value: number): void {
  const { betas } = group.options as { readonly betas?: readonly [number, number] }
  const set = group.set.bind(group) as (name: string, value: unknown) => void
  if (betas) set('betas', [value, betas[1]])
  else set('momentum', value)
}
