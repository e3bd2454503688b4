// The gradients of attention, from its result and the logSumExp of each query alone: a task goes over its blocks of queries, and for each over
// the blocks of keys, and computes scores and probabilities again. Gradients of keys and values add up in the task's own memory;
// where several tasks share a batch element, each leaves its part, and the parts are added in order.
import { bytesOf } from '../../../base/dtype.ts'
import { elementsOf, type Node } from '../../../graph/node.ts'
import { alu, indexLiteral, literal, storeTo } from '../../../kernel/builders.ts'
import type { Expression, Memory, Param, Scratch } from '../../../kernel/kernel-node.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import { add, axisIndex, linearIndex, makeAxis, offset, scale, zero } from '../index-algebra.ts'
import { blocksFor, lanesFor, nest, parallelNest } from '../loops.ts'
import { type LoweredKernel, resultOf } from '../lowered-kernel.ts'
import { Scope } from '../scope.ts'
import { multiplyBlocks } from './block-product.ts'
import {
  type AttentionContext,
  type Counts,
  columnLanes,
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
  type Wide,
} from './context.ts'
import { exponential } from './exponential.ts'
import { maskScores } from './mask.ts'
import { copyKeys, copyQueries } from './pack.ts'
import { multiplyKeys } from './scores.ts'

/** What a task keeps; of the query block at hand but for what has a row for each key. */
interface State {
  readonly keys: Scratch
  readonly values: Scratch
  /** gradients of keys and values so far */
  readonly ofKeys: Scratch
  readonly ofValues: Scratch
  readonly queryRows: Scratch
  readonly queryColumns: Scratch
  readonly gradRows: Scratch
  readonly gradColumns: Scratch
  readonly ofQueries: Scratch
  readonly scores: Scratch
  readonly ofScores: Scratch
  /** by query: logSumExp, and the product of the result and its gradient */
  readonly logs: Scratch
  readonly along: Scratch
}

function makeState(context: AttentionContext): State {
  return {
    keys: makeKeyRows(context, 'keys', 'width'),
    values: makeKeyRows(context, 'values', 'out'),
    ofKeys: makeKeyRows(context, 'ofKeys', 'width'),
    ofValues: makeKeyRows(context, 'ofValues', 'out'),
    queryRows: makeQueryRows(context, 'queryRows', 'width'),
    queryColumns: makeQueryColumns(context, 'queryColumns', 'width'),
    gradRows: makeQueryRows(context, 'gradRows', 'out'),
    gradColumns: makeQueryColumns(context, 'gradColumns', 'out'),
    ofQueries: makeQueryRows(context, 'ofQueries', 'width'),
    scores: makeScores(context, 'scores'),
    ofScores: makeScores(context, 'ofScores'),
    logs: makePerQuery(context, 'logs'),
    along: makePerQuery(context, 'along'),
  }
}

export function lowerAttentionBackward(group: KernelGroup, target: Target): LoweredKernel {
  const context = makeContext(group, target, 6)
  const [, k, v] = context.operands
  const state = makeState(context)
  const sums = [
    ...sumsOf(context, resultOf(group, 'key'), { wide: 'width', own: state.ofKeys, factor: context.scale }),
    ...sumsOf(context, resultOf(group, 'value'), { wide: 'out', own: state.ofValues }),
  ]
  overTasks(context, (task) => {
    copyKeys(context, task, k, { wide: 'width', memory: state.keys, factor: context.scale })
    copyKeys(context, task, v, { wide: 'out', memory: state.values })
    for (const { own } of sums) clear(context, task, own)
    overQueryBlocks(context, task, (scope) => writeQueryBlock(context, scope, state, group))
    for (const sum of sums) storeSums(context, task, sum)
  })
  for (const sum of sums) if (sum.parts) addParts(context, sum.output, sum.parts)
  return context.lowering.finish()
}

function writeQueryBlock(context: AttentionContext, scope: Scope, state: State, group: KernelGroup): void {
  const [q, , , grad] = context.operands
  const [ofQuery, ofKey, ofValue] = ['query', 'key', 'value'].map((result) => resultOf(group, result))
  const count = queryCount(context, scope)
  const queries = { wide: 'width', count } as const
  const grads = { wide: 'out', count } as const
  copyQueries(context, scope, q, { ...queries, as: 'columns', memory: state.queryColumns })
  copyQueries(context, scope, q, { ...queries, as: 'rows', memory: state.queryRows })
  copyQueries(context, scope, grad, { ...grads, as: 'columns', memory: state.gradColumns })
  copyQueries(context, scope, grad, { ...grads, as: 'rows', memory: state.gradRows })
  copyStatistics(context, scope, state, count)
  overKeyBlocks(context, scope, count, (inside, counts) => {
    multiplyKeys(context, inside, 'width', state.keys, state.queryColumns, state.scores, counts)
    maskScores(context, inside, state.scores, counts)
    if (ofQuery || ofKey) multiplyKeys(context, inside, 'out', state.values, state.gradColumns, state.ofScores, counts)
    differentiate(context, inside, state, counts)
    if (ofValue) addToKeys(context, inside, 'out', state.scores, state.gradRows, state.ofValues, counts)
    if (ofKey) addToKeys(context, inside, 'width', state.ofScores, state.queryRows, state.ofKeys, counts)
    if (ofQuery) addToQueries(context, inside, state, counts)
  })
  if (ofQuery) storeQueries(context, scope, state, count, ofQuery)
}

function clear({ lowering, dtype, target }: AttentionContext, scope: Scope, memory: Scratch): void {
  const { builder } = lowering
  const axis = makeAxis('element', memory.size)
  const lanes = lanesFor(target, bytesOf(dtype), 0, axis.extent)
  builder.loop({ name: axis.name, extent: axis.extent, kind: 'vector', lanes }, (variable) =>
    builder.emit(storeTo(memory, scope.enter(axis, variable, true).materialize(axisIndex(axis)), literal(dtype, 0))),
  )
}

/** The logSumExp of each query, and the product of its result with the result's gradient: what its probabilities have in common. */
function copyStatistics(context: AttentionContext, scope: Scope, state: State, queries: Expression): void {
  const { lowering, dtype, axes, batch, operands, lanes } = context
  const { builder } = lowering
  const [, , , , out, logSumExp] = operands
  const own = axisIndex(axes.column)
  overQueries(context, scope, queries, lanes.light, (inside) => {
    const value = lowering.evaluation(inside).evaluate(logSumExp, [...batch, axisIndex(axes.query), zero])
    builder.emit(storeTo(state.logs, inside.materialize(own), value))
  })
  overRows(context, scope, queries, 'out', (row, overColumns) => {
    const sum = builder.accumulator('along', dtype, 'sum', columnLanes(context, 'out'))
    overColumns(row, (inside, position) => {
      const indices = [...batch, axisIndex(axes.query), axisIndex(axes.out)]
      const value = lowering.evaluation(inside).evaluate(out, indices)
      builder.accumulate(sum, alu('mul', dtype, value, loadAt(state.gradRows, inside, position)))
    })
    builder.emit(storeTo(state.along, row.materialize(own), builder.read(sum)))
  })
}

/** Scores become probabilities, and the gradient of probabilities that of scores. */
function differentiate(context: AttentionContext, scope: Scope, state: State, { queries, keys }: Counts): void {
  const { lowering, dtype, axes, lanes } = context
  const { builder } = lowering
  const position = scorePosition(context)
  overQueries(context, scope, queries, lanes.heavy, (inside) => {
    const [log, along] = [state.logs, state.along].map((memory) =>
      builder.bind(memory.name, loadAt(memory, inside, axisIndex(axes.column))),
    )
    overKeys(context, inside, keys, (row) => {
      const at = row.materialize(position)
      const score = alu('sub', dtype, loadAt(state.scores, row, position), log)
      const probability = builder.bind('probability', exponential(builder, dtype, score))
      const rest = alu('sub', dtype, loadAt(state.ofScores, row, position), along)
      builder.emit(storeTo(state.scores, at, probability))
      builder.emit(storeTo(state.ofScores, at, alu('mul', dtype, probability, rest)))
    })
  })
}

/** The keys' rows of `sums` += block · queries' rows. */
function addToKeys(
  context: AttentionContext,
  scope: Scope,
  wide: Wide,
  block: Scratch,
  rows: Scratch,
  sums: Scratch,
  { queries, keys }: Counts,
): void {
  const { axes, blocks } = context
  const { strides, tiles } = blocks
  multiplyBlocks(context, scope, {
    tile: tiles[wide],
    rows: keys,
    columns: indexLiteral(axes[wide].extent),
    most: { rows: blocks.keys, columns: axes[wide].extent },
    depth: queries,
    a: { memory: block, start: zero, row: strides.scores, step: 1 },
    b: { memory: rows, start: zero, row: strides[wide] },
    c: { memory: sums, start: keyRow(context, wide), row: strides[wide] },
    accumulate: indexLiteral(1),
  })
}

function addToQueries(context: AttentionContext, scope: Scope, state: State, { queries, keys }: Counts): void {
  const { axes, blocks } = context
  const { strides, tiles } = blocks
  multiplyBlocks(context, scope, {
    tile: tiles.width,
    rows: queries,
    columns: indexLiteral(axes.width.extent),
    most: { rows: blocks.queries, columns: axes.width.extent },
    depth: keys,
    a: { memory: state.ofScores, start: zero, row: 1, step: strides.scores },
    b: { memory: state.keys, start: keyRow(context, 'width'), row: strides.width },
    c: { memory: state.ofQueries, start: zero, row: strides.width },
    accumulate: scope.materialize(axisIndex(axes.keyBlock)),
  })
}

function storeQueries(context: AttentionContext, scope: Scope, state: State, queries: Expression, output: Node): void {
  const { lowering, axes, batch } = context
  const { builder } = lowering
  const place = linearIndex([...batch, axisIndex(axes.query), axisIndex(axes.width)], output.shape)
  overRows(context, scope, queries, 'width', (row, overColumns) =>
    overColumns(row, (inside, position) => {
      const sum = loadAt(state.ofQueries, inside, position)
      builder.emit(storeTo(lowering.outputs.get(output)!, inside.materialize(place), sum))
    }),
  )
}

// --- gradients of keys and values -----------------------------------------------------------------------------------------

interface Sum {
  readonly wide: Wide
  readonly own: Scratch
  /** of the result: keys' gradients lack the scale, since queries are copied as they are */
  readonly factor?: number
  readonly output: Node
  readonly parts: Param | undefined
}

const sumsOf = (context: AttentionContext, output: Node | undefined, sum: Omit<Sum, 'output' | 'parts'>): Sum[] =>
  output ? [{ ...sum, output, parts: partsFor(context, output) }] : []

/** Where tasks that share a batch element leave their parts. */
const partsFor = ({ lowering, dtype, blocks }: AttentionContext, output: Node): Param | undefined =>
  blocks.parts > 1 ? lowering.builder.temporary('parts', dtype, blocks.parts * elementsOf(output)) : undefined

function storeSums(context: AttentionContext, scope: Scope, { wide, own, output, parts, factor }: Sum): void {
  const { lowering, dtype, axes, batch, blocks, target } = context
  const { builder } = lowering
  const column = axes[wide]
  const element = linearIndex([...batch, axisIndex(axes.key), axisIndex(column)], output.shape)
  const place = parts ? add(scale(axisIndex(axes.part), elementsOf(output)), element) : element
  const position = add(scale(axisIndex(axes.key), blocks.strides[wide]), axisIndex(column))
  const vector = { axis: column, lanes: lanesFor(target, bytesOf(dtype), 0, column.extent) }
  nest(builder, scope, [axes.key, column], vector, (inside) => {
    const memory: Memory = parts ?? lowering.outputs.get(output)!
    const sum = loadAt(own, inside, position)
    const value = factor === undefined ? sum : alu('mul', dtype, sum, literal(dtype, factor))
    builder.emit(storeTo(memory, inside.materialize(place), value))
  })
}

function addParts({ lowering, dtype, blocks, target }: AttentionContext, output: Node, parts: Param): void {
  const { builder } = lowering
  const size = elementsOf(output)
  const element = makeAxis('element', size)
  const vector = { axis: element, lanes: lanesFor(target, bytesOf(dtype), 0, size) }
  builder.emit({ op: 'barrier' })
  parallelNest(builder, new Scope(), [element], blocksFor(size, blocks.parts * bytesOf(dtype)), vector, (scope) => {
    const part = (i: number): Expression => loadAt(parts, scope, offset(axisIndex(element), i * size))
    let sum = part(0)
    for (let i = 1; i < blocks.parts; i++) sum = alu('add', dtype, sum, part(i))
    builder.emit(storeTo(lowering.outputs.get(output)!, scope.materialize(axisIndex(element)), sum))
  })
}
