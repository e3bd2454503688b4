// Where operands and results of a contract lie in memory: an element's position, and how far apart neighbours along an axis are.
// What can be read or written in place needs no copy.
import type { Node } from '../../../graph/node.ts'
import type { Param } from '../../../kernel/kernel-node.ts'
import { spaceOfGroup } from '../../tile-space.ts'
import { type Affine, type Axis, linearIndex, strideAlong, substitute } from '../index-algebra.ts'
import { always, isMovement, moveIndices, withBound } from '../index-map.ts'
import type { Lowering } from '../lowered-kernel.ts'
import { collectCuts, cutAxis } from '../refine.ts'

export interface Place {
  readonly memory: Param
  readonly position: Affine
}

/** The element of memory that a node's element is, if it is one as it stands: moved, but not computed and not padded. */
export function placeOf(lowering: Lowering, node: Node, indices: readonly Affine[]): Place | undefined {
  const memory = lowering.inputs.get(node)
  if (memory) return { memory, position: linearIndex(indices, node.shape) }
  if (!isMovement(node)) return undefined
  const [source, second] = moveIndices(node, indices)
  if (second) return undefined
  for (const { index, limit } of source.bounds) if (withBound(always, index, limit) !== always) return undefined
  return placeOf(lowering, source.input, source.indices)
}

/** Where a result of the contract goes, if the group's one output is the contract as it stands, moved. */
export function placeOfResult({ group, outputs }: Lowering, indices: readonly Affine[]): Place | undefined {
  const [output, second] = group.outputs
  const contract = group.anchorNode!
  if (second || output.dtype !== contract.dtype || !isMoved(output, contract)) return undefined
  const moved = spaceOfGroup(group, indices).indicesOf(output)
  return moved && { memory: outputs.get(output)!, position: linearIndex(moved, output.shape) }
}

const isMoved = (node: Node, origin: Node): boolean =>
  node === origin || ((node.op === 'reshape' || node.op === 'permute') && isMoved(node.inputs[0], origin))

export interface Walk {
  /** elements from one to the next, inside a run */
  readonly stride: number
  /** how many are that far apart before the position jumps; divides the axis */
  readonly run: number
}

/** How a position moves along an axis: digits of it that follow each other in memory are one run. */
export function walkAlong(position: Affine, axis: Axis): Walk | undefined {
  if (axis.extent === 1) return { stride: 1, run: 1 }
  const { axes, index } = cutAxis(axis, collectCuts([position]).get(axis) ?? new Set())
  const cut = substitute(position, (one) => (one === axis ? index : undefined))
  const [inner, ...outer] = [...axes].reverse()
  const stride = strideAlong(cut, inner)
  if (stride === undefined) return undefined
  let run = inner.extent
  for (const digit of outer) {
    if (strideAlong(cut, digit) !== stride * run) break
    run *= digit.extent
  }
  return { stride, run }
}
