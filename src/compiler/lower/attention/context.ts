// What the kernels of attention share: operands, blocks, axes, the loops over tasks and blocks, and how many queries and keys a block has.
// Scores lie transposed, a row for each key and a column for each query, so that statistics of queries run along vector lanes.
import { bytesOf } from '../../../base/dtype.ts'
import type { Shape } from '../../../base/shape.ts'
import { sizeOf } from '../../../base/shape.ts'
import { elementsOf, type Node } from '../../../graph/node.ts'
import { indexAlu, indexLiteral, loadOf } from '../../../kernel/builders.ts'
import type { Expression, Memory, Scratch } from '../../../kernel/kernel-node.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import {
  type Affine,
  type Axis,
  add,
  addScaled,
  axisIndex,
  constantIndex,
  makeAxis,
  scale,
  unravel,
} from '../index-algebra.ts'
import { blockExtent, lanesFor, parallelNest, registerLanes } from '../loops.ts'
import { Lowering } from '../lowered-kernel.ts'
import { Scope } from '../scope.ts'
import { type AttentionBlocks, chooseBlocks, type Extents, roundUp } from './blocks.ts'

/** Fewer scores a query are cheaper whole. */
const fewest = 8

/** Whether attention, or its gradient, over these operands is worth blocks. */
export function suitsAttention({ inputs: [q, k, v], dtype }: Node<'composite'>, target: Target): boolean {
  if (dtype !== 'float32' && dtype !== 'float64') return false
  const [queries, keys] = [q.shape.at(-2)!, k.shape.at(-2)!]
  return target.tiles[dtype] !== undefined && queries >= fewest && keys >= fewest && elementsOf(q) * elementsOf(v) > 0
}

interface AttentionAxes {
  readonly batch: Axis
  readonly part: Axis
  readonly queryBlock: Axis
  readonly keyBlock: Axis
  /** within a block */
  readonly row: Axis
  readonly column: Axis
  /** in all */
  readonly query: Axis
  readonly key: Axis
  readonly width: Axis
  readonly out: Axis
}

/** What is as wide as queries and keys, or as values and results. */
export type Wide = 'width' | 'out'

/** Queries and keys of the blocks at hand. */
export interface Counts {
  readonly queries: Expression
  readonly keys: Expression
}

export interface AttentionContext {
  readonly lowering: Lowering
  readonly target: Target
  readonly dtype: 'float32' | 'float64'
  readonly operands: readonly Node[]
  readonly mask: Node | undefined
  readonly isCausal: boolean
  readonly scale: number
  readonly blocks: AttentionBlocks
  readonly axes: AttentionAxes
  /** index vector of the batch element at hand */
  readonly batch: readonly Affine[]
  /** lanes of loops with little work, and with much */
  readonly lanes: { readonly light: number; readonly heavy: number }
}

/** `maskAt` is the position of the mask among the composite's operands. */
export function makeContext(group: KernelGroup, target: Target, maskAt: number): AttentionContext {
  const anchor = group.anchorNode as Node<'composite'>
  const { isCausal, scale: factor } = anchor.attrs.attrs as { isCausal: boolean; scale: number }
  const [q, k, v] = anchor.inputs
  const dtype = q.dtype as 'float32' | 'float64'
  const batch: Shape = q.shape.slice(0, -2)
  const [queries, width] = q.shape.slice(-2)
  const extents = { batch: sizeOf(batch), queries, keys: k.shape.at(-2)!, width, out: v.shape.at(-1)! }
  const blocks = chooseBlocks(extents, target, dtype)
  const axes = axesOf(extents, blocks)
  const perRegister = registerLanes(target, bytesOf(dtype))
  return {
    lowering: new Lowering(group),
    target,
    dtype,
    operands: anchor.inputs,
    mask: anchor.inputs[maskAt],
    isCausal,
    scale: factor,
    blocks,
    axes,
    batch: unravel(axisIndex(axes.batch), batch),
    lanes: { light: perRegister * 4, heavy: perRegister * 2 },
  }
}

const axesOf = (
  extents: Extents,
  { queries, keys, queryBlocks, keyBlocks, parts }: AttentionBlocks,
): AttentionAxes => ({
  batch: makeAxis('batch', extents.batch),
  part: makeAxis('part', parts),
  queryBlock: makeAxis('queryBlock', queryBlocks),
  keyBlock: makeAxis('keyBlock', keyBlocks),
  row: makeAxis('row', keys),
  column: makeAxis('column', queries),
  query: makeAxis('query', extents.queries),
  key: makeAxis('key', extents.keys),
  width: makeAxis('width', extents.width),
  out: makeAxis('out', extents.out),
})

// --- loops over tasks and blocks ------------------------------------------------------------------------------------------

/** One task for each batch element and part. */
export function overTasks({ lowering, axes }: AttentionContext, body: (scope: Scope) => void): void {
  const tasks = axes.batch.extent * axes.part.extent
  parallelNest(lowering.builder, new Scope(), [axes.batch, axes.part], tasks, undefined, body)
}

/** The query blocks of a part: p, p + parts, …, so that long and short causal ones are dealt evenly. */
export function overQueryBlocks(context: AttentionContext, scope: Scope, body: (scope: Scope) => void): void {
  const { lowering, axes, blocks } = context
  const { parts, queryBlocks, queries } = blocks
  const turn = makeAxis('turn', Math.ceil(queryBlocks / parts))
  const left = scope.materialize(addScaled(constantIndex(queryBlocks + parts - 1), axisIndex(axes.part), -1))
  const extent = queryBlocks % parts === 0 ? indexLiteral(turn.extent) : indexAlu('div', left, indexLiteral(parts))
  lowering.builder.loop({ name: 'queryBlock', extent, kind: 'serial' }, (variable) => {
    const block = add(scale(axisIndex(turn), parts), axisIndex(axes.part))
    const inside = scope.enter(turn, variable).bind(axes.queryBlock, block)
    body(inside.bind(axes.query, add(scale(axisIndex(axes.queryBlock), queries), axisIndex(axes.column))))
  })
}

/** The key blocks that the query block at hand sees, with the numbers of both. */
export function overKeyBlocks(
  context: AttentionContext,
  scope: Scope,
  queries: Expression,
  body: (scope: Scope, counts: Counts) => void,
): void {
  const { lowering, axes, blocks, isCausal } = context
  const { builder } = lowering
  const { keys, tiles } = blocks
  const end = isCausal ? builder.bind('end', causalEnd(context, scope)) : undefined
  const extent = end ? quotientUp(end, keys) : indexLiteral(blocks.keyBlocks)
  builder.loop({ name: 'keyBlock', extent, kind: 'serial' }, (variable) => {
    const inside = scope
      .enter(axes.keyBlock, variable)
      .bind(axes.key, add(scale(axisIndex(axes.keyBlock), keys), axisIndex(axes.row)))
    const block = inside.materialize(axisIndex(axes.keyBlock))
    const inBlock = blockExtent(axes.key.extent, keys, block)
    const left = end && indexAlu('sub', end, inside.materialize(scale(axisIndex(axes.keyBlock), keys)))
    // whole tiles, whose last rows the causal mask clears: what they add to other keys' gradients must be 0
    const seen = left && indexAlu('mul', quotientUp(left, tiles.scores.mr), indexLiteral(tiles.scores.mr))
    const count = seen ? indexAlu('min', inBlock, seen) : inBlock
    body(inside, { queries, keys: count.op === 'literal' ? count : builder.bind('keys', count) })
  })
}

/** One more than the last key that any query of the block may see. */
function causalEnd({ axes, blocks }: AttentionContext, scope: Scope): Expression {
  const end = scale(add(axisIndex(axes.queryBlock), constantIndex(1)), blocks.queries)
  return indexAlu('min', indexLiteral(axes.key.extent), scope.materialize(end))
}

/** The value over a constant, rounded up. */
export const quotientUp = (value: Expression, by: number): Expression =>
  indexAlu('div', indexAlu('add', value, indexLiteral(by - 1)), indexLiteral(by))

/** Queries in the block at hand. */
export function queryCount({ lowering, axes, blocks }: AttentionContext, scope: Scope): Expression {
  const block = scope.materialize(axisIndex(axes.queryBlock))
  const count = blockExtent(axes.query.extent, blocks.queries, block)
  return count.op === 'literal' ? count : lowering.builder.bind('queries', count)
}

// --- loops within a block -------------------------------------------------------------------------------------------------

/** Over the queries of a block, in vectors. */
export function overQueries(
  { lowering, axes }: AttentionContext,
  scope: Scope,
  extent: Expression,
  lanes: number,
  body: (scope: Scope) => void,
): void {
  lowering.builder.loop({ name: 'query', extent, kind: 'vector', lanes }, (variable) =>
    body(scope.enter(axes.column, variable, true)),
  )
}

/** Over the keys of a block. */
export function overKeys(
  { lowering, axes }: AttentionContext,
  scope: Scope,
  extent: Expression,
  body: (scope: Scope) => void,
): void {
  lowering.builder.loop({ name: 'key', extent, kind: 'serial' }, (variable) => body(scope.enter(axes.row, variable)))
}

/**
 * Over the rows of a block of queries: `body` is given the row and what loops over its columns in vectors, with their positions in
 * memory made by `makeQueryRows`.
 */
export function overRows(
  context: AttentionContext,
  scope: Scope,
  extent: Expression,
  wide: Wide,
  body: (row: Scope, overColumns: (row: Scope, each: (scope: Scope, position: Affine) => void) => void) => void,
): void {
  const { lowering, axes, blocks } = context
  const { builder } = lowering
  const column = axes[wide]
  const position = add(scale(axisIndex(axes.column), blocks.strides[wide]), axisIndex(column))
  builder.loop({ name: 'query', extent, kind: 'serial' }, (variable) =>
    body(scope.enter(axes.column, variable), (row, each) => {
      builder.loop(
        { name: column.name, extent: column.extent, kind: 'vector', lanes: columnLanes(context, wide) },
        (inner) => each(row.enter(column, inner, true), position),
      )
    }),
  )
}

/** Lanes of the loops over columns. */
export const columnLanes = ({ target, dtype, axes }: AttentionContext, wide: Wide): number =>
  lanesFor(target, bytesOf(dtype), 0, axes[wide].extent)

// --- scratch --------------------------------------------------------------------------------------------------------------

/** A block of scores: a row for each key. */
export const makeScores = ({ lowering, dtype, blocks }: AttentionContext, name: string): Scratch =>
  lowering.builder.makeScratch(name, dtype, blocks.keys * blocks.strides.scores)

export const scorePosition = ({ axes, blocks }: AttentionContext): Affine =>
  add(scale(axisIndex(axes.row), blocks.strides.scores), axisIndex(axes.column))

/** A row for each key there is. */
export const makeKeyRows = ({ lowering, dtype, blocks }: AttentionContext, name: string, wide: Wide): Scratch =>
  lowering.builder.makeScratch(name, dtype, blocks.keyBlocks * blocks.keys * blocks.strides[wide])

/** Where the rows of the key block at hand begin. */
export const keyRow = ({ axes, blocks }: AttentionContext, wide: Wide): Affine =>
  scale(axisIndex(axes.keyBlock), blocks.keys * blocks.strides[wide])

/** A row for each query of a block, in whole tiles. */
export const makeQueryRows = ({ lowering, dtype, blocks }: AttentionContext, name: string, wide: Wide): Scratch =>
  lowering.builder.makeScratch(name, dtype, roundUp(blocks.queries, blocks.tiles[wide].mr) * blocks.strides[wide])

/** A column for each query of a block. */
export const makeQueryColumns = (
  { lowering, dtype, blocks, axes }: AttentionContext,
  name: string,
  wide: Wide,
): Scratch => lowering.builder.makeScratch(name, dtype, axes[wide].extent * blocks.strides.scores)

/** One number for each query of a block. */
export const makePerQuery = ({ lowering, dtype, blocks }: AttentionContext, name: string): Scratch =>
  lowering.builder.makeScratch(name, dtype, blocks.queries)

export const loadAt = (memory: Memory, scope: Scope, position: Affine): Expression =>
  loadOf(memory, scope.materialize(position))
