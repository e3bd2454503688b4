// Writes the loops of a stage of a step: pieces computed element by element and stored where they are wanted, or an aggregate by its recipe.
import { sizeOf } from '../../../base/shape.ts'
import type { Node } from '../../../graph/node.ts'
import { alu, storeTo } from '../../../kernel/builders.ts'
import type { Expression, Memory } from '../../../kernel/kernel-node.ts'
import type { Target } from '../../target.ts'
import { computeDType, roundTo, toStored, widestBytes } from '../evaluate.ts'
import { type Affine, type Axis, axisIndex, makeAxis, unravel } from '../index-algebra.ts'
import { chooseVectorAxis, lanesFor, loopOverBlock, nest, registerLanes, type Vector } from '../loops.ts'
import { refine } from '../refine.ts'
import type { Scope } from '../scope.ts'
import { type Piece, pieceIndices } from './pieces.ts'
import { recipeOf } from './recipe.ts'
import type { Held, StepValues } from './step-values.ts'

/** One place where a value goes. */
export interface Destination {
  readonly memory: Memory
  readonly positionOf: (indices: readonly Affine[]) => Affine
}

/** An axis for the rows, which blocks deal out, and the rest as one; without rows all as one. */
function elementAxes(values: StepValues, shape: readonly number[]) {
  const inner = values.rows ? shape.slice(1) : shape
  const rest = makeAxis('i', sizeOf(inner))
  const indicesOf = (position: Affine): Affine[] => [
    ...(values.rows ? [axisIndex(values.rows.row)] : []),
    ...unravel(position, inner),
  ]
  return { rest, indicesOf }
}

/** Loops over the block's rows and `axes`, the vector's last. */
function nestRows(
  { rows, lowering: { builder } }: StepValues,
  scope: Scope,
  axes: readonly Axis[],
  vector: Vector | undefined,
  body: (scope: Scope) => void,
): void {
  const ordered = [...axes].sort((x, y) => Number(x === vector?.axis) - Number(y === vector?.axis))
  if (!rows) {
    nest(builder, scope, ordered, vector, body)
    return
  }
  const overRows = (outer: Scope, write: (scope: Scope) => void): void =>
    loopOverBlock(builder, outer, rows.row, rows.perBlock, axisIndex(rows.block), vector, write)
  if (vector?.axis === rows.row) nest(builder, scope, ordered, undefined, (inner) => overRows(inner, body))
  else overRows(scope, (inner) => nest(builder, inner, ordered, vector, body))
}

function vectorOf(
  values: StepValues,
  target: Target,
  axes: readonly Axis[],
  accesses: readonly Affine[],
  nodes: readonly Node[],
  weight: number,
): Vector | undefined {
  const bytes = widestBytes(nodes)
  const candidates = values.rows && values.rows.perBlock > 1 ? [values.rows.row, ...axes] : axes
  const axis = chooseVectorAxis(candidates, accesses, registerLanes(target, bytes))
  const extent = axis === values.rows?.row ? values.rows?.perBlock : axis?.extent
  return axis && { axis, lanes: lanesFor(target, bytes, weight, extent!) }
}

/** Computes pieces of one shape together; all are known before the first is stored. */
export function writePieces(
  values: StepValues,
  target: Target,
  scope: Scope,
  pieces: readonly Piece[],
  destinationsOf: (node: Node) => readonly Destination[],
  weight: number,
): void {
  const { shape } = pieces[0]
  if (sizeOf(shape) === 0) return
  const { builder } = values.lowering
  const { rest, indicesOf } = elementAxes(values, shape)
  const stores = pieces.map((piece) => ({ piece, destinations: destinationsOf(piece.node) }))
  const refined = refine([rest], ([position]) => {
    const roots = pieces.map((piece) => ({ node: piece.node, indices: pieceIndices(piece, indicesOf(position)) }))
    const placed = stores.flatMap(({ destinations }, i) => destinations.map((one) => one.positionOf(roots[i].indices)))
    return [...values.trace(roots), ...placed]
  })
  const nodes = pieces.map(({ node }) => node)
  const vector = vectorOf(values, target, refined.axes[0], refined.accesses, nodes, weight)
  nestRows(values, scope, refined.axes[0], vector, (inner) => {
    const evaluation = values.evaluation(inner)
    const known = stores.map(({ piece, destinations }) => {
      const indices = pieceIndices(piece, indicesOf(refined.roots[0]))
      return { value: builder.bind('out', evaluation.evaluate(piece.node, indices)), indices, destinations }
    })
    for (const { value, indices, destinations } of known)
      for (const { memory, positionOf } of destinations)
        builder.emit(storeTo(memory, inner.materialize(positionOf(indices)), toStored(value, memory.dtype)))
  })
}

/** Computes a contract or reduce by its recipe, a sum for each element, into memory. */
export function writeAggregate(
  values: StepValues,
  target: Target,
  scope: Scope,
  node: Node<'contract' | 'reduce'>,
  held: Held,
): void {
  if (sizeOf(node.shape) === 0) return
  const { builder } = values.lowering
  const recipe = recipeOf(node)
  const { rest, indicesOf } = elementAxes(values, node.shape)
  const refined = refine([rest, makeAxis('k', recipe.steps)], ([position, step]) => [
    ...values.trace(recipe.factors(indicesOf(position), step)),
    values.position(held, indicesOf(position), node),
  ])
  const [position, step] = refined.roots
  const vector = vectorOf(values, target, refined.axes.flat(), refined.accesses, [node], 0)
  const dtype = computeDType(node.dtype)
  const term = (inner: Scope): Expression => {
    const evaluation = values.evaluation(inner)
    const factors = recipe.factors(indicesOf(position), step).map((one) => evaluation.evaluate(one.node, one.indices))
    return factors.length === 1 ? factors[0] : alu('mul', dtype, ...factors)
  }
  const along = [...refined.axes[1]].sort((x, y) => Number(x === vector?.axis) - Number(y === vector?.axis))
  nestRows(values, scope, refined.axes[0], vector, (outer) => {
    const lanes = vector && along.includes(vector.axis) ? vector.lanes : 1
    const total = builder.accumulator(recipe.kind as 'sum', dtype, recipe.kind as 'sum', lanes)
    if (recipe.steps > 0) nest(builder, outer, along, vector, (inner) => builder.accumulate(total, term(inner)))
    const value = roundTo(builder.read(total), node.dtype)
    builder.emit(storeTo(held.memory, outer.materialize(values.position(held, indicesOf(position), node)), value))
  })
}
