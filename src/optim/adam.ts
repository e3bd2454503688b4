// Adam and AdamW. https://arxiv.org/abs/1412.6980, https://arxiv.org/abs/1711.05101,
// https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html
import type { Tensor } from '../tensor/index.ts'
import { biasCorrections, type MomentOptions, rootMeanSquare, updateMoments } from './moments.ts'
import { Optimizer, type ParamsInput } from './optimizer.ts'
import { checkNumber, type ParamGroup, type StateSpecs } from './param-group.ts'

export interface AdamOptions extends MomentOptions {
  /** divides by the largest running square so far */
  readonly amsgrad: boolean
}

const defaults: AdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
}

export class Adam extends Optimizer<AdamOptions> {
  constructor(params: ParamsInput<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, { ...defaults, ...options })
  }

  protected get savesStep(): boolean {
    return true
  }

  /** Adam adds weight decay to the gradient; AdamW shrinks the parameter. */
  protected get decouplesDecay(): boolean {
    return false
  }

  protected stateOf({ amsgrad }: AdamOptions): StateSpecs {
    return { exp_avg: {}, exp_avg_sq: {}, ...(amsgrad ? { max_exp_avg_sq: {} } : {}) }
  }

  protected checkOptions({ lr, betas, eps, weightDecay }: AdamOptions): void {
    checkNumber('lr', lr, 0)
    checkNumber('betas[0]', betas[0], 0, 1)
    checkNumber('betas[1]', betas[1], 0, 1)
    checkNumber('eps', eps, 0)
    checkNumber('weightDecay', weightDecay, 0)
  }

  protected updateGroup(group: ParamGroup<AdamOptions>): void {
    const { weightDecay } = group.options
    const updated = group.updated()
    group.countSteps(updated)
    const stepSizes = group.lrSlot.div(biasCorrections(group, 0))
    const rootCorrections = biasCorrections(group, 1).sqrt()
    const shrink =
      weightDecay !== 0 && this.decouplesDecay
        ? group.lrSlot
            .mul(group.slot('weightDecay', (options) => options.weightDecay))
            .neg()
            .add(1)
        : undefined
    for (const index of updated) {
      if (shrink) group.params[index].mul_(shrink)
      const [mean, spread] = this.#moments(group, index)
      const denominator = rootMeanSquare(group, spread, rootCorrections, index)
      group.params[index].sub_(mean.div(denominator).mul(stepSizes.select(0, index)))
    }
  }

  /** The updated running mean of the gradient and of its square. */
  #moments(group: ParamGroup<AdamOptions>, index: number): [Tensor, Tensor] {
    const { exp_avg, exp_avg_sq, max_exp_avg_sq } = group.state[index]
    updateMoments(group, index, group.gradientOf(index, !this.decouplesDecay))
    if (!group.options.amsgrad) return [exp_avg, exp_avg_sq]
    max_exp_avg_sq.copy_(max_exp_avg_sq.maximum(exp_avg_sq))
    return [exp_avg, max_exp_avg_sq]
  }
}

export class AdamW extends Adam {
  constructor(params: ParamsInput<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, { weightDecay: 1e-2, ...options })
  }

  protected override get decouplesDecay(): boolean {
    return true
  }
}
