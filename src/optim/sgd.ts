// Stochastic gradient descent with momentum. https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html
import { ArgumentError } from '../base/errors.ts'
import { where } from '../tensor/index.ts'
import { Optimizer, type ParamsInput } from './optimizer.ts'
import { type CommonOptions, checkNumber, type ParamGroup, type StateSpecs } from './param-group.ts'

export interface SGDOptions extends CommonOptions {
  readonly momentum: number
  readonly dampening: number
  readonly nesterov: boolean
}

const defaults: SGDOptions = { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false }

export class SGD extends Optimizer<SGDOptions> {
  constructor(params: ParamsInput<SGDOptions>, options: Partial<SGDOptions> = {}) {
    super(params, { ...defaults, ...options })
  }

  protected get savesStep(): boolean {
    return false
  }

  protected stateOf({ momentum }: SGDOptions): StateSpecs {
    return momentum === 0 ? {} : { momentum_buffer: {} }
  }

  protected checkOptions({ lr, momentum, dampening, weightDecay, nesterov }: SGDOptions): void {
    checkNumber('lr', lr, 0)
    checkNumber('momentum', momentum, 0)
    checkNumber('weightDecay', weightDecay, 0)
    if (nesterov && (momentum <= 0 || dampening !== 0))
      throw new ArgumentError(
        `SGD: expected nesterov with a momentum and without dampening, got momentum ${momentum} and dampening ${dampening}.`,
      )
  }

  protected updateGroup(group: ParamGroup<SGDOptions>): void {
    const { momentum, dampening, nesterov } = group.options
    const updated = group.updated()
    // the first gradient enters the momentum undamped
    const damped = momentum !== 0 && dampening !== 0
    const factors = damped
      ? where(
          group.steps.eq(0),
          1,
          group.slot('rest', (options) => 1 - options.dampening),
        )
      : undefined
    if (damped) group.countSteps(updated)
    for (const index of updated) {
      const param = group.params[index]
      let gradient = group.gradientOf(index)
      if (momentum !== 0) {
        const factor = group.slot('momentum', (options) => options.momentum)
        const buffer = group.state[index].momentum_buffer
        buffer.mul_(factor).add_(factors ? gradient.mul(factors.select(0, index)) : gradient)
        gradient = nesterov ? gradient.add(buffer.mul(factor)) : buffer
      }
      param.sub_(gradient.mul(group.lrSlot))
    }
  }
}
