// A parameter group: parameters that share hyperparameters, with their state by name. Also what state dicts are made of.
import { bytesOf, type DType } from '../base/dtype.ts'
import { ArgumentError } from '../base/errors.ts'
import { sizeOf } from '../base/shape.ts'
import { fromBytes, fromHost, noGrad, stack, type Tensor, tensor } from '../tensor/index.ts'
import { Slot } from './hyperparameters.ts'

export type StateTensors = Record<string, Tensor>

/** Hyperparameters of one group. `lr` may be set at any time; what it is derived from are the other options. */
export class ParamGroup<O extends { readonly lr: number }> {
  readonly params: readonly Tensor[]
  readonly options: Readonly<O>
  /** state of each parameter by PyTorch's names, such as `exp_avg` */
  readonly state: StateTensors[]
  /** updates each parameter has had, [params]: bias corrections of all are computed at once */
  readonly steps: Tensor
  /** the learning rate that schedules start from */
  initialLr: number
  readonly #slots = new Map<string, Slot>()

  constructor(params: readonly Tensor[], options: O, stateNames: readonly string[]) {
    this.params = params
    this.options = options
    this.initialLr = options.lr
    this.state = params.map((param) => Object.fromEntries(stateNames.map((name) => [name, zeroState(param)])))
    this.steps = fromHost(new Float32Array(params.length), [params.length], this.#slotOptions)
    this.slot('lr', options.lr)
  }

  /** Numbers of half precision would lose a learning rate's digits and count to 2048 only. */
  get #slotOptions(): { dtype: DType; device: string } {
    const { dtype, device } = this.params[0]
    return { dtype: dtype === 'float64' ? dtype : 'float32', device }
  }

  get lr(): number {
    return this.#slots.get('lr')!.value
  }

  set lr(value: number) {
    checkNumber('lr', value, 0)
    this.#slots.get('lr')!.value = value
  }

  /** The tensor that holds a number derived from the options; made once, then set whenever it differs. */
  slot(name: string, value: number): Tensor {
    let slot = this.#slots.get(name)
    if (slot === undefined) {
      const { dtype, device } = this.#slotOptions
      slot = new Slot(value, dtype, device)
      this.#slots.set(name, slot)
    } else slot.value = value
    return slot.tensor
  }

  get lrSlot(): Tensor {
    return this.#slots.get('lr')!.tensor
  }

  /** Indices of the parameters that have a gradient. */
  updated(): number[] {
    return this.params.flatMap(({ grad }, index) => (grad === null ? [] : [index]))
  }

  /** Counts one more update for these parameters. */
  countSteps(updated: readonly number[]): void {
    if (updated.length === this.params.length) this.steps.add_(1)
    else if (updated.length > 0) {
      const { dtype, device } = this.steps
      const counted = new Set(updated)
      this.steps.add_(
        tensor(
          Array.from(this.params, (_, index) => Number(counted.has(index))),
          { dtype, device },
        ),
      )
    }
  }

  setSteps(steps: readonly Tensor[]): void {
    noGrad(() => this.steps.copy_(stack(steps, 0)))
  }
}

/** Zeros in memory: as constants of the graph, the first step would be another program than the rest. */
const zeroState = ({ shape, dtype, device }: Tensor): Tensor =>
  fromBytes(new Uint8Array(sizeOf(shape) * bytesOf(dtype)), shape, { dtype, device })

/** @throws ArgumentError unless `value` is a number of at least `least` and below `below` */
export function checkNumber(name: string, value: number, least: number, below = Number.POSITIVE_INFINITY): void {
  if (typeof value === 'number' && value >= least && value < below) return
  const upper = below === Number.POSITIVE_INFINITY ? '' : ` and below ${below}`
  throw new ArgumentError(`optimizer: expected ${name} to be at least ${least}${upper}, got ${String(value)}.`, {
    name,
    value,
  })
}
