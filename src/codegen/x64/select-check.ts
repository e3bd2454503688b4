// Index checks: an error is recorded through the thread context and the kernel goes on. Lanes are tested at once; which of them failed is
// asked only where one did.
import type { Alu, Check, Expression } from '../../kernel/kernel-node.ts'
import type { VirtualRegister } from '../machine/machine-op.ts'
import { raiseClobbers } from './emit-sequences.ts'
import { indexAtLane, prepareLanes } from './select-condition.ts'
import { affineOf, constantRegister, copyGeneral, registerAffine } from './select-index.ts'
import { indexLanes } from './select-index-lanes.ts'
import { forEachLane } from './select-lanes.ts'
import type { Affine, Selection } from './select-state.ts'

export function raiseError(s: Selection, code: number, position: VirtualRegister, value: VirtualRegister): void {
  s.sequence('raise', 'read', raiseClobbers, s.contextPointer.view(8), position.view(8), value.view(8), code)
}

export function checkIndex(s: Selection, check: Check): void {
  if (s.group.lanes === 1) {
    checkScalar(s, check)
    return
  }
  prepareLanes(s, check.index)
  prepareLanes(s, check.position)
  if (affineOf(s, check.index)) {
    checkEachLane(s, check)
    return
  }
  const inside = s.label()
  branchIfInside(s, check, inside)
  s.conditional(() => checkEachLane(s, check))
  s.mark(inside)
}

/** What is out of range is clamped where that is found, so that nothing is left to do for what is not. */
function checkScalar(s: Selection, { index, limit, position, id }: Check): void {
  const value = indexAtLane(s, index, 0)
  const clamped = copyGeneral(s, value)
  const inside = s.label()
  compareWithLimit(s, clamped, limit)
  s.branch('jb', inside)
  s.conditional(() => raiseError(s, id, indexAtLane(s, position, 0), value))
  s.update('sar', clamped.view(8), 63)
  s.update('not', clamped.view(8))
  s.update('and', clamped.view(8), constantRegister(s, limit - 1).view(8))
  s.mark(inside)
  if (index.op === 'reference') s.clamped.set(index.binding.id, { limit, sum: registerAffine(clamped, s.depth) })
}

/** max(min(name, limit - 1), 0) behind a test of the name against the limit. */
export function clampedSum(s: Selection, { kind, inputs: [low, least] }: Alu): Affine | undefined {
  if (kind !== 'max' || low.op !== 'alu' || low.kind !== 'min' || !isLiteral(least, 0)) return undefined
  const [name, last] = low.inputs
  const known = name.op === 'reference' ? s.clamped.get(name.binding.id) : undefined
  return known && isLiteral(last, known.limit - 1) ? known.sum : undefined
}

const isLiteral = (e: Expression, value: number): boolean => e.op === 'literal' && Number(e.value) === value

function compareWithLimit(s: Selection, value: VirtualRegister, limit: number): void {
  if (limit < 2 ** 31) s.read('cmp', value.view(8), limit)
  else s.read('cmp', value.view(8), constantRegister(s, limit).view(8))
}

/** Jumps where every lane is in 0..limit-1; lanes that only fill up a register may fail without being out of range. */
function branchIfInside(s: Selection, { index, limit }: Check, target: number): void {
  const bytes = s.partBytes('i64')
  const above = s.load(s.i64(BigInt(limit)), bytes)
  const inside = indexLanes(s, index).parts.map((part) =>
    s.vector3('vpandn', bytes, part, s.vector3('vpcmpgtq', bytes, above, part)),
  )
  const all = inside.reduce((a, b) => s.vector3('vpand', bytes, a, b))
  const bits = s.general()
  s.write('vmovmskpd', bits.view(4), all.view(bytes))
  s.read('cmp', bits.view(4), 15)
  s.branch('je', target)
}

function checkEachLane(s: Selection, { index, limit, position, id }: Check): void {
  forEachLane(s, s.group.predicate, (lane) => {
    const value = indexAtLane(s, index, lane)
    const inside = s.label()
    compareWithLimit(s, value, limit)
    s.branch('jb', inside)
    s.conditional(() => raiseError(s, id, indexAtLane(s, position, lane), value))
    s.mark(inside)
  })
}
