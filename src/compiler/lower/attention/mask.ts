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
  if (mask) changeScores(context, scope, scores, counts, (inside, score) => masked(context, inside, score, mask))
  if (!isCausal) return
  const body = lowering.builder.collect(() =>
    changeScores(context, scope, scores, counts, (inside, score) => causal(context, inside, score)),
  )
  lowering.builder.emit({ op: 'if', condition: reachesDiagonal(context, scope, counts), body })
}

function changeScores(
  context: AttentionContext,
  scope: Scope,
  scores: Scratch,
  { queries, keys }: Counts,
  change: (scope: Scope, score: Expression) => Expression,
): void {
  const { builder } = context.lowering
  overKeys(context, scope, keys, (row) =>
    overQueries(context, row, queries, context.lanes.light, (inside) => {
      const position = scorePosition(context)
      const changed = change(inside, loadAt(scores, inside, position))
      builder.emit(storeTo(scores, inside.materialize(position), changed))
    }),
  )
}

function masked(
  { lowering, dtype, batch, axes }: AttentionContext,
  scope: Scope,
  score: Expression,
  mask: Node,
): Expression {
  const value = lowering.evaluation(scope).evaluate(mask, [...batch, axisIndex(axes.query), axisIndex(axes.key)])
  if (mask.dtype !== 'bool') return alu('add', dtype, score, value)
  return alu('where', dtype, value, score, literal(dtype, Number.NEGATIVE_INFINITY))
}

function causal({ dtype, axes }: AttentionContext, scope: Scope, score: Expression): Expression {
  const [query, key] = [axes.query, axes.key].map((axis) => scope.materialize(axisIndex(axis)))
  return alu('where', dtype, lessThan(query, key), literal(dtype, Number.NEGATIVE_INFINITY), score)
}

/** Whether the last key of the block comes after its first query. */
function reachesDiagonal({ axes, blocks }: AttentionContext, scope: Scope, { keys }: Counts): Expression {
  const firstQuery = scope.materialize(scale(axisIndex(axes.queryBlock), blocks.queries))
  const firstKey = scope.materialize(scale(axisIndex(axes.keyBlock), blocks.keys))
  return lessThan(indexAlu('add', firstQuery, indexLiteral(1)), indexAlu('add', firstKey, keys))
}
