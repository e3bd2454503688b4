// How a running function over outer axes, the axis that it follows, and inner ones is cut: lines along the axis, one beside the other, into parts where there are few lines;
// or strips of neighbouring inner elements, a vector each. Sizes depend on shapes and target only.
import { bytesOf } from '../../../base/dtype.ts'
import { sizeOf } from '../../../base/shape.ts'
import type { RunningAttrs } from '../../../graph/composites/running.ts'
import type { Node } from '../../../graph/node.ts'
import type { Target } from '../../target.ts'
import { computeDType } from '../evaluate.ts'
import { type Affine, type Axis, add, axisIndex, linearIndex, makeAxis, scale } from '../index-algebra.ts'
import { registerLanes } from '../loops.ts'

export interface RunningSpace {
  /** the axes before, the axis, the axes behind it */
  readonly outer: number
  readonly extent: number
  readonly inner: number
  /** parts of equal length that the axis is cut into; a last one has what is left, `rest` elements */
  readonly parts: number
  readonly length: number
  readonly rest: number
  /** neighbouring inner elements that run together, or 1: then lines do */
  readonly strip: number
  /** of a register */
  readonly lanes: number
  readonly axes: { readonly outer: Axis; readonly inner: Axis }
}

const widestStrip = 256
/** Fewer tasks than this, and the axis is cut. */
const fewestStrips = 4
const fewestLines = 32
const wantedLines = 128
/** Parts are no shorter. */
const shortestPart = 256

function partsOf(outer: number, extent: number, inner: number, strip: number): number {
  const tasks = strip > 1 ? outer * Math.ceil(inner / strip) : outer
  if (tasks >= (strip > 1 ? fewestStrips : fewestLines)) return 1
  const wanted = strip > 1 ? fewestStrips * 2 : wantedLines
  // a power of two, of sixteen at least: lines that stand side by side are then of one row
  const parts = 2 ** Math.max(4, Math.ceil(Math.log2(wanted / outer)))
  const most = 2 ** Math.floor(Math.log2(extent / shortestPart))
  return Math.max(1, Math.min(parts, most))
}

export function runningSpace({ shape, attrs, inputs: [x] }: Node<'composite'>, target: Target): RunningSpace {
  const { axis } = attrs.attrs as unknown as RunningAttrs
  const [outer, extent, inner] = [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))]
  const lanes = registerLanes(target, bytesOf(computeDType(x.dtype)))
  const strip = inner < lanes ? 1 : Math.min(inner, widestStrip)
  const parts = partsOf(outer, extent, inner, strip)
  const length = Math.floor(extent / parts)
  const axes = { outer: makeAxis('outer', outer), inner: makeAxis('inner', inner) }
  return { outer, extent, inner, parts, length, rest: extent - parts * length, strip, lanes, axes }
}

/** A part of the axis, and the steps along it. */
export interface Part {
  readonly index: Affine
  readonly step: Axis
}

/** How many elements of its line are before the one at hand. */
export const positionIn = ({ length }: RunningSpace, { index, step }: Part): Affine =>
  add(scale(index, length), axisIndex(step))

/** Where the state before a part is kept. */
export const slotOf = ({ outer, parts, inner, axes }: RunningSpace, part: Affine): Affine =>
  linearIndex([axisIndex(axes.outer), part, axisIndex(axes.inner)], [outer, parts + 1, inner])

export const slotsOf = ({ outer, parts, inner }: RunningSpace): number => outer * (parts + 1) * inner
