// Gives every virtual register a machine register by linear scan. What does not fit is spilled to the stack frame, or recomputed
// where it is needed if that is one constant instruction; then the scan runs again over the short lives that are left.
import { CompileError } from '../../base/errors.ts'
import { findIntervals, type Liveness } from './liveness.ts'
import { everyVector, type MachineFunction, type RegisterFile } from './machine-op.ts'
import { type SpillTarget, spillRegisters } from './spill.ts'

/** What the allocator must know of a target. */
export interface AllocationTarget extends SpillTarget {
  /** machine registers by file, best first */
  readonly order: Readonly<Record<RegisterFile, readonly number[]>>
}

export interface Allocation {
  readonly code: MachineFunction
  /** machine register by virtual register id */
  readonly assigned: ArrayLike<number>
  readonly frameBytes: number
  /** registers that were spilled or recomputed */
  readonly spilled: number
}

const roundLimit = 12
const nobody = -1
const everyRegister = -1

export function allocateRegisters(code: MachineFunction, target: AllocationTarget): Allocation {
  let frameBytes = 0
  let spilled = 0
  const firstTemporary = code.registers.length
  for (let round = 0; round < roundLimit; round++) {
    const lives = findIntervals(code)
    const scan = new Scan(code, lives, target, firstTemporary)
    scan.run()
    if (scan.spilled.length === 0) return { code, assigned: scan.assigned, frameBytes, spilled }
    spilled += scan.spilled.length
    const rewritten = spillRegisters(code, scan.spilled, lives, target, frameBytes)
    code = rewritten.code
    frameBytes = rewritten.frameBytes
  }
  throw new CompileError(`${code.name}: register allocation did not settle in ${roundLimit} rounds.`)
}

class Scan {
  readonly assigned: Int32Array
  /** ids of registers for which there is no room */
  readonly spilled: number[] = []
  readonly #code: MachineFunction
  readonly #lives: Liveness
  readonly #target: AllocationTarget
  /** registers from this id on were made by spilling and live for one instruction: spilling them again would not help */
  readonly #firstTemporary: number
  /** by machine register: the virtual one that has it */
  readonly #general = new Int32Array(32).fill(nobody)
  readonly #vector = new Int32Array(32).fill(nobody)
  readonly #clobbers: Clobbers

  constructor(code: MachineFunction, lives: Liveness, target: AllocationTarget, firstTemporary: number) {
    this.#code = code
    this.#lives = lives
    this.#target = target
    this.#firstTemporary = firstTemporary
    this.assigned = new Int32Array(code.registers.length).fill(nobody)
    this.#clobbers = findClobbers(code)
  }

  run(): void {
    const { registers } = this.#code
    for (const id of this.#lives.order) this.#place(id, registers[id].file)
  }

  #place(id: number, file: RegisterFile): void {
    const held = file === 'general' ? this.#general : this.#vector
    const order = this.#target.order[file]
    const clobbered = this.#clobbers.size > 0 ? this.#clobberedDuring(id) : 0
    const forbidden = file === 'general' ? clobbered : clobbered & everyVector ? everyRegister : 0
    let choice = this.#firstFree(order, held, forbidden, id)
    if (choice < 0) {
      const victim = this.#cheapest(order, held, forbidden)
      const own = this.#spillWeight(id)
      if (victim < 0 || own <= this.#spillWeight(held[victim])) {
        if (own === Number.POSITIVE_INFINITY) throw tooTight(this.#code, file, this.#lives.start[id])
        this.spilled.push(id)
        return
      }
      this.spilled.push(held[victim])
      this.assigned[held[victim]] = nobody
      choice = victim
    }
    held[choice] = id
    this.assigned[id] = choice
  }

  /** The register's wish if that is free, else the first free one in order, else -1; what has ended is dropped on the way. */
  #firstFree(order: readonly number[], held: Int32Array, forbidden: number, id: number): number {
    const { start, end, hint } = this.#lives
    const born = start[id]
    const wished = hint[id] < 0 ? nobody : this.assigned[hint[id]]
    let choice = -1
    for (let i = 0; i < order.length; i++) {
      const number = order[i]
      const holder = held[number]
      if (holder !== nobody) {
        if (end[holder] >= born) continue
        held[number] = nobody
      }
      if ((forbidden >>> number) & 1) continue
      if (number === wished) return number
      if (choice < 0) choice = number
      if (wished < 0) return choice
    }
    return choice
  }

  #cheapest(order: readonly number[], held: Int32Array, forbidden: number): number {
    let best = -1
    let lowest = Number.POSITIVE_INFINITY
    for (const number of order) {
      if (held[number] === nobody || (forbidden >>> number) & 1) continue
      const weight = this.#spillWeight(held[number])
      if (weight < lowest) {
        lowest = weight
        best = number
      }
    }
    return best
  }

  #spillWeight(id: number): number {
    const { cost, start, end } = this.#lives
    return id >= this.#firstTemporary ? Number.POSITIVE_INFINITY : cost[id] / (end[id] - start[id] + 1)
  }

  #clobberedDuring(id: number): number {
    const { start, end } = this.#lives
    let clobbered = 0
    for (const [set, places] of this.#clobbers) {
      const at = places[lowerBound(places, start[id] - 1)]
      if (at !== undefined && at <= end[id]) clobbered |= set
    }
    return clobbered
  }
}

const tooTight = ({ name }: MachineFunction, file: RegisterFile, at: number): CompileError =>
  new CompileError(`${name}: instruction ${at >> 1} needs more ${file} registers than there are.`)

/** For each set of clobbered registers, where it is clobbered, in order. */
type Clobbers = ReadonlyMap<number, readonly number[]>

function findClobbers({ ops }: MachineFunction): Clobbers {
  const places = new Map<number, number[]>()
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i]
    if (op.op !== 'instruction' || op.clobbers === 0) continue
    const list = places.get(op.clobbers)
    if (list) list.push(2 * i)
    else places.set(op.clobbers, [2 * i])
  }
  return places
}

function lowerBound(places: readonly number[], value: number): number {
  let [low, high] = [0, places.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (places[middle] < value) low = middle + 1
    else high = middle
  }
  return low
}
