// Copies of operands into scratch, read through whatever views they are: rows as they are, or turned into columns.
import { bytesOf } from '../../../base/dtype.ts'
import type { Node } from '../../../graph/node.ts'
import { alu, indexLiteral, literal, storeTo } from '../../../kernel/builders.ts'
import type { Expression, Scratch } from '../../../kernel/kernel-node.ts'
import { type Affine, type Axis, add, axisIndex, makeAxis, scale, substitute } from '../index-algebra.ts'
import { chooseVectorAxis, lanesFor, nest, registerLanes, type Vector } from '../loops.ts'
import { traceIndices } from '../lowered-kernel.ts'
import { refine } from '../refine.ts'
import type { Scope } from '../scope.ts'
import { overPanels } from '../tile/panels.ts'
import type { AttentionContext, Wide } from './context.ts'

interface Copy {
  readonly node: Node
  /** queries or keys in all, and the axis that counts `count` of them here */
  readonly token: Axis
  readonly within: Axis
  readonly count: Expression
  /** the operand's last axis */
  readonly column: Axis
  /** elements from one token to the next and from one column to the next */
  readonly strides: readonly [token: number, column: number]
  readonly memory: Scratch
  readonly factor?: number
}

/** All keys (or values) of the batch element at hand, as rows. */
export function copyKeys(
  context: AttentionContext,
  scope: Scope,
  node: Node,
  { wide, memory, factor }: Pick<QueryCopy, 'wide' | 'memory'> & { readonly factor?: number },
): void {
  const { axes, blocks } = context
  const within = makeAxis('key', axes.key.extent)
  copyTokens(context, scope.bind(axes.key, axisIndex(within)), {
    node,
    token: axes.key,
    within,
    count: indexLiteral(within.extent),
    column: axes[wide],
    strides: [blocks.strides[wide], 1],
    memory,
    factor,
  })
}

/** The queries (or what else there is of each) of the block at hand, as columns or as rows. */
export function copyQueries(
  context: AttentionContext,
  scope: Scope,
  node: Node,
  { wide, count, memory, as }: QueryCopy,
): void {
  const { axes, blocks } = context
  copyTokens(context, scope, {
    node,
    token: axes.query,
    within: axes.column,
    count,
    column: axes[wide],
    strides: as === 'rows' ? [blocks.strides[wide], 1] : [1, blocks.strides.scores],
    memory,
  })
}

interface QueryCopy {
  readonly as: 'rows' | 'columns'
  readonly wide: Wide
  readonly count: Expression
  readonly memory: Scratch
}

/** Copies tokens of an operand; where `token` is bound to is the scope's to say. */
function copyTokens(context: AttentionContext, scope: Scope, copy: Copy): void {
  const { lowering, target, dtype, batch } = context
  const { node, token, within, count, column, strides, memory, factor } = copy
  const { group, inputs, uses, builder } = lowering
  const indices = (columns: Affine) => [...batch, axisIndex(token), columns]
  const refined = refine([column], ([columns]) =>
    traceIndices(group, inputs, uses, undefined, [{ node, indices: indices(columns), stored: false }]),
  )
  const [columns] = refined.roots
  const place = add(scale(axisIndex(within), strides[0]), scale(columns, strides[1]))
  const reads = refined.accesses.map((index) =>
    substitute(index, (axis) => (axis === token ? axisIndex(within) : undefined)),
  )
  const inner = refined.axes[0]
  const bytes = bytesOf(dtype)
  const axis = chooseVectorAxis([within, ...inner], [...reads, place], registerLanes(target, bytes)) ?? within
  const vector = { axis, lanes: lanesFor(target, bytes, 0, axis.extent) }
  const isAcross = axis !== within && strides[0] === 1
  const overTokens = (s: Scope, body: (scope: Scope) => void): void => {
    const isVector = axis === within
    const kind = isVector ? 'vector' : 'serial'
    builder.loop({ name: within.name, extent: count, kind, lanes: isVector ? vector.lanes : 1 }, (variable) =>
      body(s.enter(within, variable, isVector)),
    )
  }
  const write = (s: Scope): void => {
    const value = lowering.evaluation(s).evaluate(node, indices(columns))
    const scaled = factor === undefined ? value : alu('mul', dtype, value, literal(dtype, factor))
    builder.emit(storeTo(memory, s.materialize(place), scaled))
  }
  const order = [...inner].sort((x, y) => Number(x === axis) - Number(y === axis))
  if (axis === within) nest(builder, scope, order, undefined, (s) => overTokens(s, write))
  else if (isAcross)
    nest(builder, scope, order.slice(0, -1), undefined, (s) => overTokensTogether(context, s, within, vector, write))
  else overTokens(scope, (s) => nest(builder, s, order, vector, write))
}

/** Tokens that become columns together: loops of this form, code generators may know, transpose blocks of a matrix. */
const tokensTogether = 8

function overTokensTogether(
  { lowering, axes, blocks }: AttentionContext,
  scope: Scope,
  within: Axis,
  vector: Vector,
  write: (scope: Scope) => void,
): void {
  const { builder } = lowering
  const sizes = { size: axes.query.extent, blockSize: blocks.queries, block: axes.queryBlock }
  overPanels(builder, scope, { name: within.name, unit: tokensTogether, ...sizes }, (inner, start, width) => {
    const lane = makeAxis(within.name, width)
    const bound = inner.bind(within, add(start, axisIndex(lane)))
    nest(builder, bound, [lane, vector.axis], vector, write, width === tokensTogether ? lane : undefined)
  })
}
