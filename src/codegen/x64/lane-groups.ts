// How many lanes of a vector loop are computed together, and which of them may touch memory.
import type { VirtualRegister } from '../machine/machine-op.ts'

/** Lanes that are computed together. A group of one lane is scalar code; one of sixteen fills 512 bits with lanes of 32 (`select-wide.ts`). */
export interface Group {
  /** position among the groups of its vector loop */
  readonly index: number
  /** first lane, counted from the loop variable's value */
  readonly offset: number
  readonly lanes: 1 | 4 | 8 | 16
  /** eight lanes of 64 bits each, comparisons of such lanes too, in 512 bits */
  readonly doubled?: true
  /** mask of lanes that may touch memory and accumulators; undefined for all */
  readonly predicate: VirtualRegister | undefined
  /** of a group known to be partial: its predicate allows the first `count` lanes */
  readonly prefix?: { readonly mask: VirtualRegister; readonly count: number }
}

export const scalarGroup: Group = { index: 0, offset: 0, lanes: 1, predicate: undefined }
