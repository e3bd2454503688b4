// RMSprop (Hinton, lecture 6e of Neural Networks for Machine Learning). https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html
import type { Tensor } from '../tensor/index.ts'
import { Optimizer, type ParamsInput } from './optimizer.ts'
import { type CommonOptions, checkNumber, type ParamGroup, type StateSpecs } from './param-group.ts'

export interface RMSpropOptions extends CommonOptions {
  /** decay of the running mean of the squared gradient */
  readonly alpha: number
  readonly eps: number
  readonly momentum: number
  /** divides by the standard deviation instead of the root of the mean square */
  readonly centered: boolean
}

const defaults: RMSpropOptions = {
  lr: 1e-2,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
  maximize: false,
}

export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(params: ParamsInput<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    super(params, { ...defaults, ...options })
  }

  protected get savesStep(): boolean {
    return true
  }

  protected stateOf({ momentum, centered }: RMSpropOptions): StateSpecs {
    return {
      square_avg: {},
      ...(momentum > 0 ? { momentum_buffer: {} } : {}),
      ...(centered ? { grad_avg: {} } : {}),
    }
  }

  protected checkOptions({ lr, alpha, eps, weightDecay, momentum }: RMSpropOptions): void {
    for (const [name, value] of Object.entries({ lr, alpha, eps, weightDecay, momentum })) checkNumber(name, value, 0)
  }

  protected updateGroup(group: ParamGroup<RMSpropOptions>): void {
    const { momentum } = group.options
    const updated = group.updated()
    group.countSteps(updated)
    for (const index of updated) {
      const param = group.params[index]
      const gradient = group.gradientOf(index)
      const scaled = gradient.div(this.#rootMeanSquare(group, index, gradient))
      if (momentum > 0) {
        const { momentum_buffer } = group.state[index]
        momentum_buffer.mul_(group.slot('momentum', (options) => options.momentum)).add_(scaled)
        param.sub_(momentum_buffer.mul(group.lrSlot))
      } else param.sub_(scaled.mul(group.lrSlot))
    }
  }

  #rootMeanSquare(group: ParamGroup<RMSpropOptions>, index: number, gradient: Tensor): Tensor {
    const { square_avg, grad_avg } = group.state[index]
    const rest = group.slot('rest', ({ alpha }) => 1 - alpha)
    square_avg.mul_(group.slot('alpha', ({ alpha }) => alpha)).add_(gradient.mul(gradient).mul(rest))
    if (group.options.centered) grad_avg.lerp_(gradient, rest)
    const spread = group.options.centered ? square_avg.sub(grad_avg.square()) : square_avg
    return spread.sqrt().add(group.slot('eps', ({ eps }) => eps))
  }
}
