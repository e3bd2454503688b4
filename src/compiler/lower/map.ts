// Lowers a map group: one iteration space, every output element computed where it is stored. The space starts as one axis of all elements,
// is cut only where index maps need digits, and runs vectorised along the axis that most accesses follow.
import { CompileError } from '../../base/errors.ts'
import { formatShape, sizeOf } from '../../base/shape.ts'
import type { Node } from '../../graph/node.ts'
import type { Memory } from '../../kernel/kernel-node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { widestBytes } from './evaluate.ts'
import { type Affine, makeAxis, unravel } from './index-algebra.ts'
import { blocksFor, chooseVectorAxis, lanesFor, parallelNest, registerLanes } from './loops.ts'
import { type LoweredKernel, Lowering, traceIndices } from './lowered-kernel.ts'
import { refine } from './refine.ts'
import { Scope } from './scope.ts'

export function lowerMap(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group)
  const stores = group.outputs.map((node) => ({ node, memory: lowering.outputs.get(node)! }))
  writeMap(lowering, target, stores, lowering.inputs)
  return lowering.finish()
}

/** A node's value and the memory that receives it. */
export interface MapStore {
  readonly node: Node
  readonly memory: Memory
}

/** Writes the loops that compute nodes of one size, element by element, from what `memory` holds. */
export function writeMap(
  lowering: Lowering,
  target: Target,
  stores: readonly MapStore[],
  memory: ReadonlyMap<Node, Memory>,
): void {
  const size = commonSize(stores)
  if (size === 0) return
  const { group, uses, weight, builder } = lowering
  const roots = (position: Affine) =>
    stores.map(({ node }) => ({ node, indices: unravel(position, node.shape), stored: true }))
  const refined = refine([makeAxis('i', size)], ([position]) =>
    traceIndices(group, memory, uses, undefined, roots(position)),
  )
  const axes = refined.axes[0]
  const bytes = widestBytes([...group.inputs, ...group.outputs])
  const axis = chooseVectorAxis(axes, refined.accesses, registerLanes(target, bytes))
  const vector = axis && { axis, lanes: lanesFor(target, bytes, weight, axis.extent) }
  const ordered = axis ? [...axes.filter((one) => one !== axis), axis] : axes
  const blocks = blocksFor(size, bytes * (group.inputs.length + group.outputs.length) + weight)
  parallelNest(builder, new Scope(), ordered, blocks, vector, (scope) => {
    const evaluation = lowering.evaluation(scope, undefined, memory)
    lowering.storeAll(
      scope,
      evaluation,
      roots(refined.roots[0]).map((root, i) => ({ ...root, memory: stores[i].memory })),
    )
  })
}

function commonSize(stores: readonly MapStore[]): number {
  const size = sizeOf(stores[0].node.shape)
  const shapes = stores.map(({ node }) => node.shape)
  if (shapes.some((shape) => sizeOf(shape) !== size))
    throw new CompileError(
      `lower: expected what one map kernel computes to have one size, got ${shapes.map(formatShape).join(' and ')}.`,
    )
  return size
}
