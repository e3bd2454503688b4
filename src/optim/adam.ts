// Adam and AdamW. https://arxiv.org/abs/1412.6980, https://arxiv.org/abs/1711.05101,
// https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html
import type { Tensor } from '../tensor/index.ts'
import { Optimizer, type ParamsInput } from './optimizer.ts'
import { type CommonOptions, checkNumber, type ParamGroup, type StateSpecs } from './param-group.ts'

export interface AdamOptions extends CommonOptions {
  /** decay of the running means of the gradient and of its square */
  readonly betas: readonly [number, number]
  readonly eps: number
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
    // 1 - beta^t as -expm1(t log beta): float32 keeps its digits where beta is near 1
    const correction = (name: string, index: 0 | 1): Tensor =>
      group.steps
        .mul(group.slot(name, ({ betas }) => Math.log(betas[index])))
        .expm1()
        .neg()
    const stepSizes = group.lrSlot.div(correction('logBeta1', 0))
    const rootCorrections = correction('logBeta2', 1).sqrt()
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
      const denominator = spread
        .sqrt()
        .div(rootCorrections.select(0, index))
        .add(group.slot('eps', ({ eps }) => eps))
      group.params[index].sub_(mean.div(denominator).mul(stepSizes.select(0, index)))
    }
  }

  /** The updated running mean of the gradient and of its square. */
  #moments(group: ParamGroup<AdamOptions>, index: number): [Tensor, Tensor] {
    const { exp_avg, exp_avg_sq, max_exp_avg_sq } = group.state[index]
    const gradient = group.gradientOf(index, !this.decouplesDecay)
    exp_avg.lerp_(
      gradient,
      group.slot('rest1', ({ betas }) => 1 - betas[0]),
    )
    exp_avg_sq
      .mul_(group.slot('beta2', ({ betas }) => betas[1]))
      .add_(gradient.mul(gradient).mul(group.slot('rest2', ({ betas }) => 1 - betas[1])))
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
