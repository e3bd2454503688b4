// Rewrites code so that given registers live in the stack frame: a reload before each read and a store behind each write, through
// fresh registers that live for one instruction. A register written once by a constant instruction is recomputed instead.
import type { Interval } from './liveness.ts'
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

export function spillRegisters(
  code: MachineFunction,
  spilled: readonly Interval[],
  target: SpillTarget,
  frameBytes: number,
  unspillable: Set<VirtualRegister>,
): Spilled {
  const { homes, end } = assignHomes(code, spilled, target, frameBytes)
  const registers = [...code.registers]
  const ops: MachineOp[] = []
  for (const op of code.ops) {
    if (op.op === 'instruction' && touches(op, homes)) rewrite(op, homes, target, registers, unspillable, ops)
    else ops.push(op)
  }
  return { code: { name: code.name, ops, registers }, frameBytes: end }
}

function touches(op: Instruction, homes: ReadonlyMap<VirtualRegister, Home>): boolean {
  let found = false
  visitRegisters(op, (register) => {
    found ||= homes.has(register)
  })
  return found
}

function rewrite(
  op: Instruction,
  homes: ReadonlyMap<VirtualRegister, Home>,
  target: SpillTarget,
  registers: VirtualRegister[],
  unspillable: Set<VirtualRegister>,
  out: MachineOp[],
): void {
  const fresh = new Map<VirtualRegister, VirtualRegister>()
  const behind: Instruction[] = []
  let dropped = false
  visitRegisters(op, (register, written) => {
    const home = homes.get(register)
    if (home === undefined) return
    let temporary = fresh.get(register)
    if (temporary === undefined) {
      temporary = new VirtualRegister(registers.length, register.file)
      registers.push(temporary)
      unspillable.add(temporary)
      fresh.set(register, temporary)
      if (!written) out.push('slot' in home ? target.load(temporary, home.slot) : recomputed(home.recompute, temporary))
    }
    if (!written) return
    if ('slot' in home) behind.push(target.store(temporary, home.slot))
    else dropped = true
  })
  if (dropped) return
  out.push({ ...op, operands: op.operands.map((operand) => substitute(operand, fresh)) }, ...behind)
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
function assignHomes(code: MachineFunction, spilled: readonly Interval[], target: SpillTarget, frameBytes: number) {
  const constants = constantWrites(code, spilled)
  const homes = new Map<VirtualRegister, Home>()
  const slots: { readonly bytes: number; readonly offset: number; busyUntil: number }[] = []
  let end = frameBytes
  for (const interval of [...spilled].sort((a, b) => a.start - b.start)) {
    const { register } = interval
    const recompute = constants.get(register)
    if (recompute) {
      homes.set(register, { recompute })
      continue
    }
    const bytes = target.slotBytes[register.file]
    let slot = slots.find((candidate) => candidate.bytes === bytes && candidate.busyUntil < interval.start)
    if (slot === undefined) {
      slot = { bytes, offset: Math.ceil(end / bytes) * bytes, busyUntil: 0 }
      slots.push(slot)
      end = slot.offset + bytes
    }
    slot.busyUntil = interval.end
    homes.set(register, { slot: memoryOperand({ frame: true, disp: slot.offset, bytes }) })
  }
  return { homes, end }
}

function constantWrites(code: MachineFunction, spilled: readonly Interval[]): Map<VirtualRegister, Instruction> {
  const wanted = new Set(spilled.map(({ register }) => register))
  const writes = new Map<VirtualRegister, Instruction | undefined>()
  for (const op of code.ops) {
    if (op.op !== 'instruction') continue
    visitRegisters(op, (register, written) => {
      if (written && wanted.has(register))
        writes.set(register, op.rematerializable && !writes.has(register) ? op : undefined)
    })
  }
  const constants = new Map<VirtualRegister, Instruction>()
  for (const [register, op] of writes) if (op) constants.set(register, op)
  return constants
}
