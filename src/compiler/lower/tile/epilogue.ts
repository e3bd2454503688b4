// The epilogue: a finished block of products becomes the group's outputs, with everything computed from them element by element.

import type { Node } from '../../../graph/node.ts'
import { castTo, loadOf } from '../../../kernel/builders.ts'
import type { Expression, Memory } from '../../../kernel/kernel-node.ts'
import { spaceOfGroup } from '../../tile-space.ts'
import { computeDType, type Hook, roundTo, widestBytes } from '../evaluate.ts'
import { type Affine, type Axis, axisIndex, linearIndex } from '../index-algebra.ts'
import { chooseVectorAxis, lanesFor, nest, type Vector } from '../loops.ts'
import { traceIndices } from '../lowered-kernel.ts'
import { refine } from '../refine.ts'
import type { Scope } from '../scope.ts'
import type { TileContext } from './context.ts'
import { overColumns } from './pack.ts'
import { batchIndices, resultIndices, sideIndices } from './tile-axes.ts'

/** Index vector of each output over the contract's axes. */
function outputIndices(context: TileContext, nInner: Affine): Map<Node, readonly Affine[]> {
  const { lowering, factors, blocking, axes } = context
  const [left, right] = [sideIndices(blocking.m, axes.m), sideIndices(blocking.n, axes.n, nInner)]
  const own = resultIndices(factors, batchIndices(blocking, axes), left, right)
  const space = spaceOfGroup(lowering.group, own)
  return new Map(lowering.group.outputs.map((node) => [node, space.indicesOf(node)!]))
}

export interface EpilogueSource {
  /** the finished product at the current (batch, m, n) */
  readonly product: (scope: Scope, nInner: Affine) => Expression
  /** positions the product is read at, for choosing the vector axis */
  readonly access: (nInner: Affine) => Affine
  /** loops over the rows of the block at hand */
  readonly rows: (scope: Scope, vector: Vector | undefined, body: (scope: Scope) => void) => void
}

/** Stores all outputs over one block of rows and the columns of the current column block. */
export function writeOutputs(context: TileContext, scope: Scope, source: EpilogueSource): void {
  const { lowering, contract, axes, target } = context
  const hookOf =
    (product: Expression): Hook =>
    (node) =>
      node === contract ? product : undefined
  const placeholder: Hook = (node) =>
    node === contract ? { op: 'literal', dtype: context.dtype, value: 0 } : undefined
  const roots = (nInner: Affine) =>
    [...outputIndices(context, nInner)].map(([node, indices]) => ({ node, indices, stored: true }))
  const refined = refine([axes.n.inner], ([nInner]) =>
    traceIndices(lowering.group, lowering.inputs, lowering.uses, placeholder, roots(nInner)),
  )
  const [nInner] = refined.roots
  const inner = refined.axes[0]
  const bytes = widestBytes([contract, ...lowering.group.outputs])
  const accesses = [...refined.accesses, source.access(nInner)]
  const candidates: Axis[] = [axes.m.outer, axes.n.outer, ...inner]
  const axis = chooseVectorAxis(candidates, accesses, Math.floor(target.vectorBytes / bytes))
  const vector = axis && { axis, lanes: lanesFor(target, bytes, lowering.weight, axis.extent) }
  const write = (inside: Scope): void => {
    const evaluation = lowering.evaluation(inside, hookOf(roundedProduct(context, source.product(inside, nInner))))
    lowering.storeAll(inside, evaluation, roots(nInner))
  }
  const order = [...inner].sort((x, y) => Number(x === vector?.axis) - Number(y === vector?.axis))
  const columns = (s: Scope, v: Vector | undefined, body: (scope: Scope) => void) => overColumns(context, s, v, body)
  const nestInner = (s: Scope, body: (scope: Scope) => void) => nest(lowering.builder, s, order, vector, body)
  if (vector?.axis === axes.m.outer)
    columns(scope, undefined, (s) => nestInner(s, (t) => source.rows(t, vector, write)))
  else if (vector?.axis === axes.n.outer)
    source.rows(scope, undefined, (s) => nestInner(s, (t) => columns(t, vector, write)))
  else source.rows(scope, undefined, (s) => columns(s, undefined, (t) => nestInner(t, write)))
}

/** The sum as the contract's dtype stores it. */
function roundedProduct({ contract }: TileContext, product: Expression): Expression {
  return castTo(roundTo(product, contract.dtype), computeDType(contract.dtype))
}

export const loadProduct = (memory: Memory, scope: Scope, position: Affine): Expression =>
  loadOf(memory, scope.materialize(position))

/** Row-major position of a whole result, batch first. */
export const resultPosition = ({ blocking, axes }: TileContext, nInner: Affine): Affine =>
  linearIndex(
    [axisIndex(axes.batch), axisIndex(axes.n.slab), axisIndex(axes.m.outer), axisIndex(axes.n.outer), nInner],
    [axes.batch.extent, blocking.n.slabs, blocking.m.size, blocking.n.outer, blocking.n.inner],
  )
