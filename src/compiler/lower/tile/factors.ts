// Which operand of a contract gives the rows of the product and which its columns. Either does; what differs is the work of packing: rows may
// be packed in any order of their elements, columns must lie next to each other for each k, and results are stored along columns.
import { sizeOf } from '../../../base/shape.ts'
import type { Node } from '../../../graph/node.ts'
import type { Target } from '../../target.ts'
import { widestBytes } from '../evaluate.ts'
import { type Affine, type Axis, axisIndex, makeAxis } from '../index-algebra.ts'
import { chooseVectorAxis, registerLanes } from '../loops.ts'
import { type Lowering, traceAccesses, traceIndices } from '../lowered-kernel.ts'
import { refine } from '../refine.ts'
import { placeOf, placeOfResult, walkAlong } from './placement.ts'
import type { ContractNode } from './tile-axes.ts'

export interface Factors {
  readonly left: Node
  readonly right: Node
  /** whether the contract's right operand is the left factor */
  readonly swapped: boolean
}

/** Cycles per element, about: copied along lanes, as blocks that are transposed, one by one across lanes. */
const along = 0.3
const transposed = 0.5
const across = 1.5
/** and a result that could have been written where it belongs */
const detour = 4

export function chooseFactors(lowering: Lowering, target: Target, contract: ContractNode): Factors {
  const { inputs, attrs } = contract
  const [a, b] = inputs
  const depth = sizeOf(a.shape.slice(a.shape.length - attrs.contracted))
  const side = (node: Node): number => sizeOf(node.shape.slice(attrs.batch, node.shape.length - attrs.contracted))
  const costs = inputs.map((node) => {
    if (!liesAlongDepth(lowering, target, node, attrs.contracted)) return along
    const indices = node.shape.map((extent, i) => axisIndex(makeAxis(`x${i}`, extent)))
    return placeOf(lowering, node, indices) ? transposed : across
  })
  const results = side(a) * side(b)
  const direction = directionOfResults(lowering, contract)
  const finish = (isAlong: boolean): number => results * (isAlong ? along : direction === undefined ? across : detour)
  const plain = (side(a) * along + side(b) * costs[1]) * depth + finish(direction !== 'rows')
  const other = (side(b) * along + side(a) * costs[0]) * depth + finish(direction === 'rows')
  return other < plain ? { left: b, right: a, swapped: true } : { left: a, right: b, swapped: false }
}

/** Whether neighbours of an operand in memory are neighbours along k. */
export function liesAlongDepth(lowering: Lowering, target: Target, node: Node, contracted: number): boolean {
  const { group, inputs, uses } = lowering
  const axes = node.shape.map((extent, i) => makeAxis(`x${i}`, extent))
  const rootsAt = (indices: readonly Affine[]) => [{ node, indices, stored: false }]
  const refined = refine(axes, (indices) => traceIndices(group, inputs, uses, undefined, rootsAt(indices)))
  const { positions } = traceAccesses(group, inputs, uses, undefined, rootsAt(refined.roots))
  const lanes = registerLanes(target, widestBytes([node]))
  const best = chooseVectorAxis(refined.axes.flat(), positions, lanes)
  return best !== undefined && refined.axes.slice(node.shape.length - contracted).some((list) => list.includes(best))
}

/** Whose neighbours are neighbours in memory among results that the contract leaves as they are: the left operand's, or the right one's. */
function directionOfResults(
  lowering: Lowering,
  { shape, inputs, attrs }: ContractNode,
): 'rows' | 'columns' | undefined {
  const axes = shape.map((extent, i) => makeAxis(`x${i}`, extent))
  const place = shape.length > 0 ? placeOfResult(lowering, axes.map(axisIndex)) : undefined
  if (!place) return undefined
  const columnsFrom = inputs[0].shape.length - attrs.contracted
  const isNext = (axis: Axis): boolean => axis.extent > 1 && walkAlong(place.position, axis)?.stride === 1
  const isRows = axes.slice(attrs.batch, columnsFrom).some(isNext) && !axes.slice(columnsFrom).some(isNext)
  return isRows ? 'rows' : 'columns'
}
