// Builders of movement: they accept what PyTorch accepts (negative axes, open ends) and give strict, simplified nodes.
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { broadcastShapes, formatShape, normalizeAxis, type Shape, sameShape, sizeOf } from '../../base/shape.ts'
import { inferMovement } from '../infer/movement.ts'
import { type Attrs, makeNode, type Node, type OpName, type Scalar } from '../node.ts'
import type { ValueType } from '../op-row.ts'
import { promoteOperands } from './promote.ts'

type MovementOp = keyof typeof inferMovement

function build<K extends MovementOp>(op: K, inputs: readonly Node[], attrs: Attrs[K]): Node {
  const infer = inferMovement[op] as (inputs: readonly Node[], attrs: unknown) => ValueType
  const { shape, dtype } = infer(inputs, attrs)
  return makeNode<OpName>(op, inputs, attrs, shape, dtype)
}

/** One size may be -1: the one that fits. */
export function reshape(x: Node, shape: Shape): Node {
  const open = shape.indexOf(-1)
  const known = open < 0 ? shape : fillOpenSize(x.shape, shape, open)
  if (sameShape(x.shape, known)) return x
  return build('reshape', [x], { shape: known })
}

function fillOpenSize(from: Shape, shape: Shape, open: number): Shape {
  const rest = sizeOf(shape.filter((_, axis) => axis !== open))
  const size = sizeOf(from) / rest
  if (shape.includes(-1, open + 1) || !Number.isInteger(size))
    throw new ShapeError(
      `reshape: expected one -1 and other sizes that divide ${sizeOf(from)} (${formatShape(from)}), got ${formatShape(shape)}.`,
      { op: 'reshape', from, to: shape },
    )
  return shape.map((extent, axis) => (axis === open ? size : extent))
}

/** Axes from `start` to `end` become one. */
export function flatten(x: Node, start = 0, end = -1): Node {
  const rank = x.shape.length
  if (rank === 0) return reshape(x, [1])
  const [first, last] = [normalizeAxis('flatten', start, rank), normalizeAxis('flatten', end, rank)]
  if (first > last)
    throw new ShapeError(`flatten: expected start to come before end, got ${start} and ${end}.`, { op: 'flatten' })
  const merged = sizeOf(x.shape.slice(first, last + 1))
  return reshape(x, [...x.shape.slice(0, first), merged, ...x.shape.slice(last + 1)])
}

export function permute(x: Node, axes: readonly number[]): Node {
  const normal = axes.map((axis) => normalizeAxis('permute', axis, x.shape.length))
  if (normal.length === x.shape.length && normal.every((axis, i) => axis === i)) return x
  return build('permute', [x], { axes: normal })
}

/** Swaps two axes. */
export function transpose(x: Node, a: number, b: number): Node {
  const rank = x.shape.length
  const [first, second] = [normalizeAxis('transpose', a, rank), normalizeAxis('transpose', b, rank)]
  if (rank === 0) return x
  const axes = x.shape.map((_, axis) => axis)
  axes[first] = second
  axes[second] = first
  return permute(x, axes)
}

/** Moves one axis to another place; the others keep their order. */
export function moveAxis(x: Node, from: number, to: number): Node {
  const rank = x.shape.length
  const axes = x.shape.map((_, axis) => axis)
  const [moved] = axes.splice(normalizeAxis('movedim', from, rank), 1)
  axes.splice(normalizeAxis('movedim', to, rank), 0, moved)
  return permute(x, axes)
}

/** PyTorch's expand: new axes in front, -1 keeps a size. */
export function expand(x: Node, shape: Shape): Node {
  const added = shape.length - x.shape.length
  if (added < 0)
    throw new ShapeError(
      `expand: expected at least ${x.shape.length} sizes for ${formatShape(x.shape)}, got ${formatShape(shape)}.`,
      { op: 'expand', from: x.shape, to: shape },
    )
  const known = shape.map((extent, axis) => (extent === -1 && axis >= added ? x.shape[axis - added] : extent))
  return expandAligned(added > 0 ? reshape(x, [...new Array<number>(added).fill(1), ...x.shape]) : x, known)
}

const expandAligned = (x: Node, shape: Shape): Node => (sameShape(x.shape, shape) ? x : build('expand', [x], { shape }))

/** `expand` with the sizes already known: what operands of elementwise ops go through. */
export function broadcastTo(x: Node, shape: Shape): Node {
  if (sameShape(x.shape, shape)) return x
  const added = shape.length - x.shape.length
  if (added <= 0) return expandAligned(x, shape)
  const aligned = new Array<number>(shape.length).fill(1)
  for (let axis = added; axis < shape.length; axis++) aligned[axis] = x.shape[axis - added]
  return expandAligned(reshape(x, aligned), shape)
}

export function broadcastAll(op: string, inputs: readonly Node[]): Node[] {
  const shape = broadcastShapes(op, ...inputs.map((input) => input.shape))
  return inputs.map((input) => broadcastTo(input, shape))
}

/** Drops axes of size 1: all of them, or those given (others among them stay, as in PyTorch). */
export function squeeze(x: Node, axes?: number | readonly number[]): Node {
  const rank = x.shape.length
  const list = axes === undefined ? x.shape.map((_, axis) => axis) : typeof axes === 'number' ? [axes] : axes
  const dropped = new Set(list.map((axis) => normalizeAxis('squeeze', axis, rank)))
  return reshape(
    x,
    x.shape.filter((extent, axis) => extent !== 1 || !dropped.has(axis)),
  )
}

export function unsqueeze(x: Node, axis: number): Node {
  const shape = x.shape.slice()
  shape.splice(normalizeAxis('unsqueeze', axis, x.shape.length + 1), 0, 1)
  return reshape(x, shape)
}

/** Adds elements of one value around; one pair [before, after] per axis. Negative amounts cut off. */
export function pad(x: Node, amounts: readonly (readonly [number, number])[], value?: Scalar): Node {
  const fill = value ?? (x.dtype === 'bool' ? false : 0)
  if (amounts.length !== x.shape.length)
    throw new ShapeError(
      `pad: expected one pair of amounts per axis of ${formatShape(x.shape)}, got ${amounts.length} pairs.`,
      { op: 'pad', shape: x.shape, amounts },
    )
  const cut = amounts.some(([before, after]) => before < 0 || after < 0) ? cutOff(x, amounts) : x
  if (amounts.every(([before, after]) => before <= 0 && after <= 0)) return cut
  const before = amounts.map(([amount]) => Math.max(amount, 0))
  const after = amounts.map(([, amount]) => Math.max(amount, 0))
  return build('pad', [cut], { before, after, value: fill })
}

const cutOff = (x: Node, amounts: readonly (readonly [number, number])[]): Node =>
  slice(
    x,
    amounts.map(([before]) => Math.max(-before, 0)),
    amounts.map(([before, after], axis) => x.shape[axis] + Math.min(before, 0) + Math.min(after, 0)),
  )

/** Strict: starts, sizes of the output, steps (1 when left out). */
export function slice(x: Node, starts: readonly number[], sizes: Shape, steps?: readonly number[]): Node {
  const known = steps ?? new Array<number>(x.shape.length).fill(1)
  const whole = sameShape(sizes, x.shape) && starts.every((start) => start === 0) && known.every((step) => step === 1)
  return whole ? x : build('slice', [x], { starts, sizes, steps: known })
}

/** Python's x[start:stop:step] on one axis: ends are clipped, negative ones count from the end, steps may be negative. */
export function sliceAxis(x: Node, axis: number, start?: number, stop?: number, step = 1): Node {
  const at = normalizeAxis('slice', axis, x.shape.length)
  const extent = x.shape[at]
  if (!Number.isInteger(step) || step === 0)
    throw new ArgumentError(`slice: expected a step that is a whole number other than 0, got ${step}.`, { step })
  const clip = (position: number, low: number, high: number): number =>
    Math.min(Math.max(position < 0 ? position + extent : position, low), high)
  const [low, high] = step > 0 ? [0, extent] : [-1, extent - 1]
  const first = start === undefined ? (step > 0 ? low : high) : clip(start, low, high)
  const end = stop === undefined ? (step > 0 ? high : low) : clip(stop, low, high)
  const size = Math.max(0, Math.ceil((end - first) / step))
  const starts = x.shape.map((_, i) => (i === at && size > 0 ? first : 0))
  const sizes = x.shape.map((n, i) => (i === at ? size : n))
  return slice(
    x,
    starts,
    sizes,
    x.shape.map((_, i) => (i === at ? step : 1)),
  )
}

/** `length` elements of one axis from `start`. */
export const narrow = (x: Node, axis: number, start: number, length: number): Node => {
  const at = normalizeAxis('narrow', axis, x.shape.length)
  const first = start < 0 ? start + x.shape[at] : start
  const pick = <T>(chosen: T, others: readonly T[]): T[] => others.map((other, i) => (i === at ? chosen : other))
  return slice(x, pick(first, new Array<number>(x.shape.length).fill(0)), pick(length, x.shape))
}

/** One element of an axis; the axis goes away. */
export function select(x: Node, axis: number, position: number): Node {
  const at = normalizeAxis('select', axis, x.shape.length)
  const extent = x.shape[at] ?? 0
  if (!Number.isInteger(position) || position < -extent || position >= extent)
    throw new ShapeError(
      `select: expected a position from ${-extent} to ${extent - 1} on axis ${axis} of ${formatShape(x.shape)}, got ${position}.`,
      { op: 'select', axis, position, shape: x.shape },
    )
  return reshape(
    narrow(x, at, position, 1),
    x.shape.filter((_, i) => i !== at),
  )
}

export function flip(x: Node, axes: readonly number[]): Node {
  const flipped = new Set(axes.map((axis) => normalizeAxis('flip', axis, x.shape.length)))
  if (x.shape.length === 0 || sizeOf(x.shape) === 0) return x
  const starts = x.shape.map((extent, axis) => (flipped.has(axis) ? extent - 1 : 0))
  return slice(
    x,
    starts,
    x.shape,
    x.shape.map((_, axis) => (flipped.has(axis) ? -1 : 1)),
  )
}

/** The inverse of `slice`: `x` placed at start, start + step, … of a tensor of zeros of `shape`. */
export function unslice(x: Node, shape: Shape, starts: readonly number[], steps: readonly number[]): Node {
  if (sizeOf(x.shape) === 0)
    return pad(
      x,
      shape.map((extent, axis) => [0, extent - x.shape[axis]] as const),
    )
  const backwards = steps.flatMap((step, axis) => (step < 0 ? [axis] : []))
  const forward = backwards.length > 0 ? flip(x, backwards) : x
  const firsts = starts.map((start, axis) => (steps[axis] < 0 ? start + (x.shape[axis] - 1) * steps[axis] : start))
  const spaced = spaceOut(forward, steps.map(Math.abs))
  return pad(
    spaced,
    shape.map((extent, axis) => [firsts[axis], extent - firsts[axis] - spaced.shape[axis]] as const),
  )
}

/** step - 1 zeros between neighbours of each axis: every element gets an axis of its own, padded, then cut to length. */
function spaceOut(x: Node, steps: readonly number[]): Node {
  if (steps.every((step, axis) => step === 1 || x.shape[axis] === 1)) return x
  const split = x.shape.flatMap((extent) => [extent, 1])
  const gaps = steps.flatMap((step) => [[0, 0] as const, [0, step - 1] as const])
  const merged = reshape(
    pad(reshape(x, split), gaps),
    x.shape.map((extent, axis) => extent * steps[axis]),
  )
  return slice(
    merged,
    x.shape.map(() => 0),
    x.shape.map((extent, axis) => (extent - 1) * steps[axis] + 1),
  )
}

/** A last axis of `size` taps, each the axis moved on by `dilation`. */
export function window(x: Node, axis: number, size: number, stride = 1, dilation = 1): Node {
  return build('window', [x], { axis: normalizeAxis('window', axis, x.shape.length), size, stride, dilation })
}

/** Joins along an axis that exists; dtypes are promoted. */
export function concat(inputs: readonly Node[], axis = 0): Node {
  if (inputs.length === 1) return inputs[0]
  if (inputs.length === 0) throw new ShapeError('cat: expected at least one tensor, got none.', { op: 'cat' })
  const promoted = promoteOperands(inputs)
  return build('concat', promoted, { axis: normalizeAxis('cat', axis, inputs[0].shape.length) })
}

/** Joins along a new axis. */
export function stack(inputs: readonly Node[], axis = 0): Node {
  if (inputs.length === 0) throw new ShapeError('stack: expected at least one tensor, got none.', { op: 'stack' })
  const [first] = inputs
  for (const input of inputs)
    if (!sameShape(first.shape, input.shape))
      throw new ShapeError(
        `stack: expected tensors of one shape, got ${formatShape(first.shape)} and ${formatShape(input.shape)}.`,
        { op: 'stack', shapes: inputs.map(({ shape }) => shape) },
      )
  const at = normalizeAxis('stack', axis, first.shape.length + 1)
  return concat(
    inputs.map((input) => unsqueeze(input, at)),
    at,
  )
}
