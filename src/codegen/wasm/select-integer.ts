// Integer operations on one value or on lanes, and logic on bool. Integers wrap; a divisor of 0 gives 0; nothing traps.
import { bytesOf, type DType } from '../../base/dtype.ts'
import type { Alu, AluKind } from '../../kernel/kernel-node.ts'
import { shapeOf } from './forms.ts'
import { wrapInteger } from './select-convert.ts'
import { evaluate, operation } from './select-value.ts'
import { isVarying } from './select-varying.ts'
import type { Selection } from './selection.ts'

type IntegerForm = 'i32' | 'i64'

const named: Partial<Record<AluKind, string>> = { add: 'add', sub: 'sub', mul: 'mul' }
const bitwise: Partial<Record<AluKind, string>> = { and: 'and', or: 'or', xor: 'xor' }
const comparisons: Partial<Record<AluKind, string>> = { less: 'lt_s', lessEqual: 'le_s', equal: 'eq', notEqual: 'ne' }
const functions: Partial<Record<AluKind, string>> = { div: 'divide', mod: 'floorModulo', pow: 'power' }

export function integerOperation(s: Selection, e: Alu, dtype: DType, form: IntegerForm): void {
  const { kind, inputs } = e
  if (kind === 'shiftLeft' || kind === 'shiftRight') {
    shift(s, e, dtype, form)
    wrapInteger(s, dtype)
    return
  }
  for (const input of inputs) evaluate(s, input)
  const comparison = comparisons[kind]
  if (comparison) {
    operation(s, form, comparison)
    if (s.group.lanes > 1) s.toMask(form === 'i64')
    return
  }
  arithmetic(s, kind, form)
  wrapInteger(s, dtype)
}

function arithmetic(s: Selection, kind: AluKind, form: IntegerForm): void {
  const alone = s.group.lanes === 1
  const name = named[kind]
  const bits = bitwise[kind]
  const call = functions[kind]
  if (name) operation(s, form, name)
  else if (bits) s.emit(alone ? `${form}.${bits}` : `v128.${bits}`)
  else if (call) eachLane(s, form, 2, () => s.code.call(s.library.get(`${call}${form === 'i32' ? 32 : 64}`)))
  else if (kind === 'max' || kind === 'min') extremum(s, kind, form)
  else if (kind === 'not') invert(s, form)
  else if (kind === 'neg') negate(s, form)
  else if (kind === 'abs') absolute(s, form)
  else if (kind !== 'floor') throw s.fail(`${kind} is not defined for integers`)
}

/** Takes `count` operands off the stack and applies `write` to each lane of them. */
export function eachLane(s: Selection, form: IntegerForm, count: number, write: () => void): void {
  const { lanes } = s.group
  if (lanes === 1) {
    write()
    return
  }
  const locals = Array.from({ length: count }, () => s.code.keep('v128')).reverse()
  for (let lane = 0; lane < lanes; lane++) {
    for (const local of locals) {
      s.code.get(local)
      s.emit(`${shapeOf[form]}.extract_lane`, lane)
    }
    write()
    s.emit(`${shapeOf[form]}.${lane === 0 ? 'splat' : 'replace_lane'}`, lane === 0 ? undefined : lane)
  }
}

export function extremum(s: Selection, kind: 'max' | 'min', form: IntegerForm): void {
  const alone = s.group.lanes === 1
  if (!alone && form === 'i32') {
    s.emit(`i32x4.${kind}_s`)
    return
  }
  const type = s.valueType(form)
  const [b, a] = [s.code.keep(type), s.code.keep(type)]
  for (const local of [a, b, a, b]) s.code.get(local)
  operation(s, form, kind === 'max' ? 'gt_s' : 'lt_s')
  s.emit(alone ? 'select' : 'v128.bitselect')
}

function invert(s: Selection, form: IntegerForm): void {
  if (s.group.lanes > 1) {
    s.emit('v128.not')
    return
  }
  if (form === 'i32') s.code.i32(-1)
  else s.code.i64(-1)
  s.emit(`${form}.xor`)
}

function negate(s: Selection, form: IntegerForm): void {
  if (s.group.lanes > 1) {
    s.emit(`${shapeOf[form]}.neg`)
    return
  }
  const value = s.code.keep(form)
  if (form === 'i32') s.code.i32(0)
  else s.code.i64(0)
  s.code.get(value)
  s.emit(`${form}.sub`)
}

function absolute(s: Selection, form: IntegerForm): void {
  if (s.group.lanes > 1) {
    s.emit(`${shapeOf[form]}.abs`)
    return
  }
  const value = s.code.local(form)
  s.code.tee(value)
  negate(s, form)
  s.code.get(value)
  s.code.get(value)
  if (form === 'i32') s.code.i32(0)
  else s.code.i64(0)
  s.emit(`${form}.lt_s`)
  s.emit('select')
}

/** By a constant within the width all lanes shift at once; other counts go lane by lane, and those outside empty the value. */
function shift(s: Selection, { kind, inputs }: Alu, dtype: DType, form: IntegerForm): void {
  const [value, count] = inputs
  const width = 8 * bytesOf(dtype)
  evaluate(s, value)
  const name = kind === 'shiftLeft' ? 'shl' : 'shr_s'
  const amount = count.op === 'literal' ? Number(count.value) : undefined
  if (amount !== undefined && amount >= 0 && amount < width && !isVarying(s, count)) {
    if (s.group.lanes > 1 || form === 'i32') s.code.i32(amount)
    else s.code.i64(amount)
    operation(s, form, name)
    return
  }
  evaluate(s, count)
  eachLane(s, form, 2, () => {
    if (form === 'i32') s.code.i32(width)
    s.code.call(s.library.get(`${kind}${form === 'i32' ? 32 : 64}`))
  })
}

// --- bool ----------------------------------------------------------------------------------------------------------------------

type Step = 'and' | 'or' | 'xor' | 'not'
/** Numbers push operands. */
const maskRows: Partial<Record<AluKind, readonly (Step | number)[]>> = {}
const row = (kinds: readonly AluKind[], steps: readonly (Step | number)[]): void => {
  for (const kind of kinds) maskRows[kind] = steps
}
row(['and', 'mul', 'min', 'div'], [0, 1, 'and'])
row(['or', 'add', 'max'], [0, 1, 'or'])
row(['xor', 'sub', 'notEqual'], [0, 1, 'xor'])
row(['equal'], [0, 1, 'xor', 'not'])
row(['less'], [0, 'not', 1, 'and'])
row(['lessEqual'], [0, 'not', 1, 'or'])
row(['pow'], [1, 'not', 0, 'or'])
row(['mod'], [0, 'not', 0, 'and'])
row(['not'], [0, 'not'])
row(['neg', 'abs', 'floor'], [0])

/** On bool, as its values 0 and 1 would do, true unless the result is 0. */
export function maskOperation(s: Selection, kind: AluKind, push: (i: number) => void): void {
  const steps = maskRows[kind]
  if (steps === undefined) throw s.fail(`${kind} is not defined for bool`)
  const alone = s.group.lanes === 1
  for (const step of steps)
    if (typeof step === 'number') push(step)
    else if (step !== 'not') s.emit(`${alone ? 'i32' : 'v128'}.${step}`)
    else s.emit(alone ? 'i32.eqz' : 'v128.not')
}
