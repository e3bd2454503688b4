// Loads of elements whose places differ between lanes in more than a step: one gather for four lanes, from an address that all of them share.
// Only for elements of 32 and 64 bits, since a gather reads no less, and nothing outside a buffer may be touched.
import { bytesOf } from '../../base/dtype.ts'
import type { Load } from '../../kernel/kernel-node.ts'
import { memoryOperand, type VirtualRegister } from '../machine/machine-op.ts'
import { addressOf, affineOf } from './select-index.ts'
import { splitIndex } from './select-index-lanes.ts'
import { joinHalves, upperHalf, widen } from './select-lanes.ts'
import type { Affine, Part, Selection } from './select-state.ts'

/** The lanes that a predicate allows, all if there is none, and 0 in the others; undefined where there is no such instruction. */
export function gatherLanes(s: Selection, e: Load, predicate: VirtualRegister | undefined): Part[] | undefined {
  const size = bytesOf(e.dtype)
  if (size < 4 || s.options.checked || s.group.lanes === 1 || s.group.lanes === 16) return undefined
  if (affineOf(s, e.index) !== undefined) return undefined
  const { shared, lanes } = splitIndex(s, e.index)
  if (lanes === undefined) return undefined
  const { base, disp } = startOf(s, e, shared)
  const bytes = size === 8 ? 32 : 16
  const masks = predicate && masksOf(s, predicate, size)
  const gathered = lanes.parts.map((part, i) => {
    const result = s.copyOf(s.i32(0), bytes)
    // the instruction clears its mask
    const mask = s.copyOf(masks ? masks[i] : s.i32(-1), bytes)
    const name = size === 8 ? 'gatherDoubles' : 'gatherSingles'
    const operands = [result.view(bytes), base.view(8), s.load(part, 32).view(32), mask.view(bytes), disp]
    s.sequence(name, 'update', 0, ...operands)
    return result
  })
  return size === 4 && gathered.length === 2 ? [joinHalves(s, gathered[0], gathered[1])] : gathered
}

/** A mask for each four lanes, as wide as the elements. */
function masksOf(s: Selection, predicate: VirtualRegister, size: number): Part[] {
  if (size === 8) return widen(s, predicate, 'vpmovsxdq')
  return s.group.lanes === 8 ? [predicate, upperHalf(s, predicate)] : [predicate]
}

/** The address of the element at `shared` as one register and a displacement. */
function startOf(s: Selection, { memory }: Load, shared: Affine): { base: VirtualRegister; disp: number } {
  const { base, index, scale, disp } = addressOf(s, memory, shared)
  if (index === undefined) return { base: base!, disp }
  const start = s.general()
  s.write('lea', start.view(8), memoryOperand({ base, index, scale }))
  return { base: start, disp }
}
