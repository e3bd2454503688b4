// The running means of a gradient and of its square, which Adam and NAdam share, and what corrects their start at zero.
import type { Tensor } from '../tensor/index.ts'
import type { CommonOptions, ParamGroup } from './param-group.ts'

export interface MomentOptions extends CommonOptions {
  /** decay of the running means of the gradient and of its square */
  readonly betas: readonly [number, number]
  readonly eps: number
}

/** Moves `exp_avg` and `exp_avg_sq` of parameter `index` on by a gradient. */
export function updateMoments(group: ParamGroup<MomentOptions>, index: number, gradient: Tensor): void {
  const { exp_avg, exp_avg_sq } = group.state[index]
  exp_avg.lerp_(
    gradient,
    group.slot('rest1', ({ betas }) => 1 - betas[0]),
  )
  exp_avg_sq
    .mul_(group.slot('beta2', ({ betas }) => betas[1]))
    .add_(gradient.mul(gradient).mul(group.slot('rest2', ({ betas }) => 1 - betas[1])))
}

/** 1 - beta^t of each parameter, as -expm1(t log beta): float32 keeps its digits where beta is near 1. */
export const biasCorrections = (group: ParamGroup<MomentOptions>, beta: 0 | 1): Tensor =>
  group.steps
    .mul(group.slot(`logBeta${beta + 1}`, ({ betas }) => Math.log(betas[beta])))
    .expm1()
    .neg()

/** What a step is divided by: the root of the corrected mean square, plus eps. */
export const rootMeanSquare = (
  group: ParamGroup<MomentOptions>,
  meanSquare: Tensor,
  rootCorrections: Tensor,
  index: number,
): Tensor =>
  meanSquare
    .sqrt()
    .div(rootCorrections.select(0, index))
    .add(group.slot('eps', ({ eps }) => eps))
