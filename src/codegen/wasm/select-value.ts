// Expressions to values on the stack, in all lanes of the group at hand; what all lanes share is computed once and spread.
import type { DType } from '../../base/dtype.ts'
import type { Alu, Expression, Literal } from '../../kernel/kernel-node.ts'
import { formOf, isWide, type NumberForm, shapeOf } from './forms.ts'
import { readAccumulator } from './select-accumulator.ts'
import { strideOf } from './select-address.ts'
import { convert, reinterpret } from './select-convert.ts'
import { floatOperation } from './select-float.ts'
import { knownLanes, pushGuard } from './select-guard.ts'
import { emitIndex } from './select-index.ts'
import { integerOperation, maskOperation } from './select-integer.ts'
import { load } from './select-load.ts'
import { isVarying } from './select-varying.ts'
import type { Selection } from './selection.ts'

/** Leaves the value of `e`, which is no index, on the stack. */
export function evaluate(s: Selection, e: Expression): void {
  const isLane = s.group.lanes > 1
  const varies = isVarying(s, e)
  const memo = isLane ? s.laneMemo : s.scalarMemo
  const known = memo.get(e)
  if (known !== undefined) {
    s.code.get(known)
    return
  }
  if (isLane && !varies) spread(s, e)
  else compute(s, e)
  if (!s.repeated.has(e) || (s.inLane !== undefined && varies)) return
  const local = s.code.local(s.valueType(formOf(e.dtype as DType)))
  s.code.tee(local)
  memo.set(e, local)
}

/** A value from outside the vector loop is spread before it begins. */
function spread(s: Selection, e: Expression): void {
  const form = formOf(e.dtype as DType)
  const write = (): void => {
    s.alone(() => evaluate(s, e))
    s.splat(form)
    s.toMask(form !== 'mask')
  }
  if (e.op === 'literal') {
    emitLiteral(s, e)
    return
  }
  const loop = s.vectorLoop!
  const bound = e.op === 'reference' ? s.bindings.get(e.binding.id) : undefined
  const scope = s.scopes[loop.level]
  if (bound?.kind !== 'kept' || bound.level >= loop.level || scope?.before === undefined) {
    write()
    return
  }
  const key = `spread ${bound.locals[0][0]}`
  let local = scope.known.get(key)
  if (local === undefined) {
    local = s.code.local('v128')
    s.code.into(scope.before, () => {
      s.code.get(bound.locals[0][0])
      s.splat(form)
      s.toMask(form !== 'mask')
      s.code.set(local!)
    })
    scope.known.set(key, local)
  }
  s.code.get(local)
}

function compute(s: Selection, e: Expression): void {
  switch (e.op) {
    case 'literal':
      emitLiteral(s, e)
      break
    case 'alu':
      computeAlu(s, e)
      break
    case 'load':
      load(s, e)
      break
    case 'read':
      readAccumulator(s, e.accumulator)
      break
    case 'reference': {
      const bound = s.bindings.get(e.binding.id)
      if (bound?.kind === 'guard') {
        pushGuard(s, bound.groups[s.group.index])
        break
      }
      if (bound?.kind !== 'kept') throw s.fail(`${e.binding.name} is no value in locals`)
      s.code.get(bound.locals[bound.varying ? s.group.index : 0][0])
      break
    }
    default:
      throw s.fail(`${e.op} stands where a value of a tensor is expected`)
  }
}

function emitLiteral(s: Selection, { dtype, value }: Literal): void {
  const form = formOf(dtype as DType)
  const isLane = s.group.lanes > 1
  if (form === 'mask') {
    const bit = Number(value) === 0 ? 0 : 1
    if (isLane) s.vector([-bit], 'i32')
    else s.code.i32(bit)
  } else if (isLane) s.vector([form === 'i64' ? BigInt(value) : Number(value)], form)
  else if (form === 'i64') s.code.i64(BigInt(value))
  else if (form === 'i32') s.code.i32(Number(value))
  else s.emit(`${form}.const`, Number(value))
}

const comparisons: ReadonlySet<string> = new Set(['less', 'lessEqual', 'equal', 'notEqual'])

function computeAlu(s: Selection, e: Alu): void {
  const { kind, inputs, dtype } = e
  const operand = inputs[kind === 'where' ? 1 : 0].dtype
  if (operand === 'index') {
    if (kind === 'cast') castIndex(s, e)
    else if (comparisons.has(kind)) compareIndices(s, e)
    else throw s.fail(`${kind} of indices is no value of a tensor`)
    return
  }
  if (kind === 'where') {
    select(s, e)
    return
  }
  const push = (i: number): void => evaluate(s, inputs[i])
  if (kind === 'cast' || kind === 'bitcast') {
    push(0)
    const change = kind === 'cast' ? convert : reinterpret
    change(s, operand, dtype as DType)
    return
  }
  const form = formOf(operand)
  if (form === 'mask') maskOperation(s, kind, push)
  else if (form === 'f32' || form === 'f64') floatOperation(s, e, form, push)
  else integerOperation(s, e, operand, form)
}

/** Whether all bits are 0. */
export const isZero = (e: Expression): boolean => e.op === 'literal' && Object.is(Number(e.value), 0)

/** Condition, then, otherwise. */
function select(s: Selection, { inputs, dtype }: Alu): void {
  const form = formOf(dtype as DType)
  const zero = s.group.lanes > 1 ? [1, 2].find((i) => isZero(inputs[i])) : undefined
  for (const i of [1, 2]) if (i !== zero) evaluate(s, inputs[i])
  evaluate(s, inputs[0])
  if (s.group.lanes === 1) {
    s.emit('select')
    return
  }
  s.fromMask(form === 'mask' || isWide(form))
  s.emit(zero === undefined ? 'v128.bitselect' : zero === 2 ? 'v128.and' : 'v128.andnot')
}

// --- indices as values -----------------------------------------------------------------------------------------------------

/** Lanes of an index as 32-bit numbers; its values must fit. */
function indexLanes(s: Selection, e: Expression): void {
  if (!isVarying(s, e)) {
    emitIndex(s, e, 'i32')
    s.emit('i32x4.splat')
    return
  }
  const stride = strideOf(s, e)
  if (stride === undefined) {
    s.perLane('i32', () => emitIndex(s, e, 'i32'))
    return
  }
  emitIndex(s, e, 'i32')
  s.emit('i32x4.splat')
  s.vector(
    [0, stride, 2 * stride, 3 * stride].map((value) => value | 0),
    'i32',
  )
  s.emit('i32x4.add')
}

function castIndex(s: Selection, { inputs, dtype }: Alu): void {
  const [index] = inputs
  const target = dtype as DType
  const type = s.indexType(index)
  if (s.group.lanes === 1) {
    emitIndex(s, index, type)
    convert(s, type === 'i32' ? 'int32' : 'int64', target)
  } else if (type === 'i32') {
    indexLanes(s, index)
    convert(s, 'int32', target)
  } else {
    const form = formOf(target)
    s.perLane(form === 'mask' ? 'i32' : form, () => {
      emitIndex(s, index, type)
      convert(s, 'int64', target)
      if (form === 'mask') negate(s)
    })
    if (form === 'mask') s.toMask(false)
  }
}

function negate(s: Selection): void {
  s.emit('i32.eqz')
  s.code.i32(1)
  s.emit('i32.sub')
}

const suffixes: Record<string, string> = { less: 'lt_s', lessEqual: 'le_s', equal: 'eq', notEqual: 'ne' }

function compareIndices(s: Selection, e: Alu): void {
  const { kind, inputs } = e
  const narrow = inputs.every((input) => s.indexType(input) === 'i32')
  const type = narrow ? 'i32' : 'i64'
  const alone = (): void => {
    for (const input of inputs) emitIndex(s, input, type)
    s.emit(`${type}.${suffixes[kind]}`)
  }
  const known = s.group.lanes === 1 ? undefined : knownLanes(s, e)
  if (known) s.pushMask({ possible: known, local: undefined })
  else if (s.group.lanes === 1) alone()
  else if (narrow) {
    for (const input of inputs) indexLanes(s, input)
    s.emit(`i32x4.${suffixes[kind]}`)
    s.toMask(false)
  } else {
    s.perLane('i32', () => {
      alone()
      negate(s)
    })
    s.toMask(false)
  }
}

/** `name` of scalars or of vectors of a form. */
export const operation = (s: Selection, form: NumberForm, scalar: string, vector = scalar): void =>
  s.emit(s.group.lanes === 1 ? `${form}.${scalar}` : `${shapeOf[form]}.${vector}`)
