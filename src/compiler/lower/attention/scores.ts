// Scores of a block, transposed: rows of keys (or of values) times columns of queries (or of the result's gradient).
import { indexLiteral } from '../../../kernel/builders.ts'
import type { Scratch } from '../../../kernel/kernel-node.ts'
import { zero } from '../index-algebra.ts'
import type { Scope } from '../scope.ts'
import { multiplyBlocks } from './block-product.ts'
import { type AttentionContext, type Counts, keyRow, type Wide } from './context.ts'

export function multiplyKeys(
  context: AttentionContext,
  scope: Scope,
  wide: Wide,
  keyRows: Scratch,
  queryColumns: Scratch,
  scores: Scratch,
  counts: Counts,
): void {
  const { axes, blocks } = context
  const row = blocks.strides[wide]
  multiplyBlocks(context, scope, {
    tile: blocks.tiles.scores,
    rows: counts.keys,
    columns: counts.queries,
    most: { rows: blocks.keys, columns: blocks.queries },
    depth: indexLiteral(axes[wide].extent),
    a: { memory: keyRows, start: keyRow(context, wide), row, step: 1 },
    b: { memory: queryColumns, start: zero, row: blocks.strides.scores },
    c: { memory: scores, start: zero, row: blocks.strides.scores },
    accumulate: indexLiteral(0),
  })
}
