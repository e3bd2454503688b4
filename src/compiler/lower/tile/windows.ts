// Columns that are windows sliding over an image. Instead of every tap of every window (im2col), the rows that a block of windows reads are copied
// once, and the microkernel finds each tap at its place in the copy: neighbours in a row are neighbours for every tap. Between the windows of
// one row and those of the next lie a few places that belong to neither; they are multiplied all the same, and nobody stores them. Windows that
// move in steps read one of every few elements: the copy is taken apart into phases, in each of which they move one by one.
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

/** Every `step`-th element along an axis from `start` on, and how many of them taps reach beyond their window. */
interface AxisPhase {
  readonly start: number
  readonly step: number
  readonly reach: number
}

export interface Phase {
  readonly down: AxisPhase
  readonly across: AxisPhase
}

interface Tap {
  readonly phase: number
  readonly place: number
}

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
  readonly phases: readonly Phase[]
  /** which phase each tap reads, and where in it, of the last axes of k; the others have copies of their own */
  readonly taps: readonly Tap[]
  /** rows of windows in a block */
  readonly blockRows: number
}

/** More taps are read from several copies: each is written out in the microkernel. */
const mostTaps = 49
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

type Slide = Pick<Windows, 'rows' | 'columns' | 'pitch' | 'reach' | 'phases' | 'taps'>

/** How windows slide, if the last axes of columns move along the last two axes of their source. */
function slideOf(
  indices: readonly Affine[],
  columnAxes: readonly Axis[],
  depthAxes: readonly Axis[],
): Slide | undefined {
  const [row, column] = columnAxes.slice(-2)
  const [above, across] = [depthAxes.at(-2), depthAxes.at(-1)!]
  const [vertical, horizontal] = indices.slice(-2)
  const stepIn = (index: Affine, axis: Axis): number =>
    indices.every((one) => one === index || !usesAxis(one, axis)) ? (strideAlong(index, axis) ?? 0) : 0
  const [rowStep, columnStep, tapStep] = [stepIn(vertical, row), stepIn(horizontal, column), stepIn(horizontal, across)]
  const expected = add(scale(axisIndex(column), columnStep), scale(axisIndex(across), tapStep))
  if (rowStep < 1 || columnStep < 1 || tapStep < 1 || !sameIndex(horizontal, expected)) return undefined
  const fall = above ? stepIn(vertical, above) : 0
  const lies = fall > 0 && above!.extent * across.extent <= mostTaps
  const down = lies ? tapsAlong(above!.extent, fall, rowStep) : tapsAlong(1, 0, rowStep)
  const along = tapsAlong(across.extent, tapStep, columnStep)
  if (across.extent > mostTaps) return undefined
  const pitch = column.extent + along.reach
  return {
    rows: row.extent,
    columns: column.extent,
    pitch,
    reach: down.reach,
    phases: down.phases.flatMap((one) => along.phases.map((other) => ({ down: one, across: other }))),
    taps: down.taps.flatMap((one) =>
      along.taps.map((other) => ({
        phase: one.phase * along.phases.length + other.phase,
        place: one.place * pitch + other.place,
      })),
    ),
  }
}

/** Taps `apart` elements apart of windows that move by `step`: the phases they fall into, and their places there. */
function tapsAlong(count: number, apart: number, step: number) {
  const positions = Array.from({ length: count }, (_, tap) => tap * apart)
  const starts = [...new Set(positions.map((position) => position % step))]
  const taps = positions.map(
    (position): Tap => ({ phase: starts.indexOf(position % step), place: Math.floor(position / step) }),
  )
  const phases = starts.map((start, phase): AxisPhase => {
    const reach = Math.max(...taps.filter((tap) => tap.phase === phase).map(({ place }) => place))
    return { start, step, reach }
  })
  return { taps, phases, reach: Math.max(...taps.map(({ place }) => place)) }
}

/**
 * Rows in a block of the least time, if it is less than that of copying taps one by one. `images` is how many copies a sum is over, and
 * `isInPlace` whether results could otherwise be written where they belong.
 */
function chooseRows(
  { rows, columns, pitch, reach, phases, taps }: Slide,
  { m, images, isInPlace }: { readonly m: number; readonly images: number; readonly isInPlace: boolean },
  target: Target,
): number | undefined {
  const { nr, rate } = target.tiles.float32![0]
  const perColumn = (2 * m * taps.length) / rate
  const later = isInPlace ? (m * storingCost) / images : 0
  // elements that are not neighbours take twice as long
  const spread = phases[0].across.step > 1 ? 2 : 1
  const filled = (count: number): number => Math.ceil(((count - 1) * pitch + columns) / nr) * nr
  const costOf = (count: number): number => {
    const [whole, rest] = [Math.floor(rows / count), rows % count]
    const copied = (size: number): number => phases.length * (size + reach) * pitch * copyCost * spread
    const block = (size: number): number => perColumn * filled(size) + copied(size)
    return whole * block(count) + (rest > 0 ? block(rest) : 0) + rows * columns * later
  }
  let best: number | undefined
  let bestCost = rows * columns * (perColumn + taps.length * tapCost * spread)
  for (let count = 1; count <= Math.min(rows, Math.max(1, Math.floor(mostColumns / pitch))); count++) {
    const cost = costOf(count)
    if (cost < bestCost) [best, bestCost] = [count, cost]
  }
  return best
}
