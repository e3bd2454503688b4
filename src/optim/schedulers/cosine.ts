// Cosine annealing, once and with restarts (SGDR, https://arxiv.org/abs/1608.03983).
import { ArgumentError } from '../../base/errors.ts'
import { checkCount, LRScheduler, type Scheduled } from './scheduler.ts'

/** From `start` to `end` along half a cosine; `done` goes from 0 to 1. */
export const alongCosine = (start: number, end: number, done: number): number =>
  end + ((start - end) * (1 + Math.cos(Math.PI * done))) / 2

/** Goes from the initial rate to `etaMin` along half a cosine of `tMax` epochs, and back along the next half. */
export class CosineAnnealingLR extends LRScheduler {
  readonly tMax: number
  readonly etaMin: number

  constructor(optimizer: Scheduled, tMax: number, { etaMin = 0 }: { etaMin?: number } = {}) {
    super(optimizer)
    checkCount('CosineAnnealingLR', 'tMax', tMax)
    this.tMax = tMax
    this.etaMin = etaMin
    this.apply()
  }

  rateAfter(epoch: number, base: number): number {
    return alongCosine(base, this.etaMin, epoch / this.tMax)
  }
}

/** Anneals along half a cosine of `t0` epochs, then starts again at the initial rate, each time over `tMult` times as many. */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  readonly t0: number
  readonly tMult: number
  readonly etaMin: number

  constructor(optimizer: Scheduled, t0: number, options: { readonly tMult?: number; readonly etaMin?: number } = {}) {
    super(optimizer)
    const { tMult = 1, etaMin = 0 } = options
    checkCount('CosineAnnealingWarmRestarts', 't0', t0)
    checkCount('CosineAnnealingWarmRestarts', 'tMult', tMult)
    this.t0 = t0
    this.tMult = tMult
    this.etaMin = etaMin
    this.apply()
  }

  protected override get keepsChanges(): boolean {
    return false
  }

  /** One epoch on, or to `epoch`, which may be a fraction: call it after each batch with epoch + batch / batches. */
  override step(epoch = this.lastEpoch + 1): void {
    if (!(epoch >= 0)) throw new ArgumentError(`CosineAnnealingWarmRestarts: expected an epoch from 0, got ${epoch}.`)
    this.moveTo(epoch)
  }

  rateAfter(epoch: number, base: number): number {
    let [length, within] = [this.t0, epoch]
    if (this.tMult === 1) within %= length
    else
      while (within >= length) {
        within -= length
        length *= this.tMult
      }
    return alongCosine(base, this.etaMin, within / length)
  }
}
