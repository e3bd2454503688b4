// Rewrites code so that given registers live in the stack frame: a reload before each read and a store behind each write, through
// fresh registers that live for one instruction. A register written once by a constant instruction is recomputed instead.
import type { Liveness } from './liveness.ts'
import {
  type Instruction,
  type MachineFunction,
  type MachineOp,
  type MachineOperand,
  type MemoryOperand,
  memoryOperand,
  type RegisterFile,
  VirtualRegister,
  visitRegisters,
} from './machine-op.ts'

export interface SpillTarget {
  /** bytes of a frame slot by file */
  readonly slotBytes: Readonly<Record<RegisterFile, number>>
  load(register: VirtualRegister, slot: MemoryOperand): Instruction
  store(register: VirtualRegister, slot: MemoryOperand): Instruction
}

export interface Spilled {
  readonly code: MachineFunction
  readonly frameBytes: number
}

type Home = { readonly slot: MemoryOperand } | { readonly recompute: Instruction }
/** by register id; nothing for registers that stay */
type Homes = readonly (Home | undefined)[]

export function spillRegisters(
  code: MachineFunction,
  spilled: readonly number[],
  lives: Liveness,
  target: SpillTarget,
  frameBytes: number,
): Spilled {
  const { homes, end } = assignHomes(code, spilled, lives, target, frameBytes)
  const rewriter = new Rewriter([...code.registers], homes, target)
  for (const op of code.ops) {
    if (op.op === 'instruction' && touches(op, homes)) rewriter.rewrite(op)
    else rewriter.ops.push(op)
  }
  return { code: { name: code.name, ops: rewriter.ops, registers: rewriter.registers }, frameBytes: end }
}

function touches({ operands }: Instruction, homes: Homes): boolean {
  for (const operand of operands) {
    if (typeof operand !== 'object') continue
    if (operand.kind === 'register') {
      if (homes[operand.register.id]) return true
    } else if ((operand.base && homes[operand.base.id]) || (operand.index && homes[operand.index.id])) return true
  }
  return false
}

class Rewriter {
  readonly ops: MachineOp[] = []
  readonly registers: VirtualRegister[]
  readonly #homes: Homes
  readonly #target: SpillTarget

  constructor(registers: VirtualRegister[], homes: Homes, target: SpillTarget) {
    this.registers = registers
    this.#homes = homes
    this.#target = target
  }

  rewrite(op: Instruction): void {
    const fresh = new Map<VirtualRegister, VirtualRegister>()
    const behind: Instruction[] = []
    let dropped = false
    visitRegisters(op, (register, written) => {
      const home = this.#homes[register.id]
      if (home === undefined) return
      let temporary = fresh.get(register)
      if (temporary === undefined) {
        temporary = new VirtualRegister(this.registers.length, register.file)
        this.registers.push(temporary)
        fresh.set(register, temporary)
        if (!written) this.ops.push(this.#fetch(home, temporary))
      }
      if (!written) return
      if ('slot' in home) behind.push(this.#target.store(temporary, home.slot))
      else dropped = true
    })
    if (dropped) return
    this.ops.push({ ...op, operands: op.operands.map((operand) => substitute(operand, fresh)) }, ...behind)
  }

  #fetch(home: Home, temporary: VirtualRegister): Instruction {
    return 'slot' in home ? this.#target.load(temporary, home.slot) : recomputed(home.recompute, temporary)
  }
}

const recomputed = (instruction: Instruction, register: VirtualRegister): Instruction => {
  const [target, ...rest] = instruction.operands
  const bytes = typeof target === 'object' ? target.bytes : 0
  return { ...instruction, operands: [register.view(bytes), ...rest] }
}

function substitute(operand: MachineOperand, fresh: ReadonlyMap<VirtualRegister, VirtualRegister>): MachineOperand {
  if (typeof operand !== 'object') return operand
  if (operand.kind === 'register') {
    const temporary = fresh.get(operand.register)
    return temporary === undefined ? operand : temporary.view(operand.bytes)
  }
  const base = operand.base && (fresh.get(operand.base) ?? operand.base)
  const index = operand.index && (fresh.get(operand.index) ?? operand.index)
  return { ...operand, base, index }
}

/** Frame slots, shared by registers that are never live together, or the instruction to repeat. */
function assignHomes(
  code: MachineFunction,
  spilled: readonly number[],
  lives: Liveness,
  target: SpillTarget,
  frameBytes: number,
) {
  const homes = constantHomes(code, spilled)
  const slots: { readonly bytes: number; readonly offset: number; busyUntil: number }[] = []
  let end = frameBytes
  for (const id of [...spilled].sort((a, b) => lives.start[a] - lives.start[b])) {
    if (homes[id]) continue
    const bytes = target.slotBytes[code.registers[id].file]
    let slot = slots.find((candidate) => candidate.bytes === bytes && candidate.busyUntil < lives.start[id])
    if (slot === undefined) {
      slot = { bytes, offset: Math.ceil(end / bytes) * bytes, busyUntil: 0 }
      slots.push(slot)
      end = slot.offset + bytes
    }
    slot.busyUntil = lives.end[id]
    homes[id] = { slot: memoryOperand({ frame: true, disp: slot.offset, bytes }) }
  }
  return { homes, end }
}

/** Of registers that one constant instruction writes, and nothing else. */
function constantHomes({ ops, registers }: MachineFunction, spilled: readonly number[]): (Home | undefined)[] {
  const homes = new Array<Home | undefined>(registers.length).fill(undefined)
  const writes = new Uint8Array(registers.length)
  const wanted = new Uint8Array(registers.length)
  for (const id of spilled) wanted[id] = 1
  for (const op of ops) {
    if (op.op !== 'instruction' || op.first === 'read') continue
    const target = op.operands[0]
    if (typeof target !== 'object' || target.kind !== 'register' || wanted[target.register.id] === 0) continue
    const { id } = target.register
    homes[id] = op.rematerializable && writes[id] === 0 ? { recompute: op } : undefined
    writes[id] = 1
  }
  return homes
}
