// Evaluates an expression in the current group of lanes. What all lanes share is computed once as a scalar and spread.
import { type DType, isFloat } from '../../base/dtype.ts'
import { roundToBfloat16, roundToFloat16 } from '../../base/half.ts'
import type { Alu, Expression, Literal } from '../../kernel/kernel-node.ts'
import { double } from '../machine/function-numbers.ts'
import type { Mnemonic } from './instruction-table.ts'
import { readAccumulator } from './select-accumulator.ts'
import { indexComparison } from './select-condition.ts'
import { convert, reinterpret } from './select-convert.ts'
import { chooseByComparison, comparesFloats } from './select-float.ts'
import { affineOf } from './select-index.ts'
import { indexLanes } from './select-index-lanes.ts'
import { broadcast } from './select-lanes.ts'
import { blendLanes, clearLanes, loadValue } from './select-memory.ts'
import { operate } from './select-operation.ts'
import { type Form, formOf, type LaneValue, type Part, type Selection } from './select-state.ts'
import { isVarying } from './select-varying.ts'

export function evaluate(s: Selection, e: Expression): LaneValue {
  const scalar = s.group.lanes === 1
  const memo = scalar ? s.scalarMemo : s.laneMemo
  const known = memo.get(e)
  if (known) return known
  const value = scalar || isVarying(s, e) ? compute(s, e) : computeUniform(s, e)
  memo.set(e, value)
  return value
}

function computeUniform(s: Selection, e: Expression): LaneValue {
  if (e.op === 'literal') return literalValue(s, e)
  if (e.op === 'load' && e.guard === undefined && !s.options.checked) {
    const { predicate } = s.group
    s.group = { ...s.group, predicate: undefined }
    const value = loadValue(s, e)
    s.group = { ...s.group, predicate }
    return value
  }
  if (e.op === 'reference') {
    const bound = s.bindings.get(e.binding.id)!
    if (bound.level < s.depth) return hoistedBroadcast(s, bound.values[0], bound.level)
  }
  return broadcast(
    s,
    s.asScalar(() => evaluate(s, e)),
  )
}

function hoistedBroadcast(s: Selection, value: LaneValue, level: number): LaneValue {
  const [part] = value.parts
  if (!('id' in part)) return { form: value.form, parts: new Array<Part>(s.partCount(value.form)).fill(part) }
  const { group } = s
  const register = s.hoist(
    level,
    `broadcast${part.id}x${group.lanes}${group.doubled ? ' doubled' : ''}`,
    () => broadcast(s, value).parts[0] as typeof part,
  )
  return { form: value.form, parts: new Array<Part>(s.partCount(value.form)).fill(register) }
}

function compute(s: Selection, e: Expression): LaneValue {
  switch (e.op) {
    case 'literal':
      return literalValue(s, e)
    case 'load':
      return loadValue(s, e)
    case 'read':
      return readAccumulator(s, e.accumulator)
    case 'reference': {
      const bound = s.bindings.get(e.binding.id)
      const value = bound?.values[bound.varying ? s.group.index : 0]
      if (value === undefined) throw s.fail(`${e.binding.name} is used before its let`)
      return value
    }
    case 'alu':
      return aluValue(s, e)
    default:
      throw s.fail(`${e.op} is of dtype index and needs a cast`)
  }
}

function literalValue(s: Selection, { dtype, value }: Literal): LaneValue {
  if (dtype === 'index') throw s.fail('a literal of dtype index is used as data')
  const form = formOf(dtype)
  return { form, parts: new Array<Part>(s.partCount(form)).fill(literalPart(s, dtype, form, value)) }
}

const roundings: Partial<Record<DType, (value: number) => number>> = {
  float16: roundToFloat16,
  bfloat16: roundToBfloat16,
}

function literalPart(s: Selection, dtype: DType, form: Form, value: Literal['value']): Part {
  switch (form) {
    case 'mask':
      return s.i32(value ? -1 : 0)
    case 'i64':
      return s.i64(BigInt.asIntN(64, BigInt(value)))
    case 'i32':
      return s.i32(dtype === 'uint8' ? Number(value) & 255 : Number(value) | 0)
    case 'f64':
      return s.f64(Number(value))
    case 'f32':
      return s.f32(roundings[dtype]?.(Number(value)) ?? Number(value))
  }
}

function aluValue(s: Selection, e: Alu): LaneValue {
  const [first] = e.inputs
  if (e.kind === 'cast') {
    if (first.dtype === 'index') return fromIndex(s, first, e.dtype as DType)
    return convert(s, evaluate(s, first), first.dtype, e.dtype as DType)
  }
  if (e.kind === 'bitcast') return reinterpret(s, evaluate(s, first), first.dtype as DType, e.dtype as DType)
  if (e.kind === 'where') return whereValue(s, e)
  if (first.dtype === 'index') return indexComparison(s, e)
  return operate(
    s,
    e.kind,
    first.dtype,
    e.inputs.map((input) => evaluate(s, input)),
  )
}

/** An index as data. What loops count stays below 2^51 and so becomes a float64 in the low bits of another. */
function fromIndex(s: Selection, e: Expression, dtype: DType): LaneValue {
  const integers = indexLanes(s, e)
  if (!isFloat(dtype) || affineOf(s, e) === undefined) return convert(s, integers, 'int64', dtype)
  const bytes = s.partBytes('i64')
  const parts = integers.parts.map((part) => {
    const sum = s.commutative('vpaddq', bytes, part, s.f64(double.wholeInLowBits))
    return s.vector3('vsubpd', bytes, sum, s.f64(double.wholeInLowBits))
  })
  return convert(s, { form: 'f64', parts }, 'float64', dtype)
}

function whereValue(s: Selection, { inputs, dtype }: Alu): LaneValue {
  const extreme = isFloat(dtype as DType) ? extremeOf(s, inputs) : undefined
  if (extreme) return extreme
  const comparison = s.partBytes('mask') === 64 ? comparisonAlone(s, inputs) : undefined
  if (comparison) {
    const [a, b, then, otherwise] = [...comparison.inputs, inputs[1], inputs[2]].map((e) => evaluate(s, e))
    return chooseByComparison(s, comparison.kind, a, b, then, otherwise)
  }
  const mask = evaluate(s, inputs[0])
  const then = evaluate(s, inputs[1])
  const otherwise = evaluate(s, inputs[2])
  if (then.form === 'mask') {
    const bytes = s.partBytes('mask')
    return { form: 'mask', parts: [s.blend(bytes, false, mask.parts[0], then.parts[0], otherwise.parts[0])] }
  }
  const lanes = s.load(mask.parts[0], s.partBytes('mask'))
  if (isZero(inputs[1])) return clearLanes(s, lanes, otherwise)
  return blendLanes(s, lanes, then, otherwise)
}

/** The condition of a choice if it compares floats as wide as what is chosen, for this choice only. */
function comparisonAlone(s: Selection, [condition, then]: readonly Expression[]): Alu | undefined {
  if (condition.op !== 'alu' || !comparesFloats(condition.kind) || s.laneMemo.has(condition)) return undefined
  const compared = formOf(condition.inputs[0].dtype as DType)
  return isFloatForm(compared) && compared === formOf(then.dtype as DType) ? condition : undefined
}

const isFloatForm = (form: Form): boolean => form === 'f32' || form === 'f64'

const isZero = (e: Expression): boolean => e.op === 'literal' && Object.is(Number(e.value), 0)

/** a < b ? b : a and a < b ? a : b of floats are one instruction each, which also gives its second source where either is NaN. */
function extremeOf(s: Selection, [condition, then, otherwise]: readonly Expression[]): LaneValue | undefined {
  if (condition.op !== 'alu' || condition.kind !== 'less') return undefined
  const [a, b] = condition.inputs
  const isLarger = then === b && otherwise === a
  if (!isLarger && !(then === a && otherwise === b)) return undefined
  const [first, second] = [evaluate(s, then), evaluate(s, otherwise)]
  const name = isLarger ? 'vmax' : 'vmin'
  const bytes = s.partBytes(first.form)
  const mnemonic: Mnemonic = first.form === 'f64' ? `${name}pd` : `${name}ps`
  return { form: first.form, parts: first.parts.map((part, i) => s.vector3(mnemonic, bytes, part, second.parts[i])) }
}
