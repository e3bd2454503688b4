// What each statement becomes; in which order they are written is that of all generators.
import type { Check, Expression, If, Let, Statement } from '../../kernel/kernel-node.ts'
import { type SelectStatements, statementSelector } from '../machine/select-statements.ts'
import { formOf, type Group, scalarGroup } from './forms.ts'
import { accumulate, declareAccumulator } from './select-accumulator.ts'
import { eachActiveLane, guardOf, isImpossible, maskOf } from './select-guard.ts'
import { emitIndex, prepareLanes } from './select-index.ts'
import { selectLoop } from './select-loop.ts'
import { store } from './select-store.ts'
import { evaluate } from './select-value.ts'
import { isVarying } from './select-varying.ts'
import { kernelParameters, type Selection } from './selection.ts'
import { tileMultiply } from './tile-multiply.ts'

const select = statementSelector<Selection, Group>({
  scalarGroup,
  isVarying,
  begin,
  for: around(selectLoop),
  ifShared: around((s, { condition, body }, groups) => {
    evaluate(s, condition)
    s.code.block('if', () => selectStatements(s, body, groups))
  }),
  tileMultiply: around(tileMultiply),
  barrier: around((s) => {
    s.code.get(kernelParameters.context)
    s.code.call(s.library.get('barrier'))
  }),
  let: bind,
  declare: declareAccumulator,
  accumulate,
  store,
  check,
  ifVarying: predicated,
})

export const selectStatements: SelectStatements<Selection, Group> = (s, list, groups) => {
  select(s, list, groups)
  s.group = scalarGroup
}

/** What stands inside of a block is not known after it. */
function around<Given extends unknown[]>(
  write: (s: Selection, ...given: Given) => void,
): (s: Selection, ...given: Given) => void {
  return (s, ...given) => {
    write(s, ...given)
    s.forget()
  }
}

// --- what a statement holds more than once -------------------------------------------------------------------------------------

function begin(s: Selection, statement: Statement): void {
  s.forget()
  s.repeated = repeatedIn(statement)
}

const repeats = new WeakMap<Statement, ReadonlySet<Expression>>()

function repeatedIn(statement: Statement): ReadonlySet<Expression> {
  const known = repeats.get(statement)
  if (known) return known
  const seen = new Set<Expression>()
  const found = new Set<Expression>()
  const visit = (e: Expression | undefined): void => {
    if (e === undefined || (e.op !== 'alu' && e.op !== 'load' && e.op !== 'read')) return
    if (seen.has(e)) {
      if (e.dtype !== 'index') found.add(e)
      return
    }
    seen.add(e)
    if (e.op === 'alu') e.inputs.forEach(visit)
    else if (e.op === 'load') for (const part of [e.index, e.guard, e.otherwise]) visit(part)
  }
  for (const e of expressionsOf(statement)) visit(e)
  repeats.set(statement, found)
  return found
}

function expressionsOf(statement: Statement): readonly (Expression | undefined)[] {
  switch (statement.op) {
    case 'let':
    case 'accumulate':
      return [statement.value]
    case 'declare':
      return [statement.initial]
    case 'store':
      return [statement.index, statement.value, statement.guard]
    case 'check':
      return [statement.index, statement.position]
    case 'if':
      return [statement.condition]
    default:
      return []
  }
}

// --- let -----------------------------------------------------------------------------------------------------------------------

function bind(s: Selection, { binding, value }: Let): void {
  const { lanes, index } = s.group
  const varying = lanes > 1 && isVarying(s, value)
  const known = s.bindings.get(binding.id)
  if (!varying && lanes > 1 && index > 0 && known) return
  if (binding.dtype === 'index') {
    s.bounds.bind(binding.id, value)
    if (isPureIndex(value)) {
      s.bindings.set(binding.id, { kind: 'index', value })
      return
    }
  }
  if (varying && binding.dtype === 'bool' && bindGuard(s, binding.id, value)) return
  const goesOn = varying && index > 0 && known?.kind === 'kept' ? known : undefined
  const type =
    binding.dtype === 'index' ? s.indexType(value) : s.alone(() => s.valueType(formOf(binding.dtype as 'int32')))
  const locals = goesOn?.locals ?? []
  locals[varying ? index : 0] =
    binding.dtype === 'index' ? keepIndex(s, value, varying) : [keepValue(s, value, varying)]
  if (!goesOn) s.bindings.set(binding.id, { kind: 'kept', type, varying, level: s.depth, locals })
}

/** Binds a condition of which nothing needs computing lane by lane; gives whether it is one. */
function bindGuard(s: Selection, id: number, value: Expression): boolean {
  const known = s.bindings.get(id)
  const guard = guardOf(s, value)
  if (guard.varying.length > 0) return false
  const groups = s.group.index > 0 && known?.kind === 'guard' ? known.groups : []
  groups[s.group.index] = guard
  s.bindings.set(id, { kind: 'guard', groups })
  return true
}

function keepValue(s: Selection, value: Expression, varying: boolean): number {
  const form = formOf(value.dtype as 'int32')
  if (varying) {
    evaluate(s, value)
    return s.code.keep('v128')
  }
  return s.alone(() => {
    evaluate(s, value)
    return s.code.keep(s.valueType(form))
  })
}

function keepIndex(s: Selection, value: Expression, varying: boolean): number[] {
  const type = s.indexType(value)
  if (!varying) {
    s.alone(() => emitIndex(s, value, type))
    return [s.code.keep(type)]
  }
  prepareLanes(s, value)
  return Array.from({ length: s.group.lanes }, (_, lane) => {
    s.atLane(lane, () => emitIndex(s, value, type))
    return s.code.keep(type)
  })
}

/** Whether an index is computed from indices alone, so that it may be computed anywhere. */
function isPureIndex(e: Expression): boolean {
  if (e.op !== 'alu') return e.dtype === 'index'
  if (e.dtype !== 'index' && e.inputs.some(({ dtype }) => dtype !== 'index')) return false
  return e.inputs.every(isPureIndex)
}

// --- checks and conditions ---------------------------------------------------------------------------------------------------------

function check(s: Selection, { index, limit, position, id }: Check): void {
  prepareLanes(s, index)
  prepareLanes(s, position)
  const one = (): void => {
    emitIndex(s, index, 'i64')
    const found = s.code.local('i64')
    s.code.tee(found)
    s.code.i64(limit)
    s.emit('i64.ge_u')
    s.code.block('if', () => {
      s.code.get(kernelParameters.context)
      s.code.i32(id)
      s.conditionally(() => emitIndex(s, position, 'i64'))
      s.code.get(found)
      s.code.call(s.library.get('raise'))
    })
  }
  if (s.group.lanes === 1) one()
  else eachActiveLane(s, s.group.predicate, one)
}

/** A condition that differs between lanes: its body runs for the lanes where it holds, if there are any. */
function predicated(s: Selection, { condition, body }: If): void {
  const { group } = s
  const { possible, shared, varying } = guardOf(s, condition)
  const predicate = maskOf(s, { possible, shared, varying: [...shared, ...varying] })
  const write = (): void => selectStatements(s, body, [{ ...group, predicate }])
  if (predicate?.local === undefined) {
    if (!isImpossible(predicate)) write()
  } else {
    s.code.get(predicate.local)
    s.emit('v128.any_true')
    s.code.block('if', write)
  }
  s.group = group
  s.forget()
}
