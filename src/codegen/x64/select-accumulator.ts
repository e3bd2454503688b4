// Accumulators live in registers: one value, one per lane, or as many lanes as a vector loop with a fixed tree that combines them.
import type { DType } from '../../base/dtype.ts'
import { categoryOf, dtypeTable } from '../../base/dtype.ts'
import type { Accumulate, Accumulator, AluKind, Declare, Expression } from '../../kernel/kernel-node.ts'
import { type Instruction, VirtualRegister, visitRegisters } from '../machine/machine-op.ts'
import { upperHalf } from './select-lanes.ts'
import { blendLanes } from './select-memory.ts'
import { operate } from './select-operation.ts'
import { type AccumulatorState, formOf, isWide, type LaneValue, type Part, type Selection } from './select-state.ts'

type Joining = 'sum' | 'prod' | 'max' | 'min'
const joins: Record<Joining, AluKind> = { sum: 'add', prod: 'mul', max: 'max', min: 'min' }

export function declareAccumulator(s: Selection, { accumulator, initial }: Declare): void {
  const form = formOf(accumulator.dtype)
  const value = s.value(initial)
  if (accumulator.lanes > 1) {
    if (s.group.lanes > 1) throw s.fail(`${accumulator.name} has lanes but is declared inside a vector loop`)
    s.accumulators.set(accumulator, {
      parts: [identityLanes(s, accumulator)],
      initial: { form, parts: [s.copyOf(value.parts[0], 16)] },
      perLane: false,
    })
    return
  }
  const perLane = s.group.lanes > 1
  let state = s.accumulators.get(accumulator)
  if (state === undefined || s.group.index === 0) {
    state = { parts: [], initial: undefined, perLane }
    s.accumulators.set(accumulator, state)
  }
  state.parts[s.group.index] = value.parts.map((part) => mutableCopy(s, part, s.partBytes(form)))
}

function mutableCopy(s: Selection, part: Part, bytes: number): VirtualRegister {
  const copy = s.copyOf(part, bytes)
  s.mutable.add(copy)
  return copy
}

const lanesInHalf = 4

/** Registers that hold all lanes in order, each at the identity: of 32 bytes, or of 16 for four lanes of 4 bytes. */
function identityLanes(s: Selection, { dtype, kind, lanes, name }: Accumulator): VirtualRegister[] {
  if (kind === 'none') throw s.fail(`${name} has lanes but no kind to combine them`)
  if (!Number.isInteger(Math.log2(lanes))) throw s.fail(`${name} has ${lanes} lanes, which is no power of two`)
  const count = Math.max(1, (lanes * (isWide(formOf(dtype)) ? 8 : 4)) / 32)
  const identity = identityOf(s, kind, dtype)
  const bytes = lanes === lanesInHalf && !isWide(formOf(dtype)) ? 16 : 32
  return Array.from({ length: count }, () => mutableCopy(s, identity, bytes))
}

function identityOf(s: Selection, kind: Joining, dtype: DType): Part {
  const form = formOf(dtype)
  const unit = kind === 'prod' ? 1 : 0
  const highest = kind === 'min'
  if (form === 'mask') return s.i32(kind === 'prod' || highest ? -1 : 0)
  const extreme = kind === 'max' || highest
  if (categoryOf(dtype) === 'float') {
    const value = extreme ? (highest ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY) : unit
    return form === 'f64' ? s.f64(value) : s.f32(value)
  }
  const { bytes, signed } = dtypeTable[dtype]
  const top = 2n ** BigInt(8 * bytes - (signed ? 1 : 0)) - 1n
  const value = extreme ? (highest ? top : signed ? -top - 1n : 0n) : BigInt(unit)
  return form === 'i64' ? s.i64(value) : s.i32(Number(value))
}

function stateOf(s: Selection, accumulator: Accumulator): AccumulatorState {
  const state = s.accumulators.get(accumulator)
  if (state === undefined) throw s.fail(`${accumulator.name} is used before it is declared`)
  return state
}

/** The registers of the current group. */
function groupParts(s: Selection, accumulator: Accumulator): VirtualRegister[] {
  const { parts, perLane } = stateOf(s, accumulator)
  if (accumulator.lanes === 1) {
    if (!perLane && s.group.lanes > 1) throw s.fail(`${accumulator.name} has one lane but is added to in a vector loop`)
    return parts[perLane ? s.group.index : 0]
  }
  const perPart = isWide(formOf(accumulator.dtype)) && !s.group.doubled ? 4 : Math.max(8, s.group.lanes)
  const first = Math.floor(s.group.offset / perPart)
  return parts[0].slice(first, first + s.partCount(formOf(accumulator.dtype)))
}

export function readAccumulator(s: Selection, accumulator: Accumulator): LaneValue {
  const form = formOf(accumulator.dtype)
  if (accumulator.lanes > 1 && !s.vectorLoop?.owned.has(accumulator)) {
    const { parts, initial } = stateOf(s, accumulator)
    return joinAll(s, accumulator, parts[0], initial!)
  }
  return { form, parts: groupParts(s, accumulator) }
}

/** Lane i with lane i + n/2, and so on; then with the initial value. */
function joinAll(
  s: Selection,
  { kind, dtype, lanes }: Accumulator,
  all: readonly VirtualRegister[],
  initial: LaneValue,
): LaneValue {
  const form = formOf(dtype)
  const joining = joins[kind as Joining]
  const { group } = s
  const join = (count: 1 | 4 | 8, a: Part, b: Part): VirtualRegister => {
    s.group = { ...group, lanes: count }
    const [part] = operate(s, joining, dtype, [
      { form, parts: [a] },
      { form, parts: [b] },
    ]).parts
    s.group = group
    return s.load(part, 16)
  }
  const whole = isWide(form) ? 4 : 8
  const half = isWide(form) ? 1 : 4
  let parts = [...all]
  while (parts.length > 1) {
    const middle = parts.length / 2
    parts = parts.slice(0, middle).map((part, i) => join(whole, part, parts[i + middle]))
  }
  // four narrow lanes fill a half; the other half holds no identity any more
  const fillsHalf = !isWide(form) && lanes === 4
  let sum = fillsHalf ? parts[0] : join(half, parts[0], upperHalf(s, parts[0]))
  if (!isWide(form)) sum = join(half, sum, s.vector2('vpshufd', 16, sum, 0x4e))
  sum = join(half, sum, s.vector2('vpshufd', 16, sum, isWide(form) ? 0x4e : 0xb1))
  return { form, parts: [join(1, initial.parts[0], sum)] }
}

export function accumulate(s: Selection, { accumulator, value }: Accumulate): void {
  const form = formOf(accumulator.dtype)
  const bytes = s.partBytes(form)
  const parts = groupParts(s, accumulator)
  if (accumulateFused(s, accumulator, value, parts) || accumulateCount(s, accumulator, value, parts)) return
  const current: LaneValue = { form, parts }
  const added = s.value(value)
  const { kind } = accumulator
  let result = kind === 'none' ? added : operate(s, joins[kind], accumulator.dtype, [current, added])
  if (s.group.predicate) result = blendLanes(s, s.group.predicate, result, current)
  const fresh = kind !== 'none' || s.group.predicate !== undefined
  parts.forEach((target, i) => {
    const part = result.parts[i]
    if (fresh && part instanceof VirtualRegister && retarget(s, part, target)) return
    s.write('vmovaps', target.view(bytes), s.operand(part, bytes))
  })
}

/** accumulator = multiplyAdd(a, b, accumulator) is one instruction. */
function accumulateFused(s: Selection, accumulator: Accumulator, value: Expression, parts: VirtualRegister[]): boolean {
  if (accumulator.kind !== 'none' || value.op !== 'alu' || value.kind !== 'multiplyAdd' || s.group.predicate)
    return false
  const [a, b, c] = value.inputs
  if (c.op !== 'read' || c.accumulator !== accumulator) return false
  const form = formOf(accumulator.dtype)
  const bytes = s.partBytes(form)
  const [left, right] = [s.value(a), s.value(b)]
  parts.forEach((target, i) => {
    const mnemonic = form === 'f64' ? 'vfmadd231pd' : 'vfmadd231ps'
    s.update(mnemonic, target.view(bytes), s.load(left.parts[i], bytes).view(bytes), s.operand(right.parts[i], bytes))
  })
  return true
}

/** How often something holds: lanes of a mask are 0 or -1, which is taken away. */
function accumulateCount(s: Selection, { kind, dtype }: Accumulator, value: Expression, [target]: VirtualRegister[]) {
  if (kind !== 'sum' || dtype !== 'int32' || value.op !== 'alu' || value.kind !== 'cast') return false
  const [condition] = value.inputs
  if (condition.dtype !== 'bool') return false
  const bytes = s.partBytes('i32')
  const [mask] = s.value(condition).parts
  const { predicate } = s.group
  const counted = predicate ? s.vector3('vpand', bytes, predicate, mask) : mask
  s.write('vpsubd', target.view(bytes), target.view(bytes), s.operand(counted, bytes))
  return true
}

const searchedOps = 12

/** Lets the instruction that has just computed `from` write `target` instead, if nothing after it touches `target`. */
function retarget(s: Selection, from: VirtualRegister, target: VirtualRegister): boolean {
  const { block } = s
  for (let i = block.length - 1; i >= Math.max(0, block.length - searchedOps); i--) {
    const op = block[i]
    if (Array.isArray(op) || op.op !== 'instruction') return false
    const [first] = op.operands
    if (op.first === 'write' && typeof first === 'object' && first.kind === 'register' && first.register === from) {
      block[i] = { ...op, operands: [target.view(first.bytes), ...op.operands.slice(1)] }
      return true
    }
    if (touches(op, target) || touches(op, from)) return false
  }
  return false
}

function touches(op: Instruction, register: VirtualRegister): boolean {
  let found = false
  visitRegisters(op, (other) => {
    found ||= other === register
  })
  return found
}
