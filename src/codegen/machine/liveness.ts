// Where each virtual register is live: one interval from its first write to its last read, stretched over the loops it crosses.
// Structured loops make this one pass: a register born before a loop and read inside it lives to the loop's end.
import { CompileError } from '../../base/errors.ts'
import type { Instruction, MachineFunction, MachineOp, VirtualRegister } from './machine-op.ts'

/** Intervals by register id. Instruction i reads at 2i and writes at 2i + 1; both ends belong to the interval. */
export interface Liveness {
  /** ids of all registers that occur, by start */
  readonly order: readonly number[]
  /** -1 for a register that does not occur */
  readonly start: Int32Array
  readonly end: Int32Array
  /** estimated reads and writes at run time */
  readonly cost: Float64Array
  /** id of a register of which this one is first a copy, so that sharing its place makes the move vanish; -1 for none */
  readonly hint: Int32Array
}

const loopWeight = 8
const deepestLoop = 6

export const findIntervals = (code: MachineFunction): Liveness => new IntervalWalk(code).run()

class IntervalWalk implements Liveness {
  readonly order: number[] = []
  readonly start: Int32Array
  readonly end: Int32Array
  readonly cost: Float64Array
  readonly hint: Int32Array
  readonly #name: string
  readonly #ops: readonly MachineOp[]
  /** starts and ends of the open loops, outermost first */
  readonly #loopStarts: number[] = []
  readonly #loopEnds: number[] = []
  #innermost = -1
  #weight = 1

  constructor({ name, ops, registers }: MachineFunction) {
    this.#name = name
    this.#ops = ops
    this.start = new Int32Array(registers.length).fill(-1)
    this.end = new Int32Array(registers.length)
    this.cost = new Float64Array(registers.length)
    this.hint = new Int32Array(registers.length).fill(-1)
  }

  run(): Liveness {
    const ops = this.#ops
    const ends = matchLoops(this.#name, ops)
    for (let i = 0; i < ops.length; i++) {
      const op = ops[i]
      if (op.op === 'instruction') this.#instruction(op, 2 * i)
      else if (op.op === 'loop') this.#open(2 * i, 2 * ends.get(i)! + 1)
      else if (op.op === 'endLoop') this.#close()
    }
    return this
  }

  /** Reads before the write; an updated register is read and written. */
  #instruction({ operands, first, mnemonic }: Instruction, at: number): void {
    for (let i = 0; i < operands.length; i++) {
      const operand = operands[i]
      if (typeof operand !== 'object') continue
      if (operand.kind === 'memory') {
        if (operand.base) this.#touch(operand.base, at, false)
        if (operand.index) this.#touch(operand.index, at, false)
      } else if (i > 0 || first !== 'write') this.#touch(operand.register, at, false)
    }
    const target = operands[0]
    if (first === 'read' || typeof target !== 'object' || target.kind !== 'register') return
    this.#touch(target.register, at + 1, true)
    if (this.start[target.register.id] === at + 1 && isMove(mnemonic)) this.#noteCopy(target.register, operands[1])
  }

  #noteCopy({ id }: VirtualRegister, source: Instruction['operands'][number]): void {
    if (typeof source === 'object' && source.kind === 'register') this.hint[id] = source.register.id
  }

  #open(start: number, end: number): void {
    this.#loopStarts.push(start)
    this.#loopEnds.push(end)
    this.#enter()
  }

  #close(): void {
    this.#loopStarts.pop()
    this.#loopEnds.pop()
    this.#enter()
  }

  #enter(): void {
    const depth = this.#loopStarts.length
    this.#innermost = depth === 0 ? -1 : this.#loopStarts[depth - 1]
    this.#weight = loopWeight ** Math.min(depth, deepestLoop)
  }

  #touch({ id }: VirtualRegister, at: number, written: boolean): void {
    if (this.start[id] < 0) {
      if (!written) throw new CompileError(`${this.#name}: register ${id} is read at ${at >> 1} before it is written.`)
      this.start[id] = at
      this.order.push(id)
    }
    const until = this.#innermost > this.start[id] ? this.#endOfCrossed(this.start[id]) : at
    if (until > this.end[id]) this.end[id] = until
    this.cost[id] += this.#weight
  }

  /** The end of the outermost open loop that began after `start`. */
  #endOfCrossed(start: number): number {
    let depth = 0
    while (this.#loopStarts[depth] <= start) depth++
    return this.#loopEnds[depth]
  }
}

/** The end of each loop by its beginning. */
function matchLoops(name: string, ops: readonly MachineOp[]): ReadonlyMap<number, number> {
  const ends = new Map<number, number>()
  const open: number[] = []
  for (let i = 0; i < ops.length; i++) {
    if (ops[i].op === 'loop') open.push(i)
    else if (ops[i].op === 'endLoop') {
      const start = open.pop()
      if (start === undefined) throw new CompileError(`${name}: a loop ends at ${i} that never began.`)
      ends.set(start, i)
    }
  }
  if (open.length > 0) throw new CompileError(`${name}: ${open.length} loops never end.`)
  return ends
}

export const isMove = (mnemonic: string): boolean => mnemonic === 'mov' || mnemonic === 'vmovaps'
