// The op table: every primitive's inference, gradient and meaning, joined from its families. A missing row is a type error.
import type { OpName } from './node.ts'
import type { OpTable } from './op-row.ts'
import { aggregateOps } from './ops/aggregate.ts'
import { elementwiseOps } from './ops/elementwise.ts'
import { indexOps } from './ops/index.ts'
import { leafOps } from './ops/leaves.ts'
import { movementOps } from './ops/movement.ts'
import { structureOps } from './ops/structure.ts'

export const opTable: OpTable = {
  ...leafOps,
  ...elementwiseOps,
  ...movementOps,
  ...aggregateOps,
  ...indexOps,
  ...structureOps,
} satisfies OpTable

export const opNames = Object.keys(opTable) as readonly OpName[]
