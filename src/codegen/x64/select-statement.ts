// Selects statements. In a vector loop, runs of simple statements are repeated for each group of lanes, while loops and uniform
// conditions inside it are written once around all groups.
import type { If, Let, Statement, Store } from '../../kernel/kernel-node.ts'
import { barrierClobbers } from './emit-sequences.ts'
import { accumulate, declareAccumulator } from './select-accumulator.ts'
import { checkIndex } from './select-check.ts'
import { branchUnless, indexLanes } from './select-condition.ts'
import { affineOf } from './select-index.ts'
import { maskBits } from './select-lanes.ts'
import { selectLoop } from './select-loop.ts'
import { storeValue } from './select-memory.ts'
import { type Group, type LaneValue, type Selection, scalarGroup } from './select-state.ts'
import { isVarying } from './select-varying.ts'
import { tileMultiply } from './tile-multiply.ts'

export function selectStatements(s: Selection, list: readonly Statement[], groups: readonly Group[]): void {
  for (let i = 0; i < list.length; ) {
    const statement = list[i]
    if (isShared(s, statement, groups)) {
      selectShared(s, statement, groups)
      i++
      continue
    }
    let end = i + 1
    while (end < list.length && !isShared(s, list[end], groups)) end++
    for (const group of groups) {
      s.group = group
      for (let at = i; at < end; at++) selectSimple(s, list[at])
    }
    i = end
  }
}

/** Whether a statement is written once for all groups. */
function isShared(s: Selection, statement: Statement, groups: readonly Group[]): boolean {
  if (statement.op === 'if') return groups[0].lanes === 1 || !isVarying(s, statement.condition)
  return statement.op === 'for' || statement.op === 'tileMultiply' || statement.op === 'barrier'
}

function freshMemo(s: Selection): void {
  if (s.scalarMemo.size > 0) s.scalarMemo = new Map()
  if (s.laneMemo.size > 0) s.laneMemo = new Map()
}

function selectShared(s: Selection, statement: Statement, groups: readonly Group[]): void {
  freshMemo(s)
  s.group = scalarGroup
  switch (statement.op) {
    case 'for':
      selectLoop(s, statement, groups)
      break
    case 'if': {
      const end = s.label()
      branchUnless(s, statement.condition, end)
      selectStatements(s, statement.body, groups)
      s.mark(end)
      break
    }
    case 'tileMultiply':
      if (groups[0].lanes > 1) throw s.fail('tileMultiply stands inside a vector loop')
      tileMultiply(s, statement)
      break
    case 'barrier':
      s.sequence('barrier', 'read', barrierClobbers, s.contextPointer.view(8))
  }
}

function selectSimple(s: Selection, statement: Statement): void {
  freshMemo(s)
  switch (statement.op) {
    case 'let':
      bind(s, statement)
      break
    case 'declare':
      declareAccumulator(s, statement)
      break
    case 'accumulate':
      accumulate(s, statement)
      break
    case 'store':
      storeValue(s, statement)
      break
    case 'check':
      checkIndex(s, statement)
      break
    case 'if':
      predicated(s, statement)
      break
    default:
      throw s.fail(`${statement.op} cannot stand among statements of one group`)
  }
}

function bind(s: Selection, { binding, value }: Let): void {
  const { lanes, index } = s.group
  const varying = lanes > 1 && isVarying(s, value)
  const known = s.bindings.get(binding.id)
  if (!varying && lanes > 1 && index > 0 && known) return
  if (binding.dtype === 'index') {
    const { group } = s
    if (!varying) s.group = scalarGroup
    // the offset of a group is added where the name is used
    else s.group = { ...group, offset: 0 }
    const affine = affineOf(s, value)
    s.group = group
    if (affine) {
      s.bindings.set(binding.id, { affine, values: [], varying: false, level: s.depth })
      return
    }
  }
  const bound = varying && index > 0 && known ? known : { values: [] as LaneValue[], varying, level: s.depth }
  const evaluateValue = () => (binding.dtype === 'index' ? indexLanes(s, value) : s.value(value))
  bound.values[varying ? index : 0] = stable(s, varying ? evaluateValue() : s.asScalar(evaluateValue))
  s.bindings.set(binding.id, bound)
}

/** A value that later accumulation does not change. */
function stable(s: Selection, { form, parts }: LaneValue): LaneValue {
  return {
    form,
    parts: parts.map((part) => (s.mutable.has(part) ? s.copyOf(part, Math.max(32, s.partBytes(form))) : part)),
  }
}

/** A condition that differs between lanes: its body runs for the lanes where it holds, if there are any. */
function predicated(s: Selection, { condition, body }: If): void {
  const { group } = s
  const bytes = s.partBytes('mask')
  const mask = s.load(s.value(condition).parts[0], bytes)
  const predicate = group.predicate ? s.vector3('vandps', bytes, group.predicate, mask) : s.copyOf(mask, bytes)
  const bits = maskBits(s, predicate)
  const end = s.label()
  s.read('test', bits.view(4), bits.view(4))
  s.branch('je', end)
  selectStatements(s, body, [{ ...group, predicate }])
  s.group = group
  s.mark(end)
}

/** Whether a statement writes to a buffer of the call, which only one participant may do outside parallel loops. */
export function writesParams(statement: Statement): boolean {
  switch (statement.op) {
    case 'store':
      return (statement as Store).memory.op === 'param'
    case 'tileMultiply':
      return statement.c.memory.op === 'param'
    case 'for':
    case 'if':
      return statement.body.some(writesParams)
    default:
      return false
  }
}
