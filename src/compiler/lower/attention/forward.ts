// Attention's kernel (FlashAttention-2, Dao 2023, https://arxiv.org/abs/2307.08691): the scores of a block of queries with one block of keys
// after the other, a running maximum and sum of exponentials per query, and the result scaled down when the maximum grows.
import type { Node } from '../../../graph/node.ts'
import { alu, indexLiteral, lessThan, literal, storeTo } from '../../../kernel/builders.ts'
import type { Expression, Scratch } from '../../../kernel/kernel-node.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import { type Affine, axisIndex, linearIndex, zero } from '../index-algebra.ts'
import { type LoweredKernel, resultOf } from '../lowered-kernel.ts'
import type { Scope } from '../scope.ts'
import { multiplyBlocks } from './block-product.ts'
import {
  type AttentionContext,
  type Counts,
  keyRow,
  loadAt,
  makeContext,
  makeKeyRows,
  makePerQuery,
  makeQueryColumns,
  makeQueryRows,
  makeScores,
  overKeyBlocks,
  overKeys,
  overQueries,
  overQueryBlocks,
  overRows,
  overTasks,
  queryCount,
  scorePosition,
} from './context.ts'
import { exponential } from './exponential.ts'
import { maskScores } from './mask.ts'
import { copyKeys, copyQueries } from './pack.ts'
import { multiplyKeys } from './scores.ts'

/** What a task keeps; of the query block at hand but for keys and values. */
interface State {
  readonly keys: Scratch
  readonly values: Scratch
  readonly queries: Scratch
  readonly scores: Scratch
  readonly result: Scratch
  /** by query: largest score so far, the same with the key block at hand, sum of exponentials, and what the result so far is worth now */
  readonly peaks: Scratch
  readonly nextPeaks: Scratch
  readonly sums: Scratch
  readonly factors: Scratch
}

function makeState(context: AttentionContext): State {
  return {
    keys: makeKeyRows(context, 'keys', 'width'),
    values: makeKeyRows(context, 'values', 'out'),
    queries: makeQueryColumns(context, 'queries', 'width'),
    scores: makeScores(context, 'scores'),
    result: makeQueryRows(context, 'result', 'out'),
    peaks: makePerQuery(context, 'peaks'),
    nextPeaks: makePerQuery(context, 'nextPeaks'),
    sums: makePerQuery(context, 'sums'),
    factors: makePerQuery(context, 'factors'),
  }
}

export function lowerAttentionForward(group: KernelGroup, target: Target): LoweredKernel {
  const context = makeContext(group, target, 3)
  const [q, k, v] = context.operands
  const output = resultOf(group, 'output')
  const state = makeState(context)
  overTasks(context, (task) => {
    copyKeys(context, task, k, { wide: 'width', memory: state.keys, factor: context.scale })
    if (output) copyKeys(context, task, v, { wide: 'out', memory: state.values })
    overQueryBlocks(context, task, (scope) => {
      const queries = queryCount(context, scope)
      copyQueries(context, scope, q, { as: 'columns', wide: 'width', count: queries, memory: state.queries })
      clearStatistics(context, scope, state, queries)
      overKeyBlocks(context, scope, queries, (inside, counts) => {
        multiplyKeys(context, inside, 'width', state.keys, state.queries, state.scores, counts)
        maskScores(context, inside, state.scores, counts)
        updateStatistics(context, inside, state, counts)
        if (output) addValues(context, inside, state, counts)
      })
      finishStatistics(context, scope, state, queries, resultOf(group, 'logSumExp'))
      if (output) storeResult(context, scope, state, queries, output)
    })
  })
  return context.lowering.finish()
}

const lowest = ({ dtype }: AttentionContext): Expression => literal(dtype, Number.NEGATIVE_INFINITY)

function clearStatistics(context: AttentionContext, scope: Scope, state: State, queries: Expression): void {
  const { builder } = context.lowering
  overQueries(context, scope, queries, context.lanes.light, (inside) => {
    const at = inside.materialize(axisIndex(context.axes.column))
    builder.emit(storeTo(state.peaks, at, lowest(context)))
    builder.emit(storeTo(state.sums, at, literal(context.dtype, 0)))
  })
}

/** Scores become exponentials relative to the largest so far. */
function updateStatistics(context: AttentionContext, scope: Scope, state: State, { queries, keys }: Counts): void {
  const { lowering, dtype, axes, lanes } = context
  const { builder } = lowering
  const own = axisIndex(axes.column)
  const score = scorePosition(context)
  overQueries(context, scope, queries, lanes.light, (inside) => {
    const peak = builder.assigned('peak', dtype, loadAt(state.peaks, inside, own))
    overKeys(context, inside, keys, (row) => {
      const [next, largest] = [builder.bind('score', loadAt(state.scores, row, score)), builder.read(peak)]
      // a NaN is left out here: it shows in the sum of exponentials
      builder.accumulate(peak, alu('where', dtype, lessThan(largest, next), next, largest))
    })
    builder.emit(storeTo(state.nextPeaks, inside.materialize(own), builder.read(peak)))
  })
  overQueries(context, scope, queries, lanes.heavy, (inside) => {
    const at = inside.materialize(own)
    const peak = builder.bind('peak', loadAt(state.nextPeaks, inside, own))
    const shift = builder.bind('shift', shiftOf(context, peak))
    const factor = builder.bind('factor', fromShift(context, loadAt(state.peaks, inside, own), shift))
    const sum = builder.accumulator('sum', dtype, 'sum', 1)
    overKeys(context, inside, keys, (row) => {
      const power = builder.bind('power', fromShift(context, loadAt(state.scores, row, score), shift))
      builder.emit(storeTo(state.scores, row.materialize(score), power))
      builder.accumulate(sum, power)
    })
    const before = alu('mul', dtype, loadAt(state.sums, inside, own), factor)
    builder.emit(storeTo(state.sums, at, alu('add', dtype, before, builder.read(sum))))
    builder.emit(storeTo(state.factors, at, factor))
    builder.emit(storeTo(state.peaks, at, peak))
  })
}

const fromShift = ({ lowering, dtype }: AttentionContext, score: Expression, shift: Expression): Expression =>
  exponential(lowering.builder, dtype, alu('sub', dtype, score, shift))

/** The largest score; 0 where a mask has left none, so that exponentials are 0 rather than NaN. */
function shiftOf(context: AttentionContext, peak: Expression): Expression {
  if (!context.mask) return peak
  return alu('where', context.dtype, alu('equal', 'bool', peak, lowest(context)), literal(context.dtype, 0), peak)
}

/** result = result · factor + exponentials · values */
function addValues(context: AttentionContext, scope: Scope, state: State, { queries, keys }: Counts): void {
  const { lowering, dtype, axes, blocks } = context
  const { builder } = lowering
  const block = scope.materialize(axisIndex(axes.keyBlock))
  const scaleDown = builder.collect(() =>
    overRows(context, scope, queries, 'out', (row, vector) => {
      const factor = builder.bind('factor', loadAt(state.factors, row, axisIndex(axes.column)))
      vector(row, (inside, at) => {
        const position = inside.materialize(at)
        builder.emit(storeTo(state.result, position, alu('mul', dtype, loadAt(state.result, inside, at), factor)))
      })
    }),
  )
  builder.emit({ op: 'if', condition: lessThan(indexLiteral(0), block), body: scaleDown })
  const { strides } = blocks
  multiplyBlocks(context, scope, {
    tile: blocks.tiles.out,
    rows: queries,
    columns: indexLiteral(axes.out.extent),
    most: { rows: blocks.queries, columns: axes.out.extent },
    depth: keys,
    a: { memory: state.scores, start: zero, row: 1, step: strides.scores },
    b: { memory: state.values, start: keyRow(context, 'out'), row: strides.out },
    c: { memory: state.result, start: zero, row: strides.out },
    accumulate: block,
  })
}

/** Factors become what turns sums of values into means of them; the logarithms of the sums are stored if wanted. */
function finishStatistics(
  context: AttentionContext,
  scope: Scope,
  state: State,
  queries: Expression,
  logSumExp: Node | undefined,
): void {
  const { lowering, dtype, axes, batch, lanes } = context
  const { builder } = lowering
  const own = axisIndex(axes.column)
  const [none, one] = [literal(dtype, 0), literal(dtype, 1)]
  overQueries(context, scope, queries, lanes.heavy, (inside) => {
    const sum = builder.bind('sum', loadAt(state.sums, inside, own))
    const isEmpty = builder.bind('isEmpty', alu('equal', 'bool', sum, none))
    const mean = alu('div', dtype, one, alu('where', dtype, isEmpty, one, sum))
    builder.emit(storeTo(state.factors, inside.materialize(own), mean))
    if (!logSumExp) return
    const log = alu('add', dtype, loadAt(state.peaks, inside, own), alu('log', dtype, sum))
    const position = linearIndex([...batch, axisIndex(axes.query), zero], logSumExp.shape)
    const value = alu('where', dtype, isEmpty, none, log)
    builder.emit(storeTo(lowering.outputs.get(logSumExp)!, inside.materialize(position), value))
  })
}

function storeResult(context: AttentionContext, scope: Scope, state: State, queries: Expression, output: Node): void {
  const { lowering, dtype, axes, batch } = context
  const { builder } = lowering
  const position: Affine = linearIndex([...batch, axisIndex(axes.query), axisIndex(axes.out)], output.shape)
  overRows(context, scope, queries, 'out', (row, vector) => {
    const factor = builder.bind('factor', loadAt(state.factors, row, axisIndex(axes.column)))
    vector(row, (inside, at) => {
      const mean = alu('mul', dtype, loadAt(state.result, inside, at), factor)
      builder.emit(storeTo(lowering.outputs.get(output)!, inside.materialize(position), mean))
    })
  })
}
