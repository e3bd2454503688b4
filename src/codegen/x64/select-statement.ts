// What each statement becomes; in which order they are written is that of all generators.
import type { If, Let } from '../../kernel/kernel-node.ts'
import { type SelectStatements, statementSelector } from '../machine/select-statements.ts'
import { barrierClobbers } from './emit-sequences.ts'
import { accumulate, declareAccumulator } from './select-accumulator.ts'
import { checkIndex } from './select-check.ts'
import { branchUnless } from './select-condition.ts'
import { affineOf } from './select-index.ts'
import { indexLanes } from './select-index-lanes.ts'
import { maskBits } from './select-lanes.ts'
import { selectLoop } from './select-loop.ts'
import { storeValue } from './select-memory.ts'
import { type Group, type LaneValue, type Selection, scalarGroup } from './select-state.ts'
import { isVarying } from './select-varying.ts'
import { tileMultiply } from './tile-multiply.ts'

export const selectStatements: SelectStatements<Selection, Group> = statementSelector<Selection, Group>({
  scalarGroup,
  isVarying,
  begin: freshMemo,
  for: selectLoop,
  ifShared(s, { condition, body }, groups) {
    const end = s.label()
    branchUnless(s, condition, end)
    selectStatements(s, body, groups)
    s.mark(end)
  },
  tileMultiply,
  barrier: (s) => s.sequence('barrier', 'read', barrierClobbers, s.contextPointer.view(8)),
  let: bind,
  declare: declareAccumulator,
  accumulate,
  store: storeValue,
  check: checkIndex,
  ifVarying: predicated,
})

function freshMemo(s: Selection): void {
  if (s.scalarMemo.size > 0) s.scalarMemo = new Map()
  if (s.laneMemo.size > 0) s.laneMemo = new Map()
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
