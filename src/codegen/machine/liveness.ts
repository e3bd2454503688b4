// Where each virtual register is live: one interval from its first write to its last read, stretched over the loops it crosses.
// Structured loops make this one pass: a register born before a loop and read inside it lives to the loop's end.
import { CompileError } from '../../base/errors.ts'
import { type Instruction, type MachineFunction, type VirtualRegister, visitRegisters } from './machine-op.ts'

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
const deepestLoop = 6

export interface Liveness {
  /** by start */
  readonly intervals: readonly Interval[]
  /** by register id */
  readonly byRegister: readonly (Interval | undefined)[]
}

export function findIntervals(code: MachineFunction): Liveness {
  const walk = new IntervalWalk(code)
  code.ops.forEach((op, i) => {
    if (op.op === 'instruction') walk.instruction(op, i)
    else if (op.op === 'loop') walk.openLoop(i)
    else if (op.op === 'endLoop') walk.closeLoop(i)
  })
  return walk.finish()
}

class IntervalWalk {
  readonly #name: string
  readonly #byRegister: (Interval | undefined)[]
  readonly #intervals: Interval[] = []
  readonly #loops: OpenLoop[] = []
  #weight = 1
  #at = 0
  readonly #visit = (register: VirtualRegister, written: boolean): void => {
    this.#touch(register, written, written ? 2 * this.#at + 1 : 2 * this.#at)
  }

  constructor({ name, registers }: MachineFunction) {
    this.#name = name
    this.#byRegister = new Array<Interval | undefined>(registers.length).fill(undefined)
  }

  instruction(op: Instruction, at: number): void {
    this.#at = at
    visitRegisters(op, this.#visit)
    const [target, source] = op.operands
    if (!isMove(op.mnemonic) || typeof source !== 'object' || source.kind !== 'register') return
    if (typeof target !== 'object' || target.kind !== 'register') return
    const interval = this.#byRegister[target.register.id]!
    if (interval.start === 2 * at + 1) interval.hint = source.register
  }

  openLoop(at: number): void {
    this.#loops.push({ start: 2 * at, crossing: [] })
    this.#weigh()
  }

  closeLoop(at: number): void {
    const loop = this.#loops.pop()
    if (loop === undefined) throw new CompileError(`${this.#name}: a loop ends at ${at} that never began.`)
    for (const interval of loop.crossing) interval.end = Math.max(interval.end, 2 * at + 1)
    this.#weigh()
  }

  finish(): Liveness {
    if (this.#loops.length > 0) throw new CompileError(`${this.#name}: ${this.#loops.length} loops never end.`)
    return { intervals: this.#intervals, byRegister: this.#byRegister }
  }

  #weigh(): void {
    this.#weight = loopWeight ** Math.min(this.#loops.length, deepestLoop)
  }

  #touch(register: VirtualRegister, written: boolean, at: number): void {
    let interval = this.#byRegister[register.id]
    if (interval === undefined) {
      if (!written)
        throw new CompileError(`${this.#name}: register ${register.id} is read at ${at >> 1} before it is written.`)
      interval = { register, start: at, end: at, cost: 0, hint: undefined }
      this.#byRegister[register.id] = interval
      this.#intervals.push(interval)
    }
    if (at > interval.end) interval.end = at
    interval.cost += this.#weight
    for (const loop of this.#loops) {
      if (loop.start <= interval.start) continue
      loop.crossing.push(interval)
      break
    }
  }
}

export const isMove = (mnemonic: string): boolean => mnemonic === 'mov' || mnemonic === 'vmovaps'
