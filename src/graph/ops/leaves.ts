// Rows of the leaves: values without inputs, hence without gradients.
import { inferLeaves } from '../infer/leaves.ts'
import type { OpTable } from '../op-row.ts'
import { leavesSemantics } from '../semantics/leaves.ts'

export const leafOps = {
  constant: { family: 'leaf', infer: inferLeaves.constant, vjp: 'none', reference: leavesSemantics.constant },
  buffer: { family: 'leaf', infer: inferLeaves.buffer, vjp: 'none', reference: leavesSemantics.buffer },
  iota: { family: 'leaf', infer: inferLeaves.iota, vjp: 'none', reference: leavesSemantics.iota },
} satisfies Partial<OpTable>
