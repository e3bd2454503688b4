// SequentialLR: one schedule after the other, each counting from the epoch at which it takes over.
// https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.SequentialLR.html
import { ArgumentError } from '../../base/errors.ts'
import { LRScheduler, type Scheduled } from './scheduler.ts'

export class SequentialLR extends LRScheduler {
  readonly schedulers: readonly LRScheduler[]
  readonly milestones: readonly number[]

  /** `milestones[i]` is the epoch at which `schedulers[i + 1]` takes over. All must be schedules of `optimizer`. */
  constructor(optimizer: Scheduled, schedulers: readonly LRScheduler[], milestones: readonly number[]) {
    super(optimizer)
    if (schedulers.length === 0 || milestones.length !== schedulers.length - 1)
      throw new ArgumentError(
        `SequentialLR: expected one milestone fewer than schedules, got ${milestones.length} and ${schedulers.length}.`,
      )
    if (milestones.some((milestone, index) => index > 0 && milestone <= milestones[index - 1]))
      throw new ArgumentError(`SequentialLR: expected milestones that rise, got ${milestones.join(', ')}.`)
    this.schedulers = schedulers
    this.milestones = milestones
    this.apply()
  }

  protected override get keepsChanges(): boolean {
    return false
  }

  rateAfter(epoch: number, base: number, group: number): number {
    const index = this.milestones.filter((milestone) => milestone <= epoch).length
    const start = index === 0 ? 0 : this.milestones[index - 1]
    return this.schedulers[index].rateAfter(epoch - start, base, group)
  }
}
