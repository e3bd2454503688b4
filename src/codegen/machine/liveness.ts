// Where each virtual register is live: one interval from its first write to its last read, stretched over the loops it crosses.
// Structured loops make this one pass: a register born before a loop and read inside it lives to the loop's end.
import { CompileError } from '../../base/errors.ts'
import { type MachineFunction, type VirtualRegister, visitRegisters } from './machine-op.ts'

/** Instruction i reads at 2i and writes at 2i + 1; both ends belong to the interval. */
export interface Interval {
  readonly register: VirtualRegister
  readonly start: number
  end: number
  /** estimated reads and writes at run time */
  cost: number
  /** a register of which this one is first a copy, so that sharing its place makes the move vanish */
  hint: VirtualRegister | undefined
}

interface OpenLoop {
  readonly start: number
  /** intervals born before this loop and touched inside it */
  readonly crossing: Interval[]
}

const loopWeight = 8
const deepestWeight = loopWeight ** 6

export interface Liveness {
  /** by start */
  readonly intervals: readonly Interval[]
  /** by register id */
  readonly byRegister: readonly (Interval | undefined)[]
}

export function findIntervals({ name, ops, registers }: MachineFunction): Liveness {
  const byRegister = new Array<Interval | undefined>(registers.length).fill(undefined)
  const intervals: Interval[] = []
  const loops: OpenLoop[] = []
  let weight = 1

  const touch = (register: VirtualRegister, written: boolean, at: number) => {
    let interval = byRegister[register.id]
    if (interval === undefined) {
      if (!written)
        throw new CompileError(`${name}: register ${register.id} is read at ${at >> 1} before it is written.`)
      interval = { register, start: at, end: at, cost: 0, hint: undefined }
      byRegister[register.id] = interval
      intervals.push(interval)
    }
    interval.end = Math.max(interval.end, at)
    interval.cost += weight
    for (const loop of loops) {
      if (loop.start <= interval.start) continue
      loop.crossing.push(interval)
      break
    }
  }

  for (let i = 0; i < ops.length; i++) {
    const op = ops[i]
    if (op.op === 'instruction') {
      visitRegisters(op, (register, written) => touch(register, written, written ? 2 * i + 1 : 2 * i))
      const [target, source] = op.operands
      if (isMove(op.mnemonic) && typeof source === 'object' && source.kind === 'register' && op.operands.length === 2) {
        if (typeof target === 'object' && target.kind === 'register') {
          const interval = byRegister[target.register.id]!
          if (interval.start === 2 * i + 1) interval.hint = source.register
        }
      }
    } else if (op.op === 'loop') {
      loops.push({ start: 2 * i, crossing: [] })
      weight = Math.min(weight * loopWeight, deepestWeight)
    } else if (op.op === 'endLoop') {
      const loop = loops.pop()
      if (loop === undefined) throw new CompileError(`${name}: a loop ends at ${i} that never began.`)
      for (const interval of loop.crossing) interval.end = Math.max(interval.end, 2 * i + 1)
      weight = loopWeight ** Math.min(loops.length, 6)
    }
  }
  if (loops.length > 0) throw new CompileError(`${name}: ${loops.length} loops never end.`)
  return { intervals, byRegister }
}

export const isMove = (mnemonic: string): boolean => mnemonic === 'mov' || mnemonic === 'vmovaps'
