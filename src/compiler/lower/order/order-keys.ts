// The order of keys in scratch: by counting where there are few, by digits where there are many.
import type { Memory } from '../../../kernel/kernel-node.ts'
import { orderByCounting } from './counting.ts'
import { digitsRoom, type Order, orderByDigits } from './radix.ts'
import type { Keys } from './rows.ts'

/** Most keys that are counted: work grows with the square, a few vectors at a time, where digits cost some 40 operations a key. */
const mostCounted = 128

/** How many elements the keys' memory must have room for. */
export const keysRoom = (run: Keys): number => (run.extent <= mostCounted ? run.extent : digitsRoom(run))

/** Stable order of the first `extent` keys of a memory, which may be overwritten. */
export const orderKeys = (run: Keys, keys: Memory): Order =>
  run.extent <= mostCounted ? orderByCounting(run, keys) : orderByDigits(run, keys)
