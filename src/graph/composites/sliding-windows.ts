// Padded sliding windows over consecutive axes and their transpose: what convolution and pooling read their input through.
import { sizeOf } from '../../base/shape.ts'
import { full, pad, permute, reshape, slice, window } from '../builders.ts'
import type { Node, Scalar } from '../node.ts'
import { windowGrad } from './window-grad.ts'

/** Elements added before and after an axis; negative ones are cut off. */
export type Amounts = readonly [before: number, after: number]

export interface SlidingWindows {
  /** the first of the axes that windows slide over */
  readonly first: number
  readonly kernel: readonly number[]
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
  readonly padding: readonly Amounts[]
}

/** Pads or cuts the axes from `first` on; where all of an axis is cut away, `value` is what is left. */
export function padFrom(x: Node, first: number, amounts: readonly Amounts[], value: Scalar): Node {
  const all = x.shape.map((_, axis): Amounts => amounts[axis - first] ?? [0, 0])
  const nothingLeft = all.some(([before, after], axis) => x.shape[axis] + Math.min(before, 0) + Math.min(after, 0) <= 0)
  const shape = x.shape.map((extent, axis) => extent + all[axis][0] + all[axis][1])
  if (nothingLeft || sizeOf(x.shape) === 0) return full(shape, value, x.dtype)
  return pad(x, all, value)
}

/** x [..., extents..., others...] as [..., positions..., others..., taps...]. */
export function slidingWindows(
  x: Node,
  { first, kernel, stride, dilation, padding }: SlidingWindows,
  value: Scalar,
): Node {
  let windows = padFrom(x, first, padding, value)
  kernel.forEach((size, i) => {
    windows = window(windows, first + i, size, stride[i], dilation[i])
  })
  return windows
}

/** Transpose of `slidingWindows`: each element of the `extents` gets the sum of all taps that read it. */
export function slidingWindowsGrad(grad: Node, spec: SlidingWindows, extents: readonly number[]): Node {
  let folded = grad
  for (let i = spec.kernel.length - 1; i >= 0; i--) {
    const [before, after] = spec.padding[i]
    folded = foldAxis(folded, spec, i, before + extents[i] + after)
  }
  const back = spec.padding.map(([before, after]): Amounts => [-before, -after])
  return padFrom(folded, spec.first, back, 0)
}

function foldAxis(grad: Node, { first, kernel, stride, dilation }: SlidingWindows, i: number, extent: number): Node {
  const [axis, size] = [first + i, kernel[i]]
  if (stride[i] === size && (dilation[i] === 1 || size === 1)) return joinTaps(grad, axis, extent)
  return windowGrad([grad], { axis, size, stride: stride[i], dilation: dilation[i], extent })
}

/** Windows that touch without overlapping lie side by side: their taps are the axis itself. */
function joinTaps(grad: Node, axis: number, extent: number): Node {
  const last = grad.shape.length - 1
  const order = grad.shape.map((_, i) => i).slice(0, last)
  order.splice(axis + 1, 0, last)
  const joined = grad.shape.slice(0, last)
  joined[axis] *= grad.shape[last]
  const side = reshape(permute(grad, order), joined)
  return padFrom(side, axis, [[0, extent - joined[axis]]], 0)
}

/** Every `step`-th tap of the axes from `first` on, starting at `starts`, in reverse order. */
export function reversedTaps(
  kernel: Node,
  first: number,
  taps: readonly { readonly start: number; readonly step: number; readonly count: number }[],
): Node {
  const pick = (axis: number) => taps[axis - first]
  return slice(
    kernel,
    kernel.shape.map((_, axis) => (axis < first ? 0 : pick(axis).start + (pick(axis).count - 1) * pick(axis).step)),
    kernel.shape.map((extent, axis) => (axis < first ? extent : pick(axis).count)),
    kernel.shape.map((_, axis) => (axis < first ? 1 : -pick(axis).step)),
  )
}
