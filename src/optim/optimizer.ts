// Optimizer: parameter groups, zeroGrad, step and state dicts in PyTorch's layout. A subclass says how one group is updated.
// https://docs.pytorch.org/docs/stable/optim.html
import { ArgumentError } from '../base/errors.ts'
import { formatShape, sameShape } from '../base/shape.ts'
import { noGrad, Tensor } from '../tensor/index.ts'
import { guard } from '../tensor/tracing.ts'
import { type CommonOptions, ParamGroup, type StateSpecs, type StateTensors } from './param-group.ts'

export type GroupInput<O> = { readonly params: Iterable<Tensor> } & Partial<O>
export type ParamsInput<O> = Iterable<Tensor> | Iterable<GroupInput<O>>

/** PyTorch's layout: state by the parameter's position over all groups, and the groups with positions for parameters. */
export interface OptimizerState {
  readonly state: Readonly<Record<number, StateTensors>>
  readonly param_groups: readonly (Readonly<Record<string, unknown>> & { readonly params: readonly number[] })[]
}

export abstract class Optimizer<O extends CommonOptions = CommonOptions> {
  readonly paramGroups: ParamGroup<O>[] = []
  readonly #defaults: O

  constructor(params: ParamsInput<O>, defaults: O) {
    this.#defaults = defaults
    const given = [...params] as (Tensor | GroupInput<O>)[]
    if (given.length === 0)
      throw new ArgumentError(
        `${this.constructor.name}: expected at least one parameter, got none. Does the model have any?`,
      )
    const tensors = given.filter((item) => item instanceof Tensor)
    if (tensors.length === given.length) this.addParamGroup({ params: tensors } as unknown as GroupInput<O>)
    else for (const group of given) this.addParamGroup(group as GroupInput<O>)
  }

  /** The state that each parameter has under these options, by PyTorch's names. */
  protected abstract stateOf(options: O): StateSpecs
  /** @throws ArgumentError for options that make no sense */
  protected abstract checkOptions(options: O): void
  /** Updates the group's parameters in place; gradients are off. */
  protected abstract updateGroup(group: ParamGroup<O>): void
  /** Whether state dicts carry the count of updates as `step`. */
  protected abstract readonly savesStep: boolean

  addParamGroup({ params, ...own }: GroupInput<O>): void {
    const list = params instanceof Tensor ? [params] : [...(params ?? [])]
    const options = { ...this.#defaults, ...own } as O
    this.checkOptions(options)
    const known = new Set(this.paramGroups.flatMap((group) => group.params))
    for (const param of list) {
      this.#checkParameter(param)
      if (known.has(param))
        throw new ArgumentError(
          `${this.constructor.name}: expected each parameter once, got ${formatShape(param.shape)} twice.`,
        )
      known.add(param)
    }
    if (list.length === 0)
      throw new ArgumentError(`${this.constructor.name}: expected parameters in each group, got none.`)
    this.paramGroups.push(new ParamGroup(list, options, this.stateOf(options)))
  }

  #checkParameter(param: Tensor): void {
    if (!(param instanceof Tensor))
      throw new ArgumentError(`${this.constructor.name}: expected parameters to be tensors, got ${typeof param}.`)
    if (!param.isLeaf)
      throw new ArgumentError(
        `${this.constructor.name}: expected leaf tensors, got the result of an operation of shape ${formatShape(param.shape)}. ` +
          'Make it a leaf: x.detach().requiresGrad_().',
      )
  }

  /** Forgets the gradients of all parameters, so that the next backward starts anew. */
  zeroGrad(): void {
    for (const { params } of this.paramGroups) for (const param of params) param.grad = null
  }

  /**
   * Updates every parameter that has a gradient and submits the work. The update itself happens before this returns; awaiting it
   * keeps at most two steps in flight.
   */
  step(): Promise<void> {
    noGrad(() => {
      for (const group of this.paramGroups) {
        guard(() => group.version)
        this.updateGroup(group)
      }
    })
    const { session } = this.paramGroups[0].params[0]
    return session.step()
  }

  /** State that shares storage with the optimizer; save or clone it to keep the values of now. */
  stateDict(): OptimizerState {
    const state: Record<number, StateTensors> = {}
    let first = 0
    const groups = this.paramGroups.map((group) => {
      group.state.forEach((tensors, index) => {
        const step: StateTensors = this.savesStep ? { step: group.steps.select(0, index) } : {}
        if (this.savesStep || Object.keys(tensors).length > 0) state[first + index] = { ...step, ...tensors }
      })
      const params = group.params.map((_, index) => first + index)
      first += group.params.length
      const start = group.initialLr === undefined ? {} : { initial_lr: group.initialLr }
      return { ...toSnakeCase(group.options), ...start, params }
    })
    return { state, param_groups: groups }
  }

  /** Copies state saved from an optimizer of the same kind over parameters of the same shapes. Options of the groups are taken over too. */
  loadStateDict({ state, param_groups }: OptimizerState): void {
    const sizes = this.paramGroups.map(({ params }) => params.length)
    const given = param_groups.map(({ params }) => params.length)
    if (sizes.join() !== given.join())
      throw new ArgumentError(
        `loadStateDict: expected ${sizes.length} groups of ${sizes.join(', ')} parameters, got ${given.length} of ${given.join(', ')}.`,
      )
    const options = param_groups.map((saved, index) => {
      const merged = { ...this.paramGroups[index].options, ...pick(fromSnakeCase(saved), this.#defaults) } as O
      this.checkOptions(merged)
      return merged
    })
    const groups = this.paramGroups.map(
      (group, index) => new ParamGroup(group.params, options[index], this.stateOf(options[index])),
    )
    groups.forEach((group, index) => {
      this.#loadGroup(group, param_groups[index].params, state)
      const start = param_groups[index].initial_lr
      group.initialLr = start === undefined ? undefined : Number(start)
    })
    this.paramGroups.splice(0, groups.length, ...groups)
  }

  #loadGroup(group: ParamGroup<O>, positions: readonly number[], state: OptimizerState['state']): void {
    const saved = positions.map((position) => state[position] as StateTensors | undefined)
    noGrad(() => {
      group.state.forEach((own, index) => {
        for (const [name, target] of Object.entries(own)) {
          const value = saved[index]?.[name]
          if (value && !sameShape(value.shape, target.shape))
            throw new ArgumentError(
              `loadStateDict: expected ${name} of parameter ${positions[index]} to be ${formatShape(target.shape)}, got ` +
                `${formatShape(value.shape)}.`,
            )
          if (value) target.copy_(value)
        }
      })
      const zero = group.steps.select(0, 0)
      const counted = (own: StateTensors | undefined) => (own ? (own.step?.reshape([]) ?? zero.add(1)) : zero)
      group.setSteps(saved.map((own) => counted(own).to(group.steps.dtype)))
    })
  }
}

const toSnake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const toCamel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
const renamed = (fields: object, rename: (name: string) => string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [rename(name), value]))
const toSnakeCase = (fields: object): Record<string, unknown> => renamed(fields, toSnake)
const fromSnakeCase = (fields: object): Record<string, unknown> => renamed(fields, toCamel)
const pick = (fields: Record<string, unknown>, wanted: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => Object.hasOwn(wanted, name)))
