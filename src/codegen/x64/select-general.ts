// Whole numbers in general registers: a value that becomes an index is loaded, shifted and masked where addresses are made, and an index that is
// stored goes to memory from there, without the way through vector registers.
import { bytesOf } from '../../base/dtype.ts'
import type { Expression, Literal, Load, Store } from '../../kernel/kernel-node.ts'
import { resized, type VirtualRegister } from '../machine/machine-op.ts'
import { addressOf, affineOf, copyGeneral, indexRegister } from './select-index.ts'
import { extractLane } from './select-lanes.ts'
import type { Selection } from './select-state.ts'

/** A scalar of whole numbers, extended by its sign. */
export const generalValue = (s: Selection, e: Expression): VirtualRegister =>
  generalInteger(s, e) ?? extractLane(s, s.value(e), 0)

/** One of dtype int32 or int64 that is a load, or has bits of another one. */
function generalInteger(s: Selection, e: Expression): VirtualRegister | undefined {
  if (s.group.lanes > 1 || s.options.checked) return undefined
  if (e.op === 'load') return loadedInteger(s, e)
  if (e.op !== 'alu' || (e.dtype !== 'int32' && e.dtype !== 'int64')) return undefined
  const [value, by] = e.inputs
  if ((e.kind !== 'and' && e.kind !== 'shiftRight') || by.op !== 'literal') return undefined
  const amount = smallAmount(by)
  if (amount === undefined || (e.kind === 'shiftRight' && amount >= 8 * bytesOf(e.dtype))) return undefined
  const result = copyGeneral(s, generalValue(s, value))
  s.update(e.kind === 'and' ? 'and' : 'sar', result.view(8), amount)
  return result
}

/** A constant from 0 that an instruction may hold. */
function smallAmount({ value }: Literal): number | undefined {
  const amount = Number(value)
  return amount >= 0 && amount < 2 ** 31 ? amount : undefined
}

function loadedInteger(s: Selection, { memory, index, dtype, guard }: Load): VirtualRegister | undefined {
  if (guard !== undefined || (dtype !== 'int32' && dtype !== 'int64')) return undefined
  const sum = affineOf(s, index)
  if (sum === undefined) return undefined
  const result = s.general()
  const address = addressOf(s, memory, sum)
  if (dtype === 'int32') s.write('movsxd', result.view(8), resized(address, 4))
  else s.write('mov', result.view(8), resized(address, 8))
  return result
}

/** Stores an index as an int32 or int64; false where it is no such store. */
export function storeGeneral(s: Selection, { memory, index, value, guard }: Store): boolean {
  if (s.group.lanes > 1 || s.options.checked || guard !== undefined) return false
  if (value.op !== 'alu' || value.kind !== 'cast' || value.inputs[0].dtype !== 'index') return false
  if (value.dtype !== 'int32' && value.dtype !== 'int64') return false
  const [to, from] = [affineOf(s, index), affineOf(s, value.inputs[0])]
  if (to === undefined || from === undefined) return false
  const bytes = value.dtype === 'int32' ? 4 : 8
  const register = indexRegister(s, from)
  s.read('mov', resized(addressOf(s, memory, to), bytes), register.view(bytes))
  return true
}
