// What is known while a kernel is written as WebAssembly: the function at hand, loops around it, values by name, the lanes in progress.
import { CompileError } from '../../base/errors.ts'
import { Bounds } from '../../kernel/bounds.ts'
import type { Accumulator, Expression, Kernel, Scratch } from '../../kernel/kernel-node.ts'
import {
  type Form,
  type Group,
  type Mask,
  type NumberForm,
  scalarGroup,
  scalarType,
  shapeOf,
  shuffles,
  vectorBytes,
} from './forms.ts'
import type { CodeBuffer, FunctionCode } from './function-code.ts'
import type { ValueType } from './instruction-table.ts'
import type { Library } from './library.ts'
import type { Guard } from './select-guard.ts'

type Interval = readonly [low: number, high: number]

/** Inside a loop's body: a place at its start for values that depend on nothing deeper. */
export interface Scope {
  readonly header: CodeBuffer
  /** just before the loop; splats of values from outside go there */
  readonly before: CodeBuffer | undefined
  readonly known: Map<string, number>
}

/** A loop variable: a number, or a local of the scope at `level`. */
export type Variable =
  | { readonly constant: number; readonly isLane: boolean }
  | { readonly local: number; readonly type: 'i32' | 'i64'; readonly level: number; readonly isLane: boolean }

/**
 * A value bound by `let`: computed from indices alone, a condition of which each lane's part is known, or kept in locals: one, one per
 * group, or one per group and lane.
 */
export type Bound =
  | { readonly kind: 'index'; readonly value: Expression }
  | { readonly kind: 'guard'; readonly groups: Guard[] }
  | {
      readonly kind: 'kept'
      readonly type: ValueType
      readonly varying: boolean
      readonly level: number
      readonly locals: number[][]
    }

export interface AccumulatorState {
  /** locals in order of lanes; one alone if the accumulator has one lane, then one per group */
  readonly locals: number[]
  readonly initial: number
  readonly perLane: boolean
}

/** What a vector loop's body may use apart from each lane. */
export interface VectorLoop {
  readonly variable: number
  readonly level: number
  readonly owned: ReadonlySet<number>
  readonly varying: Map<Expression, boolean>
}

export interface SelectionOptions {
  readonly checked: boolean
  readonly relaxed: boolean
}

/** Numbers of the parameters of a kernel's function. */
export const kernelParameters = { bindings: 0, sizes: 1, context: 2 } as const

export class Selection {
  readonly kernel: Kernel
  readonly code: FunctionCode
  readonly library: Library
  readonly options: SelectionOptions
  readonly bounds = new Bounds()
  readonly scopes: Scope[] = []
  readonly variables = new Map<number, Variable>()
  readonly bindings = new Map<number, Bound>()
  readonly accumulators = new Map<number, AccumulatorState>()
  readonly scratchOffsets = new Map<Scratch, number>()
  group: Group = scalarGroup
  /** the lane whose indices are being computed alone */
  lane: number | undefined
  vectorLoop: VectorLoop | undefined
  /** expressions that the statement at hand holds more than once */
  repeated: ReadonlySet<Expression> = new Set()
  scalarMemo = new Map<Expression, number>()
  laneMemo = new Map<Expression, number>()
  readonly #intervals = new Map<Expression, Interval>()

  constructor(kernel: Kernel, code: FunctionCode, library: Library, options: SelectionOptions) {
    this.kernel = kernel
    this.code = code
    this.library = library
    this.options = options
    this.scopes.push({ header: code.reserve(), before: undefined, known: new Map() })
  }

  fail(sentence: string): CompileError {
    return new CompileError(`wasm: kernel '${this.kernel.name}': ${sentence}.`, { kernel: this.kernel.name })
  }

  get depth(): number {
    return this.scopes.length - 1
  }

  emit(name: string, first?: number | bigint | Uint8Array | ValueType, second?: number): void {
    this.code.emit(name, first, second)
  }

  interval(index: Expression): Interval {
    let known = this.#intervals.get(index)
    if (known === undefined) this.#intervals.set(index, (known = this.bounds.interval(index)))
    return known
  }

  /** The narrowest type that holds every value of an index. */
  indexType(index: Expression): 'i32' | 'i64' {
    const [low, high] = this.interval(index)
    return low >= -(2 ** 31) && high < 2 ** 31 ? 'i32' : 'i64'
  }

  valueType(form: Form): ValueType {
    return this.group.lanes === 1 ? scalarType(form) : 'v128'
  }

  /** Runs with one lane alone, whose value all lanes share. */
  alone<T>(write: () => T): T {
    const { group } = this
    this.group = scalarGroup
    const result = write()
    this.group = group
    return result
  }

  /** What is computed inside does not stay known outside: it may not have run. */
  conditionally(write: () => void): void {
    const [scalars, lanes] = [this.scalarMemo, this.laneMemo]
    this.scalarMemo = new Map(scalars)
    this.laneMemo = new Map(lanes)
    write()
    this.scalarMemo = scalars
    this.laneMemo = lanes
  }

  forget(): void {
    this.scalarMemo = new Map()
    this.laneMemo = new Map()
  }

  // --- lanes --------------------------------------------------------------------------------------------------------------

  /** One value on the stack becomes all lanes. */
  splat(form: Form): void {
    if (form !== 'mask') {
      this.emit(`${shapeOf[form]}.splat`)
      return
    }
    this.emit('i32.eqz')
    this.code.i32(1)
    this.emit('i32.sub')
    this.emit('i32x4.splat')
  }

  /** A constant. Engines make one anew wherever it stands, so it is made once, where the function begins, unless it is next to free. */
  vector(values: ArrayLike<number | bigint>, form: NumberForm): void {
    this.constant(vectorBytes(values, form))
  }

  constant(bytes: Uint8Array): void {
    if (bytes.every((byte) => byte === bytes[0]) && (bytes[0] === 0 || bytes[0] === 0xff)) {
      this.emit('v128.const', bytes)
      return
    }
    const { known, header } = this.scopes[0]
    const key = `constant ${bytes.join(' ')}`
    let local = known.get(key)
    if (local === undefined) {
      local = this.code.local('v128')
      known.set(key, local)
      this.code.into(header, () => {
        this.emit('v128.const', bytes)
        this.code.set(local!)
      })
    }
    this.code.get(local)
  }

  shuffleOne(kind: keyof typeof shuffles): void {
    this.shuffleSelf(shuffles[kind])
  }

  shuffleSelf(order: Uint8Array): void {
    const local = this.code.local('v128')
    this.code.tee(local)
    this.code.get(local)
    this.emit('i8x16.shuffle', order)
  }

  /** A mask as comparisons of a form leave it, as masks are held in this group. */
  toMask(wide: boolean): void {
    if (this.group.lanes === 2 && !wide) this.emit('i64x2.extend_low_i32x4_s')
  }

  /** A mask as held in this group, as wide as values of a form. */
  fromMask(wide: boolean): void {
    if (this.group.lanes === 2 && !wide) this.shuffleOne('evenWords')
  }

  /** Leaves a mask as held in this group. */
  pushMask({ possible, local }: Mask): void {
    if (local !== undefined) {
      this.code.get(local)
      return
    }
    const bits = possible.map((isOn) => (isOn ? -1 : 0))
    this.vector(this.group.lanes === 4 ? bits : bits.map(BigInt), this.group.lanes === 4 ? 'i32' : 'i64')
  }

  /** One lane of a mask as 0 or something else. */
  maskLane(local: number, lane: number): void {
    this.code.get(local)
    this.emit('i32x4.extract_lane', this.group.lanes === 4 ? lane : 2 * lane)
  }

  /** Runs with the indices of one lane of the group alone. */
  atLane(lane: number, write: () => void): void {
    const { group, lane: outer, inLane } = this
    this.lane = lane
    this.group = { ...scalarGroup, index: group.index, offset: group.offset }
    this.inLane = group
    write()
    this.inLane = inLane
    this.group = group
    this.lane = outer
  }

  /** Builds a vector from what `write` leaves on the stack for each lane. */
  perLane(form: NumberForm, write: () => void): void {
    for (let lane = 0; lane < this.group.lanes; lane++) {
      this.atLane(lane, write)
      this.emit(`${shapeOf[form]}.${lane === 0 ? 'splat' : 'replace_lane'}`, lane === 0 ? undefined : lane)
    }
  }

  /** The group of which one lane is being computed alone. */
  inLane: Group | undefined

  accumulatorState({ id, name }: Accumulator): AccumulatorState {
    const state = this.accumulators.get(id)
    if (state === undefined) throw this.fail(`${name} is used before it is declared`)
    return state
  }
}
