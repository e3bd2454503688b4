// Lion: steps by the sign of a momentum. https://arxiv.org/abs/2302.06675 (algorithm 2)
import { Optimizer, type ParamsInput } from './optimizer.ts'
import { type CommonOptions, checkNumber, type ParamGroup, type StateSpecs } from './param-group.ts'

export interface LionOptions extends CommonOptions {
  /** weights of the momentum: in the step taken, and in the momentum kept */
  readonly betas: readonly [number, number]
  /** shrinks the parameter by lr * weightDecay each step */
  readonly weightDecay: number
}

const defaults: LionOptions = { lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0, maximize: false }

export class Lion extends Optimizer<LionOptions> {
  constructor(params: ParamsInput<LionOptions>, options: Partial<LionOptions> = {}) {
    super(params, { ...defaults, ...options })
  }

  protected get savesStep(): boolean {
    return false
  }

  protected stateOf(): StateSpecs {
    return { exp_avg: {} }
  }

  protected checkOptions({ lr, betas, weightDecay }: LionOptions): void {
    checkNumber('lr', lr, 0)
    checkNumber('betas[0]', betas[0], 0, 1)
    checkNumber('betas[1]', betas[1], 0, 1)
    checkNumber('weightDecay', weightDecay, 0)
  }

  protected updateGroup(group: ParamGroup<LionOptions>): void {
    const { weightDecay } = group.options
    const shrink = group.slot('shrink', (options) => 1 - options.lr * options.weightDecay)
    for (const index of group.updated()) {
      const param = group.params[index]
      const { exp_avg } = group.state[index]
      const gradient = group.gradientOf(index, false)
      const direction = exp_avg
        .lerp(
          gradient,
          group.slot('rest1', ({ betas }) => 1 - betas[0]),
        )
        .sign()
      if (weightDecay !== 0) param.mul_(shrink)
      param.sub_(direction.mul(group.lrSlot))
      exp_avg.lerp_(
        gradient,
        group.slot('rest2', ({ betas }) => 1 - betas[1]),
      )
    }
  }
}
