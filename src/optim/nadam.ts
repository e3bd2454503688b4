// NAdam: Adam with Nesterov momentum. https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ,
// https://docs.pytorch.org/docs/stable/generated/torch.optim.NAdam.html
import type { Tensor } from '../tensor/index.ts'
import { biasCorrections, type MomentOptions, rootMeanSquare, updateMoments } from './moments.ts'
import { Optimizer, type ParamsInput } from './optimizer.ts'
import { checkNumber, type ParamGroup, type StateSpecs } from './param-group.ts'

export interface NAdamOptions extends MomentOptions {
  /** how fast the momentum warms up: that of step t is beta1 (1 - 0.96^(t momentumDecay) / 2) */
  readonly momentumDecay: number
  /** shrinks the parameter as AdamW does instead of adding to the gradient */
  readonly decoupledWeightDecay: boolean
}

const defaults: NAdamOptions = {
  lr: 2e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  momentumDecay: 4e-3,
  decoupledWeightDecay: false,
  maximize: false,
}

/** Base of the momentum's schedule, as in the paper. */
const scheduleBase = 0.96

export class NAdam extends Optimizer<NAdamOptions> {
  constructor(params: ParamsInput<NAdamOptions>, options: Partial<NAdamOptions> = {}) {
    super(params, { ...defaults, ...options })
  }

  protected get savesStep(): boolean {
    return true
  }

  protected stateOf(): StateSpecs {
    return { mu_product: { scalar: true, fill: 1 }, exp_avg: {}, exp_avg_sq: {} }
  }

  protected checkOptions({ lr, betas, eps, weightDecay, momentumDecay }: NAdamOptions): void {
    checkNumber('betas[0]', betas[0], 0, 1)
    checkNumber('betas[1]', betas[1], 0, 1)
    for (const [name, value] of Object.entries({ lr, eps, weightDecay, momentumDecay })) checkNumber(name, value, 0)
  }

  protected updateGroup(group: ParamGroup<NAdamOptions>): void {
    const { weightDecay, decoupledWeightDecay } = group.options
    const updated = group.updated()
    group.countSteps(updated)
    const momenta = momentumAfter(group, group.steps)
    const nextMomenta = momentumAfter(group, group.steps.add(1))
    const rootCorrections = biasCorrections(group, 1).sqrt()
    const shrink = group.slot('shrink', (options) => 1 - options.lr * options.weightDecay)
    for (const index of updated) {
      const param = group.params[index]
      if (weightDecay !== 0 && decoupledWeightDecay) param.mul_(shrink)
      const gradient = group.gradientOf(index, !decoupledWeightDecay)
      const [momentum, next] = [momenta.select(0, index), nextMomenta.select(0, index)]
      const { mu_product, exp_avg, exp_avg_sq } = group.state[index]
      mu_product.mul_(momentum)
      updateMoments(group, index, gradient)
      const root = rootMeanSquare(group, exp_avg_sq, rootCorrections, index)
      const ofGradient = momentum.neg().add(1).div(mu_product.neg().add(1))
      const ofMean = next.div(mu_product.mul(next).neg().add(1))
      param.sub_(gradient.mul(ofGradient).add(exp_avg.mul(ofMean)).div(root).mul(group.lrSlot))
    }
  }
}

/** beta1 (1 - 0.96^(steps * momentumDecay) / 2) */
function momentumAfter(group: ParamGroup<NAdamOptions>, steps: Tensor): Tensor {
  const rate = group.slot('momentumRate', ({ momentumDecay }) => momentumDecay * Math.log(scheduleBase))
  const warmth = steps.mul(rate).exp().mul(-0.5).add(1)
  return warmth.mul(group.slot('beta1', ({ betas }) => betas[0]))
}
