// The state of instruction selection for one kernel: where code goes, which loops are open, what names are bound to.
// The `select-*` files are functions over it; `emit.ts` makes it, and reads the finished instruction list.
import { CompileError } from '../../base/errors.ts'
import type { Accumulator, Expression, Kernel, Memory } from '../../kernel/kernel-node.ts'
import {
  type FirstRole,
  type MachineOp,
  type MachineOperand,
  type MemoryOperand,
  memoryOperand,
  type RegisterFile,
  resized,
  VirtualRegister,
} from '../machine/machine-op.ts'
import type { Mnemonic } from './instruction-table.ts'
import { type Form, formOf, isWide } from './lane-forms.ts'
import { type Group, scalarGroup } from './lane-groups.ts'
import { chooseByFirst, comparesLanes, namedFor } from './wide-names.ts'

export { type Form, formOf, type Group, isWide, scalarGroup }

/** A register, or a constant of the pool that instructions read in place. */
export type Part = VirtualRegister | MemoryOperand

/** The lanes of one group: one part, or two of half the lanes for 64-bit forms of a group of eight or sixteen. */
export interface LaneValue {
  readonly form: Form
  readonly parts: readonly Part[]
}

/** constant + sum of coefficient * register + lane * (number of the lane), in 64-bit arithmetic. */
export interface Affine {
  readonly constant: number
  readonly terms: readonly Term[]
  readonly lane: number
}

export interface Term {
  readonly register: VirtualRegister
  /** loop depth at which the register gets its value */
  readonly level: number
  readonly coefficient: number
  /** divides whatever the register holds; 1 if left out */
  readonly divisor?: number
}

/** Code in the order of execution; nested blocks are filled later, as the code before a loop is. */
export type Block = (MachineOp | Block)[]

export interface Scope {
  /** code that runs once before the loop */
  readonly preheader: Block
  readonly hoisted: Map<string, VirtualRegister>
  /** the register of the loop variable, if it takes steps of constant size, and what follows it in step */
  readonly counter: VirtualRegister | undefined
  readonly step: number
  readonly inductions: { readonly register: VirtualRegister; readonly amount: number }[]
}

export const makeScope = (counter: VirtualRegister | undefined, step: number): Scope => ({
  preheader: [],
  hoisted: new Map(),
  counter,
  step,
  inductions: [],
})

export interface VectorLoop {
  readonly variable: number
  /** its whole steps store whole cache lines, and several in a row */
  readonly fillsLines: boolean
  /** accumulators of as many lanes as the loop, that it adds to */
  readonly owned: ReadonlySet<Accumulator>
  readonly varying: Map<Expression, boolean>
}

export interface Bound {
  /** of 'index' dtype and an affine function */
  readonly affine?: Affine
  /** per group; a uniform value is at 0 */
  readonly values: LaneValue[]
  readonly varying: boolean
  readonly level: number
}

export interface AccumulatorState {
  /** registers by group, or for lanes > 1 all registers in lane order as group 0 */
  readonly parts: VirtualRegister[][]
  /** joined to the combined lanes */
  initial: LaneValue | undefined
  readonly perLane: boolean
}

export type SelectOptions = Readonly<Record<'checked' | 'f16c' | 'avx512', boolean>>

export class Selection {
  readonly kernel: Kernel
  readonly options: SelectOptions
  readonly registers: VirtualRegister[] = []
  /** arguments of the kernel, live throughout */
  readonly bindingsPointer: VirtualRegister
  readonly sizesPointer: VirtualRegister
  readonly contextPointer: VirtualRegister
  readonly root: Block = []
  readonly scratchOffsets = new Map<Memory, number>()
  readonly variables = new Map<number, Affine>()
  readonly bindings = new Map<number, Bound>()
  /** what is bound to a name, clamped into the range that it was tested against */
  readonly clamped = new Map<number, { readonly limit: number; readonly sum: Affine }>()
  readonly accumulators = new Map<Accumulator, AccumulatorState>()
  /** registers that change after they were read */
  readonly mutable = new Set<Part>()
  block: Block = this.root
  readonly scopes: Scope[] = [makeScope(undefined, 0)]
  /** loops around the code being written */
  depth = 0
  group: Group = scalarGroup
  /** set while one lane is computed in general registers */
  lane: number | undefined = undefined
  vectorLoop: VectorLoop | undefined = undefined
  /** whether anything is stored past the caches */
  streams = false
  /** values of the statement being selected, by expression: as scalars and as lanes */
  scalarMemo = new Map<Expression, LaneValue>()
  laneMemo = new Map<Expression, LaneValue>()
  /** evaluates an expression that is not of dtype 'index' in the current group */
  readonly value: (expression: Expression) => LaneValue
  readonly #constants = new Map<string, MemoryOperand>()
  readonly #singles = new Map<number, MemoryOperand>()
  readonly #doubles = new Map<number, MemoryOperand>()
  readonly #targets = new Set<number>()
  #labels = 0

  constructor(kernel: Kernel, options: SelectOptions, value: (s: Selection, expression: Expression) => LaneValue) {
    this.kernel = kernel
    this.options = options
    this.value = (expression) => value(this, expression)
    this.bindingsPointer = this.general()
    this.sizesPointer = this.general()
    this.contextPointer = this.general()
  }

  general(): VirtualRegister {
    return this.register('general')
  }

  vector(): VirtualRegister {
    return this.register(this.group.lanes === 16 || this.group.doubled ? 'wide' : 'vector')
  }

  register(file: RegisterFile): VirtualRegister {
    const register = new VirtualRegister(this.registers.length, file)
    this.registers.push(register)
    return register
  }

  /** An instruction that writes its first operand. */
  write(mnemonic: Mnemonic, ...operands: MachineOperand[]): void {
    this.#push(mnemonic, operands, 'write')
  }

  /** An instruction that reads and writes its first operand. */
  update(mnemonic: Mnemonic, ...operands: MachineOperand[]): void {
    this.#push(mnemonic, operands, 'update')
  }

  /** An instruction that reads all its operands; it may write memory. */
  read(mnemonic: Mnemonic, ...operands: MachineOperand[]): void {
    this.#push(mnemonic, operands, 'read')
  }

  #push(mnemonic: string, operands: readonly MachineOperand[], first: FirstRole): void {
    this.block.push({ op: 'instruction', mnemonic, operands, first, clobbers: 0, rematerializable: false })
  }

  /** Several instructions in fixed registers, written out by the emitter. */
  sequence(mnemonic: string, first: FirstRole, clobbers: number, ...operands: MachineOperand[]): void {
    this.block.push({ op: 'instruction', mnemonic, operands, first, clobbers, rematerializable: false })
  }

  /** An argument of the kernel, which may be read again instead of kept. */
  argument(mnemonic: string, register: VirtualRegister): void {
    const operands = [register.view(8)]
    this.block.push({ op: 'instruction', mnemonic, operands, first: 'write', clobbers: 0, rematerializable: true })
  }

  /** A write of a constant, which may be repeated instead of kept. */
  writeConstant(mnemonic: Mnemonic, ...operands: MachineOperand[]): void {
    this.block.push({ op: 'instruction', mnemonic, operands, first: 'write', clobbers: 0, rematerializable: true })
  }

  label(): number {
    return this.#labels++
  }

  mark(label: number): void {
    this.block.push({ op: 'label', label })
  }

  branch(mnemonic: Mnemonic, label: number): void {
    this.#targets.add(label)
    this.block.push({ op: 'branch', mnemonic, label })
  }

  /** A label behind all branches to it, if there are any. */
  markEnd(label: number): void {
    if (this.#targets.has(label)) this.mark(label)
  }

  /** 32 bytes of the constant pool; `text` names them. */
  pool(text: string, make: () => ArrayBufferView): MemoryOperand {
    let operand = this.#constants.get(text)
    if (operand === undefined) {
      const { buffer, byteOffset, byteLength } = make()
      operand = memoryOperand({ constant: { data: new Uint8Array(buffer, byteOffset, byteLength), text } })
      this.#constants.set(text, operand)
    }
    return operand
  }

  f32(value: number): MemoryOperand {
    return this.#float(this.#singles, value, 'f32', Float32Array)
  }

  f64(value: number): MemoryOperand {
    return this.#float(this.#doubles, value, 'f64', Float64Array)
  }

  /** By number first: formatting one takes longer than all the rest. */
  #float(
    known: Map<number, MemoryOperand>,
    value: number,
    form: 'f32' | 'f64',
    make: typeof Float32Array | typeof Float64Array,
  ): MemoryOperand {
    const negativeZero = Object.is(value, -0)
    let operand = negativeZero ? undefined : known.get(value)
    if (operand === undefined) {
      operand = this.pool(`${form} ${negativeZero ? '-0' : value}`, () =>
        new make(32 / make.BYTES_PER_ELEMENT).fill(value),
      )
      if (!negativeZero) known.set(value, operand)
    }
    return operand
  }

  i32(value: number): MemoryOperand {
    return this.pool(`i32 ${value}`, () => new Int32Array(8).fill(value))
  }

  i64(value: bigint): MemoryOperand {
    return this.pool(`i64 ${value}`, () => new BigInt64Array(4).fill(value))
  }

  /** Bytes of a register that the parts of a form fill in the current group. */
  partBytes(form: Form): 16 | 32 | 64 {
    const { lanes, doubled } = this.group
    if (lanes === 16 || doubled) return 64
    return lanes === 8 || (lanes === 4 && isWide(form)) ? 32 : 16
  }

  partCount(form: Form): number {
    return this.group.lanes >= 8 && isWide(form) && !this.group.doubled ? 2 : 1
  }

  /** The part in a register. */
  load(part: Part, bytes: number): VirtualRegister {
    if (part instanceof VirtualRegister) return part
    if (bytes === 64) return this.#wideConstant(part)
    const register = this.vector()
    this.writeConstant('vmovaps', register.view(bytes), part)
    return register
  }

  /** A constant in all lanes of 512 bits: kept in a register, of which there are 32, rather than in as many bytes of the pool. */
  #wideConstant(part: MemoryOperand): VirtualRegister {
    return this.hoist(0, `wide ${part.constant!.text}`, () => {
      const register = this.register('wide')
      const isDouble = /^[fi]64 /.test(part.constant!.text)
      if (isDouble) this.writeConstant('vbroadcastsd', register.view(64), resized(part, 8))
      else this.writeConstant('vbroadcastss', register.view(64), resized(part, 4))
      return register
    })
  }

  /** The part as an operand: constants of 512 bits come from registers, all others from the pool. */
  operand(part: Part, bytes: number): MachineOperand {
    return bytes === 64 ? this.load(part, bytes).view(bytes) : operandOf(part, bytes)
  }

  /** A new register from a three-operand vector instruction; only `b` may come from memory. */
  vector3(mnemonic: Mnemonic, bytes: number, a: Part, b: Part, ...rest: number[]): VirtualRegister {
    const first = this.load(a, bytes)
    const second = this.operand(b, bytes)
    const target = this.vector()
    if (bytes === 64 && comparesLanes.has(mnemonic))
      this.sequence(`${mnemonic}Lanes`, 'write', 0, target.view(64), first.view(64), second, ...rest)
    else this.write(namedFor(mnemonic, bytes), target.view(bytes), first.view(bytes), second, ...rest)
    return target
  }

  /** The same for operations where the order does not matter: a constant goes last. */
  commutative(mnemonic: Mnemonic, bytes: number, a: Part, b: Part): VirtualRegister {
    return a instanceof VirtualRegister ? this.vector3(mnemonic, bytes, a, b) : this.vector3(mnemonic, bytes, b, a)
  }

  vector2(mnemonic: Mnemonic, bytes: number, a: Part, ...rest: number[]): VirtualRegister {
    const source = this.operand(a, bytes)
    const target = this.vector()
    this.write(namedFor(mnemonic, bytes), target.view(bytes), source, ...rest)
    return target
  }

  /** a where the mask's sign bits are set, else b. */
  blend(bytes: number, wide: boolean, mask: Part, a: Part, b: Part): VirtualRegister {
    if (bytes === 64) {
      const chosen = this.copyOf(mask, bytes)
      const [yes, no] = [a, b].map((part) => this.load(part, bytes).view(bytes))
      this.update('vpternlogd', chosen.view(bytes), yes, no, chooseByFirst)
      return chosen
    }
    const target = this.vector()
    const other = this.load(b, bytes)
    const selector = this.load(mask, bytes)
    this.write(
      wide ? 'vblendvpd' : 'vblendvps',
      target.view(bytes),
      other.view(bytes),
      operandOf(a, bytes),
      selector.view(bytes),
    )
    return target
  }

  copyOf(part: Part, bytes: number): VirtualRegister {
    const source = this.operand(part, bytes)
    const copy = this.vector()
    this.write('vmovaps', copy.view(bytes), source)
    return copy
  }

  /** Runs `make` before the loop that surrounds all uses of values of `level`, once for each key; at `level` itself, here. */
  hoist(level: number, key: string, make: () => VirtualRegister): VirtualRegister {
    if (level >= this.depth) return make()
    const scope = this.scopes[level + 1]
    const known = scope.hoisted.get(key)
    if (known) return known
    const { block, depth } = this
    this.block = scope.preheader
    this.depth = level
    const register = make()
    this.block = block
    this.depth = depth
    scope.hoisted.set(key, register)
    return register
  }

  /** Evaluates `body` as scalar code. */
  asScalar<T>(body: () => T): T {
    const { group } = this
    this.group = scalarGroup
    const result = body()
    this.group = group
    return result
  }

  /** Code that may be skipped: what it computes is not known afterwards. */
  conditional(body: () => void): void {
    const { scalarMemo, laneMemo } = this
    this.scalarMemo = new Map(scalarMemo)
    this.laneMemo = new Map(laneMemo)
    body()
    this.scalarMemo = scalarMemo
    this.laneMemo = laneMemo
  }

  fail(message: string): CompileError {
    return new CompileError(`x64: ${message} (kernel ${this.kernel.name})`, { kernel: this.kernel.name })
  }
}

export const operandOf = (part: Part, bytes: number): MachineOperand =>
  part instanceof VirtualRegister ? part.view(bytes) : resized(part, bytes)
