// Gives every virtual register a machine register by linear scan. What does not fit is spilled to the stack frame, or recomputed
// where it is needed if that is one constant instruction; then the scan runs again over the short lives that are left.
import { CompileError } from '../../base/errors.ts'
import { findIntervals, type Interval } from './liveness.ts'
import type { Instruction, MachineFunction, RegisterFile, VirtualRegister } from './machine-op.ts'
import { type SpillTarget, spillRegisters } from './spill.ts'

/** What the allocator must know of a target. */
export interface AllocationTarget extends SpillTarget {
  /** machine registers by file, best first */
  readonly order: Readonly<Record<RegisterFile, readonly number[]>>
}

export interface Allocation {
  readonly code: MachineFunction
  /** machine register by virtual register id */
  readonly assigned: readonly number[]
  readonly frameBytes: number
  /** registers that were spilled or recomputed */
  readonly spilled: number
}

const roundLimit = 12

export function allocateRegisters(code: MachineFunction, target: AllocationTarget): Allocation {
  let frameBytes = 0
  let spilled = 0
  const unspillable = new Set<VirtualRegister>()
  for (let round = 0; round < roundLimit; round++) {
    const scan = scanIntervals(code, target, unspillable)
    if (scan.spilled.length === 0) return { code, assigned: scan.assigned, frameBytes, spilled }
    spilled += scan.spilled.length
    const rewritten = spillRegisters(code, scan.spilled, target, frameBytes, unspillable)
    code = rewritten.code
    frameBytes = rewritten.frameBytes
  }
  throw new CompileError(`${code.name}: register allocation did not settle in ${roundLimit} rounds.`)
}

interface Scan {
  readonly assigned: number[]
  readonly spilled: Interval[]
}

function scanIntervals(code: MachineFunction, target: AllocationTarget, unspillable: Set<VirtualRegister>): Scan {
  const { intervals, byRegister } = findIntervals(code)
  const clobbers = findClobbers(code)
  const assigned = new Array<number>(code.registers.length).fill(-1)
  const spilled: Interval[] = []
  const places = () => new Array<Interval | undefined>(32).fill(undefined)
  const vectors = places()
  const holders: Record<RegisterFile, (Interval | undefined)[]> = { general: places(), vector: vectors, wide: vectors }
  for (const interval of intervals) {
    const { file, id } = interval.register
    const held = holders[file]
    const order = target.order[file]
    const forbidden = file === 'general' && clobbers.size > 0 ? forbiddenWithin(clobbers, interval) : 0
    let choice = firstFree(order, held, forbidden, interval.start, preferred(interval, assigned, byRegister))
    if (choice < 0) {
      const victim = cheapest(order, held, forbidden, unspillable)
      const own = spillWeight(interval, unspillable)
      if (victim < 0 || own <= spillWeight(held[victim]!, unspillable)) {
        if (own === Number.POSITIVE_INFINITY) throw tooTight(code, interval)
        spilled.push(interval)
        continue
      }
      spilled.push(held[victim]!)
      assigned[held[victim]!.register.id] = -1
      choice = victim
    }
    held[choice] = interval
    assigned[id] = choice
  }
  return { assigned, spilled }
}

/** Drops what has ended; gives `wished` if it is free, else the first free register in order, else -1. */
function firstFree(
  order: readonly number[],
  held: (Interval | undefined)[],
  forbidden: number,
  start: number,
  wished: number,
): number {
  let choice = -1
  for (const number of order) {
    const holder = held[number]
    if (holder !== undefined) {
      if (holder.end >= start) continue
      held[number] = undefined
    }
    if ((forbidden >>> number) & 1) continue
    if (number === wished) return number
    if (choice < 0) choice = number
  }
  return choice
}

const tooTight = (code: MachineFunction, { register, start }: Interval): CompileError =>
  new CompileError(`${code.name}: instruction ${start >> 1} needs more ${register.file} registers than there are.`)

function preferred(
  { hint }: Interval,
  assigned: readonly number[],
  byRegister: readonly (Interval | undefined)[],
): number {
  return hint === undefined || byRegister[hint.id] === undefined ? -1 : assigned[hint.id]
}

const spillWeight = ({ cost, start, end, register }: Interval, unspillable: Set<VirtualRegister>): number =>
  unspillable.has(register) ? Number.POSITIVE_INFINITY : cost / (end - start + 1)

function cheapest(
  order: readonly number[],
  held: readonly (Interval | undefined)[],
  forbidden: number,
  unspillable: Set<VirtualRegister>,
): number {
  let best = -1
  let lowest = Number.POSITIVE_INFINITY
  for (const number of order) {
    const interval = held[number]
    if (interval === undefined || (forbidden >>> number) & 1) continue
    const weight = spillWeight(interval, unspillable)
    if (weight < lowest) {
      lowest = weight
      best = number
    }
  }
  return best
}

/** For each set of clobbered registers, where it is clobbered, in order. */
type Clobbers = ReadonlyMap<number, readonly number[]>

function findClobbers({ ops }: MachineFunction): Clobbers {
  const places = new Map<number, number[]>()
  for (let i = 0; i < ops.length; i++) {
    const { clobbers } = ops[i] as Partial<Instruction>
    if (!clobbers) continue
    const list = places.get(clobbers)
    if (list) list.push(2 * i)
    else places.set(clobbers, [2 * i])
  }
  return places
}

function forbiddenWithin(clobbers: Clobbers, { start, end }: Interval): number {
  let forbidden = 0
  for (const [set, places] of clobbers) {
    const at = places[lowerBound(places, start - 1)]
    if (at !== undefined && at <= end) forbidden |= set
  }
  return forbidden
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
