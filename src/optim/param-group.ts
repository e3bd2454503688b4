// A parameter group: parameters that share hyperparameters, with their state by name. Also what state dicts are made of.
import { bytesOf, type DType } from '../base/dtype.ts'
import { ArgumentError } from '../base/errors.ts'
import { sizeOf } from '../base/shape.ts'
import { fromBytes, fromHost, noGrad, stack, type Tensor, tensor } from '../tensor/index.ts'
import { Slot } from './hyperparameters.ts'

export type StateTensors = Record<string, Tensor>

/** How a piece of a parameter's state starts: filled with `fill` (0 unless said), of the parameter's shape unless `scalar`. */
export interface StateSpec {
  readonly fill?: number
  readonly scalar?: boolean
}
export type StateSpecs = Readonly<Record<string, StateSpec>>

/** What every optimizer has. */
export interface CommonOptions {
  readonly lr: number
  readonly weightDecay: number
  /** climbs instead of descending */
  readonly maximize: boolean
}

/** Hyperparameters of one group, and the state of its parameters. Change a hyperparameter at any time with `set`, or `lr` directly. */
export class ParamGroup<O extends CommonOptions> {
  readonly params: readonly Tensor[]
  /** state of each parameter by PyTorch's names, such as `exp_avg` */
  readonly state: StateTensors[]
  /** updates each parameter has had, [params]: bias corrections of all are computed at once */
  readonly steps: Tensor
  /** the learning rate that schedules start from, once there is one */
  initialLr: number | undefined
  #options: Readonly<O>
  #version = 0
  readonly #slots = new Map<string, { readonly slot: Slot; readonly derive: () => number }>()

  constructor(params: readonly Tensor[], options: O, specs: StateSpecs) {
    this.params = params
    this.#options = options
    const startOf = (param: Tensor): StateTensors =>
      Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, initialState(param, spec)]))
    this.state = params.map(startOf)
    this.steps = fromHost(new Float32Array(params.length), [params.length], this.#slotOptions)
  }

  /** Numbers of half precision would lose a learning rate's digits and count to 2048 only. */
  get #slotOptions(): { dtype: DType; device: string } {
    const { dtype, device } = this.params[0]
    return { dtype: dtype === 'float64' ? dtype : 'float32', device }
  }

  get options(): Readonly<O> {
    return this.#options
  }

  /** Changes whenever an option that decides what is computed, rather than with which number, does: a compiled step is traced again. */
  get version(): number {
    return this.#version
  }

  get lr(): number {
    return this.#options.lr
  }

  set lr(value: number) {
    checkNumber('lr', value, 0)
    this.set('lr', value)
  }

  /** Changes one hyperparameter; programs compiled with the old number go on with the new one. */
  set<K extends keyof O>(name: K, value: O[K]): void {
    const isSameKind = typeof value === 'number' && (value === 0) === (this.#options[name] === 0)
    if (!isSameKind && !Object.is(value, this.#options[name])) this.#version++
    this.#options = { ...this.#options, [name]: value }
    for (const { slot, derive } of this.#slots.values()) slot.value = derive()
  }

  /** The tensor that holds a number derived from the options; made once, written when the options change. */
  slot(name: string, derive: (options: O) => number): Tensor {
    let entry = this.#slots.get(name)
    if (entry === undefined) {
      const { dtype, device } = this.#slotOptions
      entry = { slot: new Slot(derive(this.#options), dtype, device), derive: () => derive(this.#options) }
      this.#slots.set(name, entry)
    }
    return entry.slot.tensor
  }

  get lrSlot(): Tensor {
    return this.slot('lr', ({ lr }) => lr)
  }

  /** Indices of the parameters that have a gradient. */
  updated(): number[] {
    return this.params.flatMap(({ grad }, index) => (grad === null ? [] : [index]))
  }

  /** The direction to climb: the gradient, negated to maximize, plus the parameter's decay (L2 penalty) unless it is applied elsewhere. */
  gradientOf(index: number, addsDecay = true): Tensor {
    const { maximize, weightDecay } = this.#options
    const param = this.params[index]
    const gradient = maximize ? param.grad!.neg() : param.grad!
    if (weightDecay === 0 || !addsDecay) return gradient
    return gradient.add(param.mul(this.slot('weightDecay', (options) => options.weightDecay)))
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

/** A value in memory: as a constant of the graph, the first step would be another program than the rest. */
function initialState({ shape, dtype, device }: Tensor, { fill = 0, scalar = false }: StateSpec): Tensor {
  const extents = scalar ? [] : shape
  const size = sizeOf(extents)
  if (fill === 0) return fromBytes(new Uint8Array(size * bytesOf(dtype)), extents, { dtype, device })
  return fromHost(new Float64Array(size).fill(fill), extents, { dtype, device })
}

/** @throws ArgumentError unless `value` is a number of at least `least` and below `below` */
export function checkNumber(name: string, value: number, least: number, below = Number.POSITIVE_INFINITY): void {
  if (typeof value === 'number' && value >= least && value < below) return
  const upper = below === Number.POSITIVE_INFINITY ? '' : ` and below ${below}`
  throw new ArgumentError(`optimizer: expected ${name} to be at least ${least}${upper}, got ${String(value)}.`, {
    name,
    value,
  })
}
