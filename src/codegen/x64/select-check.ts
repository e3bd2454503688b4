// Index checks: an error is recorded through the thread context and the kernel goes on.
import type { Check } from '../../kernel/kernel-node.ts'
import type { VirtualRegister } from '../machine/machine-op.ts'
import { raiseClobbers } from './emit-sequences.ts'
import { indexAtLane, prepareLanes } from './select-condition.ts'
import { constantRegister } from './select-index.ts'
import { forEachLane } from './select-lanes.ts'
import type { Selection } from './select-state.ts'

export function raiseError(s: Selection, code: number, position: VirtualRegister, value: VirtualRegister): void {
  s.sequence('raise', 'read', raiseClobbers, s.contextPointer.view(8), position.view(8), value.view(8), code)
}

export function checkIndex(s: Selection, { index, limit, position, id }: Check): void {
  prepareLanes(s, index)
  prepareLanes(s, position)
  forEachLane(s, s.group.predicate, (lane) => {
    const value = indexAtLane(s, index, lane)
    const inside = s.label()
    if (limit < 2 ** 31) s.read('cmp', value.view(8), limit)
    else s.read('cmp', value.view(8), constantRegister(s, limit).view(8))
    s.branch('jb', inside)
    s.conditional(() => raiseError(s, id, indexAtLane(s, position, lane), value))
    s.mark(inside)
  })
}
