// Conditions: as branches in scalar code, and as lane masks where index values are compared inside vector loops.
import type { Alu, AluKind, Expression, Reference } from '../../kernel/kernel-node.ts'
import type { VirtualRegister } from '../machine/machine-op.ts'
import type { Mnemonic } from './instruction-table.ts'
import { addAffine, affineOf, indexRegister, withoutLane } from './select-index.ts'
import { indexLanes, laneSteps, spread } from './select-index-lanes.ts'
import { extractLane, narrow, scalarOf } from './select-lanes.ts'
import type { Affine, LaneValue, Part, Selection } from './select-state.ts'
import { isVarying } from './select-varying.ts'

/** The jump that is taken where a comparison is false. */
const jumpUnless: Partial<Record<AluKind, Mnemonic>> = {
  less: 'jge',
  lessEqual: 'jg',
  equal: 'jne',
  notEqual: 'je',
}

const comparesIndices = (e: Expression): e is Alu =>
  e.op === 'alu' && jumpUnless[e.kind] !== undefined && e.inputs[0].dtype === 'index'

/** Jumps to `target` where a condition, uniform or of the lane being computed, is false. */
export function branchUnless(s: Selection, e: Expression, target: number): void {
  if (e.op === 'literal') {
    if (!e.value) s.branch('jmp', target)
  } else if (e.op === 'alu' && e.kind === 'and') {
    for (const input of e.inputs) branchUnless(s, input, target)
  } else if (comparesIndices(e)) {
    compareIndices(s, e)
    s.branch(jumpUnless[e.kind]!, target)
  } else if (e.op === 'reference' && !isVarying(s, e)) {
    const flag = uniformFlag(s, e)
    s.read('test', flag.view(4), flag.view(4))
    s.branch('je', target)
  } else {
    const perLane = s.lane !== undefined && isVarying(s, e)
    const lane = perLane ? s.lane! - s.group.offset : 0
    const value = withoutLane(s, () => (perLane ? s.value(e) : s.asScalar(() => s.value(e))))
    const bit = extractLane(s, value, lane)
    s.read('test', bit.view(4), bit.view(4))
    s.branch('je', target)
  }
}

/** A named bool in a general register, taken there once before the loops that it does not change in. */
function uniformFlag(s: Selection, e: Reference): VirtualRegister {
  const bound = s.bindings.get(e.binding.id)
  const value = bound?.values[0]
  if (bound === undefined || value === undefined) throw s.fail(`${e.binding.name} is used before its let`)
  return s.hoist(bound.level, `flag${e.binding.id}`, () => s.asScalar(() => extractLane(s, value, 0)))
}

function compareIndices(s: Selection, { inputs }: Alu): void {
  const a = affineOf(s, inputs[0])
  const b = affineOf(s, inputs[1])
  if (a === undefined || b === undefined) throw s.fail('a condition that differs between lanes is used as a branch')
  const left = indexRegister(s, a)
  if (b.terms.length === 0 && (b.constant | 0) === b.constant) s.read('cmp', left.view(8), b.constant)
  else s.read('cmp', left.view(8), indexRegister(s, b).view(8))
}

/** A comparison of index values as a mask of the current group. */
export function indexComparison(s: Selection, e: Alu): LaneValue {
  if (s.group.lanes === 1) return scalarComparison(s, e)
  const known = constantComparison(s, e)
  if (known) return known
  const [a, b] = comparands(s, e.inputs)
  const parts = a.parts.map((part, i) => compareWide(s, e.kind, part, b.parts[i]))
  return { form: 'mask', parts: [narrow(s, parts)] }
}

function scalarComparison(s: Selection, e: Alu): LaneValue {
  const flag = s.general()
  s.writeConstant('mov', flag.view(4), 0)
  const end = s.label()
  // a copy, since a register that is recomputed may not be written twice
  const result = s.general()
  s.write('mov', result.view(8), flag.view(8))
  compareIndices(s, e)
  s.branch(jumpUnless[e.kind]!, end)
  s.write('mov', result.view(4), -1)
  s.mark(end)
  return scalarOf(s, result, 'mask')
}

const holds: Partial<Record<AluKind, (difference: number) => boolean>> = {
  less: (difference) => difference < 0,
  lessEqual: (difference) => difference <= 0,
  equal: (difference) => difference === 0,
  notEqual: (difference) => difference !== 0,
}

/** A comparison that depends on nothing but the lane: a constant mask. */
function constantComparison(s: Selection, { kind, inputs: [left, right] }: Alu): LaneValue | undefined {
  const a = affineOf(s, left)
  const b = affineOf(s, right)
  const test = holds[kind]
  if (a === undefined || b === undefined || test === undefined) return undefined
  const { constant, terms, lane } = addAffine(a, b, -1)
  if (terms.length > 0) return undefined
  const bits = Int32Array.from({ length: 8 }, (_, i) => (test(constant + i * lane) ? -1 : 0))
  return { form: 'mask', parts: [s.pool(`lanes ${[...bits].map(Math.abs).join('')}`, () => bits)] }
}

/** Both sides as 64-bit lanes; of two sums only the difference is spread, compared with 0. */
function comparands(s: Selection, [left, right]: readonly Expression[]): [LaneValue, LaneValue] {
  const a = affineOf(s, left)
  const b = affineOf(s, right)
  if (a === undefined || b === undefined) return [indexLanes(s, left), indexLanes(s, right)]
  const difference = addAffine(a, b, -1)
  const uniform: Affine = { ...difference, lane: 0 }
  const negated = addAffine({ constant: 0, terms: [], lane: 0 }, uniform, -1)
  return [laneSteps(s, difference.lane), spread(s, negated)]
}

function compareWide(s: Selection, kind: AluKind, a: Part, b: Part): VirtualRegister {
  const bytes = s.partBytes('i64')
  switch (kind) {
    case 'less':
      return s.vector3('vpcmpgtq', bytes, b, a)
    case 'lessEqual':
      return invert(s, s.vector3('vpcmpgtq', bytes, a, b), bytes)
    case 'equal':
      return s.commutative('vpcmpeqq', bytes, a, b)
    case 'notEqual':
      return invert(s, s.commutative('vpcmpeqq', bytes, a, b), bytes)
    default:
      throw s.fail(`${kind} is no comparison`)
  }
}

export const invert = (s: Selection, part: Part, bytes: number): VirtualRegister =>
  s.commutative('vpxor', bytes, part, s.i32(-1))

/** The index of one lane of the group. */
export function indexAtLane(s: Selection, e: Expression, lane: number): VirtualRegister {
  return indexRegister(s, affineAtLane(s, e, lane))
}

export function affineAtLane(s: Selection, e: Expression, lane: number): Affine {
  const outer = s.lane
  s.lane = s.group.lanes === 1 ? undefined : s.group.offset + lane
  const sum = affineOf(s, e)
  s.lane = outer
  if (sum === undefined) throw s.fail('an index has no value for one lane')
  return sum
}

/** Computes the data values that lanes of an index expression will be taken from, before code that may be skipped. */
export function prepareLanes(s: Selection, e: Expression): void {
  if (e.op !== 'alu' || s.group.lanes === 1) return
  for (const input of e.inputs) {
    if (input.dtype === 'index' || (e.dtype === 'index' && comparesIndices(input))) prepareLanes(s, input)
    else if (isVarying(s, input)) s.value(input)
  }
}
