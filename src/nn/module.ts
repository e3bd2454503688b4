// Module: a plain object of fields that can be called. It finds parameters by walking its fields; it keeps no lists of its own
// except of buffers and hooks. https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
import type { DType } from '../base/dtype.ts'
import { isFloat } from '../base/dtype.ts'
import { ArgumentError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { noGrad, Tensor } from '../tensor/index.ts'
import { guard } from '../tensor/tracing.ts'
import { Callable } from './callable.ts'
import { keepingResult } from './keep-result.ts'
import { parameter } from './parameter.ts'
import { printModule } from './print-module.ts'
import { type LoadReport, loadState, type StateDict, type StateSource } from './state-dict.ts'
import { type ModelSummary, type SummaryOptions, summarize } from './summary.ts'
import { joinName, type Member, membersOf, walkModules, walkTensors } from './walk.ts'

export type ForwardPreHook = (module: Module, args: readonly unknown[]) => readonly unknown[] | undefined
export type ForwardHook = (module: Module, args: readonly unknown[], output: unknown) => unknown

export interface HookHandle {
  remove(): void
}

/** A module of one tensor to one tensor, which Sequential can hold. */
export type Layer = Module & ((x: Tensor) => Tensor)

export interface Module {
  /** Runs forward pre-hooks, `forward`, then forward hooks. */
  // biome-ignore lint/style/useShorthandFunctionType: a function type would not merge with the class
  (...args: Parameters<this['forward']>): ReturnType<this['forward']>
}

const isModule = (value: unknown): value is Module => value instanceof Module
const addHook = <T>(hooks: Set<T>, hook: T): HookHandle => {
  hooks.add(hook)
  return { remove: () => void hooks.delete(hook) }
}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface adds the call signature of `this['forward']`
export abstract class Module extends Callable {
  /** Names in state dicts of fields that PyTorch spells otherwise, such as `{ runningMean: 'running_mean' }`. */
  static readonly stateNames: Readonly<Record<string, string>> = {}

  readonly #buffers = new Map<string, { readonly persistent: boolean }>()
  readonly #preHooks = new Set<ForwardPreHook>()
  readonly #hooks = new Set<ForwardHook>()
  /** true after `train()`, false after `eval()`; dropout and batch norm read it */
  training = true

  abstract forward(...args: never[]): unknown

  /** What calling the module does. */
  invoke(...given: unknown[]): unknown {
    guard(() => this.training)
    return keepingResult(() => {
      let args: readonly unknown[] = given
      for (const hook of this.#preHooks) args = hook(this, args) ?? args
      let output: unknown = this.forward(...(args as never[]))
      for (const hook of this.#hooks) output = hook(this, args, output) ?? output
      return output
    })
  }

  /** `hook(module, args)` runs before each call; an array it returns replaces the arguments. */
  registerForwardPreHook(hook: ForwardPreHook): HookHandle {
    return addHook(this.#preHooks, hook)
  }

  /** `hook(module, args, output)` runs after each call; what it returns, unless undefined, replaces the output. */
  registerForwardHook(hook: ForwardHook): HookHandle {
    return addHook(this.#hooks, hook)
  }

  /** Marks the field `name` as state that is saved (if persistent) but not trained, and sets it. */
  registerBuffer<T extends Tensor | null>(name: string, value: T, options: { persistent?: boolean } = {}): T {
    if (name === '' || name.includes('.'))
      throw new ArgumentError(`registerBuffer: expected a name without dots, got '${name}'.`, { name })
    this.#buffers.set(name, { persistent: options.persistent ?? true })
    ;(this as unknown as Record<string, unknown>)[name] = value
    return value
  }

  /** What this module holds directly: parameters, buffers and modules, in field order. */
  members(): Member[] {
    const { stateNames } = this.constructor as typeof Module
    return membersOf(this, { names: stateNames, buffers: this.#buffers, isModule })
  }

  #isPersistent(member: Member): boolean {
    const { stateNames } = this.constructor as typeof Module
    for (const [field, { persistent }] of this.#buffers)
      if ((stateNames[field] ?? field) === member.name) return persistent
    return true
  }

  /** Parameters with their names; a tied one comes once, under its first name. */
  *namedParameters(): Generator<[string, Tensor]> {
    yield* distinct(walkTensors(this, ({ kind }) => kind === 'parameter'))
  }

  parameters(): Tensor[] {
    return Array.from(this.namedParameters(), ([, value]) => value)
  }

  *namedBuffers(): Generator<[string, Tensor]> {
    yield* distinct(walkTensors(this, ({ kind }) => kind === 'buffer'))
  }

  buffers(): Tensor[] {
    return Array.from(this.namedBuffers(), ([, value]) => value)
  }

  *namedChildren(): Generator<[string, Module]> {
    const seen = new Set<unknown>()
    for (const { kind, name, value } of this.members())
      if (kind === 'module' && !seen.has(value)) {
        seen.add(value)
        yield [name, value as Module]
      }
  }

  children(): Module[] {
    return Array.from(this.namedChildren(), ([, child]) => child)
  }

  /** This module under the name '', then all below it, parents first. */
  namedModules(): Generator<[string, Module]> {
    return walkModules(this)
  }

  modules(): Module[] {
    return Array.from(walkModules(this), ([, module]) => module)
  }

  /** Sets `training` here and below. */
  train(mode = true): this {
    for (const module of this.modules()) module.training = mode
    return this
  }

  eval(): this {
    return this.train(false)
  }

  /** Calls `visit` with every module below, children first, then with this one. */
  apply(visit: (module: Module) => void): this {
    for (const child of this.children()) child.apply(visit)
    visit(this)
    return this
  }

  zeroGrad(): void {
    for (const value of this.parameters()) value.grad = null
  }

  /** Freezes or thaws all parameters. */
  requiresGrad_(wanted = true): this {
    for (const value of this.parameters()) value.requiresGrad_(wanted)
    return this
  }

  /**
   * Turns floating point parameters and buffers into `dtype`. They are new tensors, so create optimizers afterwards.
   */
  to(dtype: DType): this {
    const moved = new Map<Tensor, Tensor>()
    const move = (value: Tensor, kind: string): Tensor => {
      const cast = noGrad(() => value.detach().to(dtype))
      return kind === 'parameter' ? parameter(cast, value.requiresGrad) : cast
    }
    for (const [, { kind, value, replace }] of [...walkTensors(this, () => true)]) {
      if (!(value instanceof Tensor) || !isFloat(value.dtype) || value.dtype === dtype) continue
      if (!moved.has(value)) moved.set(value, move(value, kind))
      replace(moved.get(value)!)
    }
    return this
  }

  /** Parameters and persistent buffers by PyTorch's names. They share storage with the module: save or clone them to keep values. */
  stateDict(prefix = ''): StateDict {
    const state: StateDict = new Map()
    const wanted = (member: Member, owner: Module) => member.kind !== 'buffer' || owner.#isPersistent(member)
    for (const [name, { value }] of walkTensors(this, wanted))
      state.set(joinName(prefix, name), (value as Tensor).detach())
    return state
  }

  /**
   * Copies `state` into the parameters and buffers of the same names.
   * @throws ArgumentError, and changes nothing, when a shape differs or, with `strict` (the default), a name is missing or unexpected
   */
  loadStateDict(state: StateSource, options: { strict?: boolean } = {}): LoadReport {
    return loadState(this.constructor.name, this.stateDict(), state, options.strict ?? true)
  }

  /**
   * Layers with output shapes, parameters and flops, for inputs or shapes of inputs; print it. Runs nothing: only the graph is built.
   * `model.summary([1, 3, 224, 224])`, `model.summary([8, 64], { dtype: 'int64' })`
   */
  summary(...inputs: readonly [...(Tensor | Shape)[], SummaryOptions] | readonly (Tensor | Shape)[]): ModelSummary {
    const last = inputs.at(-1)
    const hasOptions = last !== undefined && !Array.isArray(last) && !(last instanceof Tensor)
    const given = (hasOptions ? inputs.slice(0, -1) : inputs) as (Tensor | Shape)[]
    return summarize(this, given, hasOptions ? (last as SummaryOptions) : {})
  }

  /** What stands between the parentheses when this module is printed. */
  extraRepr(): string {
    return ''
  }

  override toString(): string {
    return printModule(this)
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return printModule(this)
  }
}

function* distinct(found: Iterable<[string, Member]>): Generator<[string, Tensor]> {
  const seen = new Set<unknown>()
  for (const [name, { value }] of found)
    if (!seen.has(value)) {
      seen.add(value)
      yield [name, value as Tensor]
    }
}
