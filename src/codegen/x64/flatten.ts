// Nested blocks of selected code in, one list of instructions out.
import type { MachineOp } from '../machine/machine-op.ts'
import type { Block } from './select-state.ts'

/** The instructions of a block, in order. */
export function flatten(block: Block): MachineOp[] {
  const ops: MachineOp[] = []
  const walk = (inner: Block) => {
    for (const item of inner) {
      if (Array.isArray(item)) walk(item)
      else ops.push(item)
    }
  }
  walk(block)
  return ops
}
