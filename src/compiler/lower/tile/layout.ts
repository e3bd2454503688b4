// What a blocking is chosen by, besides sizes: how the operands and the result of a contract lie in memory, along m, n and k as single axes.
import { bytesOf } from '../../../base/dtype.ts'
import { sizeOf } from '../../../base/shape.ts'
import { type Axis, axisIndex, makeAxis, unravel } from '../index-algebra.ts'
import type { Lowering } from '../lowered-kernel.ts'
import type { Factors } from './factors.ts'
import { type Place, placeOf, placeOfResult, type Walk, walkAlong } from './placement.ts'
import { type ContractNode, resultIndices } from './tile-axes.ts'

/** Walks along an operand's own axis (m or n; of a result, both) and along k. */
export interface OperandLayout {
  readonly side: Walk
  readonly depth: Walk
}

export interface ResultLayout {
  readonly rows: Walk
  readonly columns: Walk
}

/** Undefined where an operand is computed, padded, or of another dtype than the sums, and where results are computed on. */
export interface Layout {
  readonly a: OperandLayout | undefined
  readonly b: OperandLayout | undefined
  readonly c: ResultLayout | undefined
}

/** Longer strides than any that pays, and short enough that all rows of a tile are within reach of one address. */
const longestStride = 2 ** 24

const fits = (walk: Walk | undefined): walk is Walk =>
  walk !== undefined && walk.stride > 0 && walk.stride < longestStride

export function layoutOf(lowering: Lowering, contract: ContractNode, factors: Factors): Layout {
  const { attrs, shape } = contract
  const inputs = [factors.left, factors.right]
  const axisOf = (name: string, extents: readonly number[]): Axis => makeAxis(name, sizeOf(extents))
  const kStart = inputs[0].shape.length - attrs.contracted
  const kShape = inputs[0].shape.slice(kStart)
  const batchShape = inputs[0].shape.slice(0, attrs.batch)
  const k = axisOf('k', kShape)
  const batch = unravel(axisIndex(axisOf('batch', batchShape)), batchShape)
  const depth = unravel(axisIndex(k), kShape)
  const hasSums = (place: Place | undefined): place is Place =>
    place !== undefined && bytesOf(place.memory.dtype) >= 4 && place.memory.dtype === contract.dtype
  const sides = inputs.map((node) => {
    const sideShape = node.shape.slice(attrs.batch, node.shape.length - attrs.contracted)
    const axis = axisOf('side', sideShape)
    const indices = unravel(axisIndex(axis), sideShape)
    const place = placeOf(lowering, node, [...batch, ...indices, ...depth])
    const walks = hasSums(place) && { side: walkAlong(place.position, axis), depth: walkAlong(place.position, k) }
    const layout = walks && fits(walks.side) && fits(walks.depth) ? { side: walks.side, depth: walks.depth } : undefined
    return { axis, indices, layout }
  })
  const [m, n] = sides
  const place =
    shape.length > 0 ? placeOfResult(lowering, resultIndices(factors, batch, m.indices, n.indices)) : undefined
  const rows = hasSums(place) ? walkAlong(place.position, m.axis) : undefined
  const columns = hasSums(place) ? walkAlong(place.position, n.axis) : undefined
  return { a: m.layout, b: n.layout, c: fits(rows) && fits(columns) ? { rows, columns } : undefined }
}
