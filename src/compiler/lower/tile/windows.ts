// Columns that are windows sliding over an image. Instead of every tap of every window (im2col), the rows that a block of windows reads are copied
// once, and the microkernel finds each tap at its place in the copy: neighbours in a row are neighbours for every tap. Between the windows of
// one row and those of the next lie a few places that belong to neither; they are multiplied all the same, and nobody stores them.
import { sizeOf } from '../../../base/shape.ts'
import type { Node } from '../../../graph/node.ts'
import type { Target } from '../../target.ts'
import {
  type Affine,
  type Axis,
  add,
  axisIndex,
  makeAxis,
  sameIndex,
  scale,
  strideAlong,
  usesAxis,
} from '../index-algebra.ts'
import { always, isMovement, moveIndices, withBound } from '../index-map.ts'
import type { Lowering } from '../lowered-kernel.ts'
import type { Factors } from './factors.ts'
import type { Layout } from './layout.ts'
import type { ContractNode } from './tile-axes.ts'

export interface Windows {
  /** what the windows slide over along its last two axes, perhaps padded, and its index vector over the right factor's axes */
  readonly source: Node
  readonly axes: readonly Axis[]
  readonly indices: readonly Affine[]
  /** positions of windows in an image: the last two axes of columns */
  readonly rows: number
  readonly columns: number
  /** elements from one row of the copy to the next, and rows that taps reach beyond the row of their window */
  readonly pitch: number
  readonly reach: number
  /** where the taps lie, of the last axes of k; the others have copies of their own */
  readonly taps: readonly number[]
  /** rows of windows in a block */
  readonly blockRows: number
}

/** More taps are read from several copies: each is written out in the microkernel. */
const mostTaps = 32
/** Places in a block of columns. */
const mostColumns = 384
/** Cycles to copy an element, of whole rows and of single taps, and to store a result from a finished block. */
const copyCost = 0.35
const tapCost = 0.4
const storingCost = 1

export function findWindows(
  lowering: Lowering,
  contract: ContractNode,
  { left, right }: Factors,
  layout: Layout,
  target: Target,
): Windows | undefined {
  const { batch, contracted } = contract.attrs
  const axes = right.shape.map((extent, i) => makeAxis(`x${i}`, extent))
  const depthFrom = axes.length - contracted
  const below = depthFrom - batch < 2 ? undefined : belowWindows(lowering, right, axes.map(axisIndex))
  if (!below || below.indices.length < 2) return undefined
  const slide = slideOf(below.indices, axes.slice(0, depthFrom), axes.slice(depthFrom))
  if (!slide) return undefined
  const m = sizeOf(left.shape.slice(batch, left.shape.length - contracted))
  const images = sizeOf(left.shape.slice(-contracted)) / slide.taps.length
  const blockRows = chooseRows(slide, { m, images, isInPlace: layout.c !== undefined }, target)
  return blockRows === undefined ? undefined : { ...below, axes, ...slide, blockRows }
}

/** What lies below the last of the windows that a node moves elements of. */
function belowWindows(
  lowering: Lowering,
  node: Node,
  indices: readonly Affine[],
): Pick<Windows, 'source' | 'indices'> | undefined {
  if (lowering.inputs.has(node) || !isMovement(node)) return undefined
  const [source, second] = moveIndices(node, indices)
  if (second) return undefined
  for (const { index, limit } of source.bounds) if (withBound(always, index, limit) !== always) return undefined
  const deeper = belowWindows(lowering, source.input, source.indices)
  return deeper ?? (node.op === 'window' ? { source: source.input, indices: source.indices } : undefined)
}

type Slide = Pick<Windows, 'rows' | 'columns' | 'pitch' | 'reach' | 'taps'>

/** How windows slide, if the last axes of columns move along the last two axes of their source one by one. */
function slideOf(
  indices: readonly Affine[],
  columnAxes: readonly Axis[],
  depthAxes: readonly Axis[],
): Slide | undefined {
  const [row, column] = columnAxes.slice(-2)
  const [down, across] = depthAxes.length > 1 ? depthAxes.slice(-2) : [undefined, depthAxes[0]]
  const [vertical, horizontal] = indices.slice(-2)
  const isOnlyIn = (axis: Axis, index: Affine): boolean => indices.every((one) => one === index || !usesAxis(one, axis))
  const step = strideAlong(horizontal, across) ?? 0
  const expected = add(axisIndex(column), scale(axisIndex(across), step))
  if (step < 1 || column.extent === 1 || !sameIndex(horizontal, expected)) return undefined
  if (strideAlong(vertical, row) !== 1 || !isOnlyIn(row, vertical)) return undefined
  if (!isOnlyIn(column, horizontal) || !isOnlyIn(across, horizontal) || across.extent > mostTaps) return undefined
  const pitch = column.extent + (across.extent - 1) * step
  const tapsAcross = Array.from({ length: across.extent }, (_, tap) => tap * step)
  const place = { rows: row.extent, columns: column.extent, pitch }
  const fall = down && isOnlyIn(down, vertical) ? (strideAlong(vertical, down) ?? 0) : 0
  if (!down || fall < 1 || down.extent * across.extent > mostTaps) return { ...place, reach: 0, taps: tapsAcross }
  const taps = Array.from({ length: down.extent }, (_, tap) =>
    tapsAcross.map((tapAcross) => tap * fall * pitch + tapAcross),
  )
  return { ...place, reach: (down.extent - 1) * fall, taps: taps.flat() }
}

/**
 * Rows in a block of the least time, if it is less than that of copying taps one by one. `images` is how many copies a sum is over, and
 * `isInPlace` whether results could otherwise be written where they belong.
 */
function chooseRows(
  { rows, columns, pitch, reach, taps }: Slide,
  { m, images, isInPlace }: { readonly m: number; readonly images: number; readonly isInPlace: boolean },
  target: Target,
): number | undefined {
  const { nr, rate } = target.tiles.float32![0]
  const perColumn = (2 * m * taps.length) / rate
  const later = isInPlace ? (m * storingCost) / images : 0
  const filled = (count: number): number => Math.ceil(((count - 1) * pitch + columns) / nr) * nr
  const costOf = (count: number): number => {
    const [whole, rest] = [Math.floor(rows / count), rows % count]
    const block = (size: number): number => perColumn * filled(size) + (size + reach) * pitch * copyCost
    return whole * block(count) + (rest > 0 ? block(rest) : 0) + rows * columns * later
  }
  let best: number | undefined
  let bestCost = rows * columns * (perColumn + taps.length * tapCost)
  for (let count = 1; count <= Math.min(rows, Math.max(1, Math.floor(mostColumns / pitch))); count++) {
    const cost = costOf(count)
    if (cost < bestCost) [best, bestCost] = [count, cost]
  }
  return best
}
