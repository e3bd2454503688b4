// Accumulators are locals: one value, one vector per group, or as many vectors as hold all lanes, joined by a fixed tree when read.

import { reduceIdentity } from '../../base/arithmetic.ts'
import type { DType } from '../../base/dtype.ts'
import type { ReduceKind } from '../../base/scalar.ts'
import type { Accumulate, Accumulator, AluKind, Declare } from '../../kernel/kernel-node.ts'
import { type Form, formOf, type Group, isWide, scalarType, shapeOf, shuffles } from './forms.ts'
import { wrapInteger } from './select-convert.ts'
import { floatExtremum } from './select-float.ts'
import { extremum, maskOperation } from './select-integer.ts'
import { evaluate, operation } from './select-value.ts'
import type { Selection } from './selection.ts'

const joins: Record<ReduceKind, AluKind> = { sum: 'add', prod: 'mul', max: 'max', min: 'min' }

export function declareAccumulator(s: Selection, { accumulator, initial }: Declare): void {
  const { id, dtype, lanes } = accumulator
  const form = formOf(dtype)
  if (lanes > 1) {
    s.alone(() => evaluate(s, initial))
    const start = s.code.keep(scalarType(form))
    s.accumulators.set(id, { locals: identityLanes(s, accumulator), initial: start, perLane: false })
    return
  }
  const perLane = s.group.lanes > 1
  let state = s.accumulators.get(id)
  if (state === undefined || s.group.index === 0) {
    state = { locals: [], initial: -1, perLane }
    s.accumulators.set(id, state)
  }
  evaluate(s, initial)
  state.locals[s.group.index] = s.code.keep(s.valueType(form))
}

/** All lanes in order, each at the identity; masks in 32-bit lanes. */
function identityLanes(s: Selection, { dtype, kind, lanes, name }: Accumulator): number[] {
  if (kind === 'none') throw s.fail(`${name} has lanes but no kind to combine them`)
  const form = formOf(dtype)
  const value = reduceIdentity(kind, dtype)
  const count = Math.max(1, lanes / (isWide(form) ? 2 : 4))
  return Array.from({ length: count }, () => {
    s.vector([form === 'mask' ? -Number(value) : value], form === 'mask' ? 'i32' : form)
    return s.code.keep('v128')
  })
}

/** The local of the group at hand, and which half of it, where a group of two takes half a vector. */
function place(s: Selection, accumulator: Accumulator): { local: number; half: 0 | 1 | undefined } {
  const state = s.accumulatorState(accumulator)
  if (accumulator.lanes === 1) {
    if (!state.perLane && s.group.lanes > 1)
      throw s.fail(`${accumulator.name} has one lane but is added to in a vector loop`)
    return { local: state.locals[state.perLane ? s.group.index : 0], half: undefined }
  }
  if (isWide(formOf(accumulator.dtype))) return { local: state.locals[s.group.offset / 2], half: undefined }
  const local = state.locals[Math.floor(s.group.offset / 4)]
  return { local, half: s.group.lanes === 4 ? undefined : s.group.offset % 4 === 0 ? 0 : 1 }
}

export function readAccumulator(s: Selection, accumulator: Accumulator): void {
  if (accumulator.lanes > 1 && !s.vectorLoop?.owned.has(accumulator.id)) joinAll(s, accumulator)
  else readGroup(s, accumulator)
}

function readGroup(s: Selection, accumulator: Accumulator): void {
  const { local, half } = place(s, accumulator)
  s.code.get(local)
  if (half === undefined) return
  if (half === 1) s.shuffleOne('upperHalf')
  s.toMask(accumulator.dtype !== 'bool')
}

function writeGroup(s: Selection, accumulator: Accumulator): void {
  const { local, half } = place(s, accumulator)
  if (half === undefined) {
    s.code.set(local)
    return
  }
  if (accumulator.dtype === 'bool') s.fromMask(false)
  const value = s.code.keep('v128')
  s.code.get(half === 0 ? value : local)
  s.code.get(half === 0 ? local : value)
  s.emit('i8x16.shuffle', half === 0 ? shuffles.lowFirstThenHigh : shuffles.lowThenLow)
  s.code.set(local)
}

export function accumulate(s: Selection, { accumulator, value }: Accumulate): void {
  const { kind, dtype } = accumulator
  const form = formOf(dtype)
  const push = (i: number): void => (i === 0 ? readGroup(s, accumulator) : evaluate(s, value))
  if (kind === 'none') push(1)
  else combine(s, kind, dtype, push)
  const { predicate } = s.group
  if (s.group.lanes > 1 && predicate !== undefined) {
    readGroup(s, accumulator)
    s.pushMask(predicate)
    s.fromMask(form === 'mask' || isWide(form))
    s.emit('v128.bitselect')
  }
  writeGroup(s, accumulator)
}

/** Operands 0 and 1 by the accumulator's kind. */
function combine(s: Selection, kind: ReduceKind, dtype: DType, push: (i: number) => void): void {
  const form = formOf(dtype)
  const joining = joins[kind]
  if (form === 'mask') {
    maskOperation(s, joining, push)
    return
  }
  push(0)
  push(1)
  if (joining !== 'max' && joining !== 'min') operation(s, form, joining)
  else if (form === 'f32' || form === 'f64') floatExtremum(s, joining, form, false)
  else extremum(s, joining, form)
  if (form === 'i32') wrapInteger(s, dtype)
}

/** Lane i with lane i + n/2, and so on; then with the initial value. */
function joinAll(s: Selection, accumulator: Accumulator): void {
  const { dtype, lanes } = accumulator
  const kind = accumulator.kind as ReduceKind
  const form = formOf(dtype)
  const state = s.accumulatorState(accumulator)
  const { group } = s
  s.group = wholeGroup(form)
  const pair = (push: (i: number) => void): number => {
    combine(s, kind, dtype, push)
    return s.code.keep('v128')
  }
  let parts = state.locals
  while (parts.length > 1) {
    const middle = parts.length / 2
    parts = parts.slice(0, middle).map((part, i) => pair((side) => s.code.get(side === 0 ? part : parts[i + middle])))
  }
  let [sum] = parts
  const fold = (shuffle: 'upperHalf' | 'swapPairs'): void => {
    const whole = sum
    sum = pair((side) => {
      s.code.get(whole)
      if (side === 1) s.shuffleOne(shuffle)
    })
  }
  if (isWide(form) || lanes >= 4) fold('upperHalf')
  if (!isWide(form)) fold('swapPairs')
  s.group = group
  s.alone(() => combine(s, kind, dtype, (i) => (i === 0 ? s.code.get(state.initial) : extractFirst(s, form, sum))))
}

const wholeGroup = (form: Form): Group => ({ lanes: isWide(form) ? 2 : 4, index: 0, offset: 0, predicate: undefined })

function extractFirst(s: Selection, form: Form, local: number): void {
  s.code.get(local)
  s.emit(`${shapeOf[form === 'mask' ? 'i32' : form]}.extract_lane`, 0)
  if (form !== 'mask') return
  s.code.i32(1)
  s.emit('i32.and')
}
