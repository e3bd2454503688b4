// Turns allocated machine code into bytes: prologue, instructions, epilogue, and the constants that were asked for.
import type { Allocation, AllocationTarget } from '../machine/allocate.ts'
import { isMove } from '../machine/liveness.ts'
import type {
  Instruction,
  MachineOp,
  MachineOperand,
  MemoryOperand,
  PoolConstant,
  VirtualRegister,
} from '../machine/machine-op.ts'
import { Assembler } from './assembler.ts'
import { kernelArguments } from './calling-convention.ts'
import { sequenceTable } from './emit-sequences.ts'
import type { Mnemonic } from './instruction-table.ts'
import {
  gpr8,
  gpr32,
  gpr64,
  type Label,
  mem,
  type Operand,
  type Register,
  rbp,
  rsp,
  xmm,
  ymm,
  zmm,
} from './operands.ts'
import { routineAlignment, routineSequences } from './routines.ts'

/** rsp and rbp hold the frame; registers that a kernel may change freely come first. */
const generalOrder = [6, 7, 8, 9, 10, 11, 2, 1, 0, 3, 12, 13, 14, 15]
const calleeSaved = [3, 12, 13, 14, 15]

const frameInstruction = (mnemonic: string, first: Instruction['first'], operands: MachineOperand[]): Instruction => ({
  op: 'instruction',
  mnemonic,
  operands,
  first,
  clobbers: 0,
  rematerializable: false,
})

const slotBytes = { general: 8, vector: 32, wide: 64 }
/** the frame is aligned to 32 bytes only */
const frameMoves = { general: 'mov', vector: 'vmovaps', wide: 'vmovups' }

export const allocationTarget: AllocationTarget = {
  order: {
    general: generalOrder,
    vector: Array.from({ length: 16 }, (_, i) => i),
    // the upper half first: only wide registers can live there
    wide: Array.from({ length: 32 }, (_, i) => (i + 16) % 32),
  },
  slotBytes,
  load: (register, slot) =>
    frameInstruction(frameMoves[register.file], 'write', [register.view(slotBytes[register.file]), slot]),
  store: (register, slot) =>
    frameInstruction(frameMoves[register.file], 'read', [slot, register.view(slotBytes[register.file])]),
}

/** Where the prologue keeps the arguments, below rbp, so that they can be read again at any time. */
const argumentHomes = Object.entries(kernelArguments).map(([name, register], i) => ({
  name,
  register: gpr64.find((candidate) => candidate.name === register)!,
  memory: mem({ base: rbp, disp: -8 * (i + 1) }),
}))

const sequences = new Map(Object.entries({ ...sequenceTable, ...routineSequences }))
for (const { name, memory } of argumentHomes) {
  sequences.set(name, (assembler, [target]) => assembler.emit('mov', target, memory))
}

/** How a piece of code begins and ends. */
interface Convention {
  /** general registers to save, of those it uses */
  readonly saved: readonly number[]
  readonly keepsArguments: boolean
  readonly clearsUpperHalves: boolean
}

const kernelConvention: Convention = { saved: calleeSaved, keepsArguments: true, clearsUpperHalves: true }
/** a routine's caller goes on with its own registers and vectors of any width */
const routineConvention: Convention = { saved: generalOrder, keepsArguments: false, clearsUpperHalves: false }

export const writeMachineCode = (allocation: Allocation): Uint8Array => writeCode(allocation, kernelConvention)

/** A routine of `routines.ts`: called with its arguments on the stack, it leaves every general register as it was. */
export const writeRoutine = (allocation: Allocation): Uint8Array => writeCode(allocation, routineConvention)

function writeCode({ code, assigned, frameBytes }: Allocation, convention: Convention): Uint8Array {
  const writer = new CodeWriter(assigned, convention)
  let used = 0
  for (const { id, file } of code.registers) if (file === 'general' && assigned[id] >= 0) used |= 1 << assigned[id]
  const saved = convention.saved.filter((number) => (used >>> number) & 1)
  writer.prologue(saved, frameBytes)
  for (const op of code.ops) writer.write(op)
  return writer.finish(saved)
}

class CodeWriter {
  readonly #assembler = new Assembler()
  readonly #assigned: ArrayLike<number>
  readonly #convention: Convention
  readonly #labels = new Map<number, Label>()
  readonly #constants = new Map<unknown, Label>()

  constructor(assigned: ArrayLike<number>, convention: Convention) {
    this.#assigned = assigned
    this.#convention = convention
  }

  prologue(saved: readonly number[], frameBytes: number): void {
    const assembler = this.#assembler
    assembler.emit('push', rbp)
    assembler.emit('mov', rbp, rsp)
    if (this.#convention.keepsArguments) for (const { register } of argumentHomes) assembler.emit('push', register)
    for (const number of saved) assembler.emit('push', gpr64[number])
    if (frameBytes === 0) return
    assembler.emit('sub', rsp, Math.ceil(frameBytes / 32) * 32)
    assembler.emit('and', rsp, -32)
  }

  write(op: MachineOp): void {
    if (op.op === 'label') this.#assembler.bind(this.#label(op.label))
    else if (op.op === 'branch') this.#assembler.emit(op.mnemonic as Mnemonic, this.#label(op.label))
    else if (op.op === 'instruction') this.#instruction(op)
  }

  finish(saved: readonly number[]): Uint8Array {
    const assembler = this.#assembler
    const { keepsArguments, clearsUpperHalves } = this.#convention
    const kept = saved.length + (keepsArguments ? argumentHomes.length : 0)
    assembler.emit('lea', rsp, mem({ base: rbp, disp: -8 * kept }))
    for (const number of [...saved].reverse()) assembler.emit('pop', gpr64[number])
    assembler.emit('mov', rsp, rbp)
    assembler.emit('pop', rbp)
    if (clearsUpperHalves) assembler.emit('vzeroupper')
    assembler.emit('ret')
    return assembler.finish()
  }

  #instruction({ mnemonic, operands }: Instruction): void {
    const converted = new Array<Operand>(operands.length)
    for (let i = 0; i < operands.length; i++) {
      const operand = operands[i]
      if (typeof operand !== 'object') converted[i] = operand
      else if (operand.kind === 'register') converted[i] = this.#register(operand.register, operand.bytes)
      else converted[i] = this.#memory(operand)
    }
    const sequence = sequences.get(mnemonic)
    if (sequence) sequence(this.#assembler, converted)
    else if (!isIdleMove(mnemonic, converted)) this.#assembler.append(mnemonic as Mnemonic, converted)
  }

  #label(number: number): Label {
    let label = this.#labels.get(number)
    if (label === undefined) this.#labels.set(number, (label = this.#assembler.label()))
    return label
  }

  #register({ id, file }: VirtualRegister, bytes: number): Register {
    const number = this.#assigned[id]
    if (file !== 'general') return bytes === 16 ? xmm[number] : bytes === 32 ? ymm[number] : zmm[number]
    return bytes === 8 ? gpr64[number] : bytes === 4 ? gpr32[number] : gpr8[number]
  }

  #place({ data, isCode }: PoolConstant): Label {
    return isCode ? this.#assembler.attach(data, routineAlignment) : this.#assembler.constant(data, 32)
  }

  #memory({ base, index, scale, disp, bytes, constant, frame }: MemoryOperand): Operand {
    if (constant) {
      let label = this.#constants.get(constant)
      if (label === undefined) this.#constants.set(constant, (label = this.#place(constant)))
      return mem({ label, disp, size: bytes })
    }
    return mem({
      base: frame ? rsp : base && this.#register(base, 8),
      index: index && this.#register(index, 8),
      scale,
      disp,
      size: bytes,
    })
  }
}

/** A whole register moved to itself; narrower moves of general registers clear the upper half. */
function isIdleMove(mnemonic: string, [target, source]: readonly Operand[]): boolean {
  return (
    isMove(mnemonic) &&
    target === source &&
    typeof target === 'object' &&
    target.kind === 'register' &&
    target.size !== 4
  )
}
