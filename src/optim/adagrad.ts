// Adagrad. https://jmlr.org/papers/v12/duchi11a.html, https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html
import { Optimizer, type ParamsInput } from './optimizer.ts'
import { type CommonOptions, checkNumber, type ParamGroup, type StateSpecs } from './param-group.ts'

export interface AdagradOptions extends CommonOptions {
  /** the rate of step t is lr / (1 + (t - 1) lrDecay) */
  readonly lrDecay: number
  /** where the sum of squared gradients starts */
  readonly initialAccumulatorValue: number
  readonly eps: number
}

const defaults: AdagradOptions = {
  lr: 1e-2,
  lrDecay: 0,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  eps: 1e-10,
  maximize: false,
}

export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(params: ParamsInput<AdagradOptions>, options: Partial<AdagradOptions> = {}) {
    super(params, { ...defaults, ...options })
  }

  protected get savesStep(): boolean {
    return true
  }

  protected stateOf({ initialAccumulatorValue }: AdagradOptions): StateSpecs {
    return { sum: { fill: initialAccumulatorValue } }
  }

  protected checkOptions({ lr, lrDecay, weightDecay, initialAccumulatorValue, eps }: AdagradOptions): void {
    for (const [name, value] of Object.entries({ lr, lrDecay, weightDecay, initialAccumulatorValue, eps }))
      checkNumber(name, value, 0)
  }

  protected updateGroup(group: ParamGroup<AdagradOptions>): void {
    const updated = group.updated()
    group.countSteps(updated)
    const slowed = group.steps
      .sub(1)
      .mul(group.slot('lrDecay', ({ lrDecay }) => lrDecay))
      .add(1)
    const rates = group.lrSlot.div(slowed)
    for (const index of updated) {
      const gradient = group.gradientOf(index)
      const { sum } = group.state[index]
      sum.add_(gradient.mul(gradient))
      const root = sum.sqrt().add(group.slot('eps', ({ eps }) => eps))
      group.params[index].sub_(gradient.div(root).mul(rates.select(0, index)))
    }
  }
}
