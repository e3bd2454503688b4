// Masks over a block of scores: what a query may not see becomes -inf, or has the mask's number added.
import type { Node } from '../../../graph/node.ts'
import { alu, indexAlu, indexLiteral, lessThan, literal, storeTo } from '../../../kernel/builders.ts'
import type { Expression, Scratch } from '../../../kernel/kernel-node.ts'
import { axisIndex, scale } from '../index-algebra.ts'
import type { Scope } from '../scope.ts'
import { type AttentionContext, type Counts, loadAt, overKeys, overQueries, scorePosition } from './context.ts'

/** By the mask if there is one, and by position where the block reaches over the diagonal. */
export function maskScores(context: AttentionContext, scope: Scope, scores: Scratch, counts: Counts): void {
  const { mask, isCausal, lowering } = context
  if (mask) applyMask(context, scope, scores, counts, mask)
  if (!isCausal) return
  const body = lowering.builder.collect(() => hideLaterKeys(context, scope, scores, counts))
  lowering.builder.emit({ op: 'if', condition: reachesDiagonal(context, scope, counts), body })
}

function applyMask(context: AttentionContext, scope: Scope, scores: Scratch, counts: Counts, mask: Node): void {
  const { lowering, dtype, batch, axes, lanes } = context
  const { builder } = lowering
  const position = scorePosition(context)
  overKeys(context, scope, counts.keys, (row) =>
    overQueries(context, row, counts.queries, lanes.light, (inside) => {
      const score = loadAt(scores, inside, position)
      const value = lowering.evaluation(inside).evaluate(mask, [...batch, axisIndex(axes.query), axisIndex(axes.key)])
      const masked =
        mask.dtype === 'bool' ? alu('where', dtype, value, score, hidden(dtype)) : alu('add', dtype, score, value)
      builder.emit(storeTo(scores, inside.materialize(position), masked))
    }),
  )
}

const hidden = (dtype: AttentionContext['dtype']): Expression => literal(dtype, Number.NEGATIVE_INFINITY)

/** Key k is hidden from the queries before it: those are the first columns of its row. */
function hideLaterKeys(context: AttentionContext, scope: Scope, scores: Scratch, { queries, keys }: Counts): void {
  const { lowering, dtype, axes, blocks, lanes } = context
  const { builder } = lowering
  const firstQuery = scope.materialize(scale(axisIndex(axes.queryBlock), blocks.queries))
  overKeys(context, scope, keys, (row) => {
    const before = indexAlu('sub', row.materialize(axisIndex(axes.key)), firstQuery)
    const count = indexAlu('min', queries, indexAlu('max', before, indexLiteral(0)))
    overQueries(context, row, builder.bind('hidden', count), lanes.heavy, (inside) =>
      builder.emit(storeTo(scores, inside.materialize(scorePosition(context)), hidden(dtype))),
    )
  })
}

/** Whether the last key of the block comes after its first query. */
function reachesDiagonal({ axes, blocks }: AttentionContext, scope: Scope, { keys }: Counts): Expression {
  const firstQuery = scope.materialize(scale(axisIndex(axes.queryBlock), blocks.queries))
  const firstKey = scope.materialize(scale(axisIndex(axes.keyBlock), blocks.keys))
  return lessThan(indexAlu('add', firstQuery, indexLiteral(1)), indexAlu('add', firstKey, keys))
}
