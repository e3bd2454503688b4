// Max and average pooling over the last one, two or three axes: reductions over sliding windows. x is [..., extents...].
// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html
import { reduceIdentity } from '../../base/arithmetic.ts'
import { isFloat } from '../../base/dtype.ts'
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape, sizeOf } from '../../base/shape.ts'
import {
  add,
  broadcastTo,
  cast,
  div,
  equal,
  floorDivide,
  isNaN as holdsNaN,
  iota,
  less,
  logicalOr,
  max,
  min,
  mod,
  mul,
  neg,
  reduce,
  reshape,
  sub,
  where,
} from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import type { ValueType } from '../op-row.ts'
import { abs } from './basics.ts'
import { type CompositeNode, defineComposite } from './composite-table.ts'
import { type PerAxis, perAxis, spatialAxes } from './per-axis.ts'
import { type Amounts, type SlidingWindows, slidingWindows, slidingWindowsGrad } from './sliding-windows.ts'

export interface PoolOptions {
  /** the kernel's size when not given */
  readonly stride?: PerAxis | null
  readonly padding?: PerAxis
  /** keeps a last window that starts inside but reaches past the end */
  readonly ceilMode?: boolean
}

export interface MaxPoolOptions extends PoolOptions {
  readonly dilation?: PerAxis
}

export interface AvgPoolOptions extends PoolOptions {
  /** whether padding counts as elements; true when not given */
  readonly countIncludePad?: boolean
  readonly divisorOverride?: number | null
}

interface PoolAttrs {
  readonly kernel: readonly number[]
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
  readonly padding: readonly Amounts[]
}

/** Axes before those that windows slide over; there are as many of these as the kernel has. */
const lead = (x: Node, { kernel }: PoolAttrs): number => x.shape.length - kernel.length
const windowsSpec = (x: Node, attrs: PoolAttrs): SlidingWindows => ({ ...attrs, first: lead(x, attrs) })
const tapAxes = (windows: Node, { kernel }: PoolAttrs): number[] =>
  kernel.map((_, i) => windows.shape.length - kernel.length + i)
const opName = (kind: 'max' | 'avg', { kernel }: PoolAttrs): string => `${kind}Pool${kernel.length}d`

function positionsOf(x: Node, attrs: PoolAttrs): number[] {
  const { kernel, stride, dilation, padding } = attrs
  return kernel.map((size, i) => {
    const padded = x.shape[lead(x, attrs) + i] + padding[i][0] + padding[i][1]
    return Math.floor((padded - dilation[i] * (size - 1) - 1) / stride[i]) + 1
  })
}

function inferPool(op: string, x: Node, attrs: PoolAttrs): ValueType {
  expectCategory(op, x.dtype, ['int', 'float'])
  const positions = positionsOf(x, attrs)
  if (positions.some((count) => count < 1))
    throw new ShapeError(
      `${op}: expected ${spatialAxes(attrs.kernel.length).join(' and ')} to hold a window of ${formatShape(attrs.kernel)} (dilation ${formatShape(attrs.dilation)}), ` +
        `got ${formatShape(x.shape)}. Pad it, or use a smaller kernel.`,
      { op, shape: x.shape, kernel: attrs.kernel },
    )
  return { shape: [...x.shape.slice(0, lead(x, attrs)), ...positions], dtype: x.dtype }
}

/** PyTorch's null and empty list stand for an option left out. */
const given = (value: PerAxis | null | undefined): PerAxis | undefined =>
  typeof value === 'object' && value?.length === 0 ? undefined : (value ?? undefined)

/** Checked attributes; with `ceilMode` the padding at the end grows, or shrinks, to what the last window needs. */
function poolAttrs(op: string, rank: number, x: Node, kernelSize: PerAxis, options: MaxPoolOptions): PoolAttrs {
  const layout = `channels, ${spatialAxes(rank).join(', ')}`
  if (x.shape.length < rank + 1 || x.shape.length > rank + 2 || x.shape.slice(-rank - 1).includes(0))
    throw new ShapeError(
      `${op}: expected [batch, ${layout}] or [${layout}], without axes of size 0 but the batch, got ${formatShape(x.shape)}.`,
      { op, shape: x.shape },
    )
  const kernel = perAxis(op, 'kernelSize', kernelSize, rank, 1)
  const stride = perAxis(op, 'stride', given(options.stride) ?? kernel, rank, 1)
  const dilation = perAxis(op, 'dilation', options.dilation ?? 1, rank, 1)
  const before = perAxis(op, 'padding', options.padding ?? 0, rank, 0)
  if (before.some((amount, i) => amount * 2 > dilation[i] * (kernel[i] - 1) + 1))
    throw new ArgumentError(
      `${op}: expected padding of at most half the kernel ${formatShape(kernel)}, got ${formatShape(before)}.`,
      { op, kernel, padding: before },
    )
  const padding = before.map((amount, i): Amounts => {
    const reach = dilation[i] * (kernel[i] - 1) + 1
    const extent = x.shape[x.shape.length - rank + i]
    const steps = (extent + 2 * amount - reach) / stride[i]
    if (!options.ceilMode || steps < 0) return [amount, amount]
    // the last window must start inside the input or the padding before it
    const last = Math.ceil(steps) * stride[i] >= extent + amount ? Math.ceil(steps) - 1 : Math.ceil(steps)
    return [amount, last * stride[i] + reach - extent - amount]
  })
  return { kernel, stride, dilation, padding }
}

// --- max ------------------------------------------------------------------------------------------------------------------

const maxWindows = (x: Node, attrs: PoolAttrs): Node => {
  const lowest = reduceIdentity('max', x.dtype)
  return slidingWindows(x, windowsSpec(x, attrs), lowest)
}

/** Number of each tap within its window, over the shape of all windows. */
function tapNumbers(windows: Node, { kernel }: PoolAttrs): Node {
  const aligned = windows.shape.map((_, axis) => kernel[axis - windows.shape.length + kernel.length] ?? 1)
  return broadcastTo(reshape(iota(sizeOf(kernel), 'int32'), aligned), windows.shape)
}

/** The first tap that holds its window's maximum, or NaN; the tap axes are kept with size 1. */
function winners(windows: Node, attrs: PoolAttrs): Node {
  const taps = tapAxes(windows, attrs)
  const isMaximum = equal(windows, reduce('max', windows, taps))
  const found = isFloat(windows.dtype) ? logicalOr(isMaximum, holdsNaN(windows)) : isMaximum
  return reduce('min', where(found, tapNumbers(windows, attrs), sizeOf(attrs.kernel)), taps)
}

const dropTaps = (kept: Node, { kernel }: PoolAttrs): Node => reshape(kept, kept.shape.slice(0, -kernel.length))
const withTaps = (x: Node, { kernel }: PoolAttrs): Node => reshape(x, [...x.shape, ...kernel.map(() => 1)])
const extentsOf = (x: Node, { kernel }: PoolAttrs): readonly number[] => x.shape.slice(-kernel.length)

function maxPoolGradient({ inputs: [x], attrs: { attrs } }: CompositeNode<PoolAttrs>, grad: Node): Node {
  const windows = maxWindows(x, attrs)
  const chosen = equal(tapNumbers(windows, attrs), winners(windows, attrs))
  const spread = where(chosen, withTaps(grad, attrs), 0)
  return slidingWindowsGrad(spread, windowsSpec(x, attrs), extentsOf(x, attrs))
}

const maxPoolNode = defineComposite<PoolAttrs>('maxPool', {
  infer: ([x], attrs) => inferPool(opName('max', attrs), x, attrs),
  body([x], attrs) {
    const windows = maxWindows(x, attrs)
    return dropTaps(reduce('max', windows, tapAxes(windows, attrs)), attrs)
  },
  vjp: (node, grad) => [maxPoolGradient(node, grad)],
})

/** The largest element of each window over the last `rank` axes; its gradient goes to the first of equal ones. */
export const maxPool = (rank: number, x: Node, kernelSize: PerAxis, options: MaxPoolOptions = {}): Node =>
  maxPoolNode([x], poolAttrs(`maxPool${rank}d`, rank, x, kernelSize, options))

/** Where each maximum stands among the elements of the last `rank` axes, row by row (int64). */
export function maxPoolIndices(rank: number, x: Node, kernelSize: PerAxis, options: MaxPoolOptions = {}): Node {
  const op = `maxPool${rank}d`
  const attrs = poolAttrs(op, rank, x, kernelSize, options)
  const { kernel, stride, dilation, padding } = attrs
  const { shape } = inferPool(op, x, attrs)
  const tap = dropTaps(winners(maxWindows(x, attrs), attrs), attrs)
  const position = kernel.reduce<Node | undefined>((flat, size, i) => {
    const number = mod(floorDivide(tap, sizeOf(kernel.slice(i + 1))), size)
    const axis = lead(x, attrs) + i
    const start = sub(mul(iota(shape[axis], 'int32'), stride[i]), padding[i][0])
    const along = add(alignedAlong(start, axis, shape), mul(number, dilation[i]))
    return flat === undefined ? along : add(mul(flat, x.shape[axis]), along)
  }, undefined)
  return cast(position!, 'int64')
}

const alignedAlong = (line: Node, axis: number, shape: Shape): Node =>
  reshape(
    line,
    shape.map((extent, i) => (i === axis ? extent : 1)),
  )

// --- average --------------------------------------------------------------------------------------------------------------

interface AvgPoolAttrs extends PoolAttrs {
  /** elements beyond each edge that count: the padding, or none */
  readonly counted: readonly number[]
  readonly divisorOverride?: number
}

const allWindowsCountWhole = ({ padding, counted }: AvgPoolAttrs): boolean =>
  padding.every(([before, after], i) => before <= counted[i] && after <= counted[i])

/** Elements of each window along axis i that lie in the input or in the padding that counts. */
function countsAlong(x: Node, attrs: AvgPoolAttrs, i: number): Node {
  const { stride, kernel, padding, counted } = attrs
  const axis = lead(x, attrs) + i
  const shape = [...x.shape.slice(0, lead(x, attrs)), ...positionsOf(x, attrs)]
  const start = sub(mul(iota(shape[axis], 'int32'), stride[i]), padding[i][0])
  const count = sub(min(add(start, kernel[i]), x.shape[axis] + counted[i]), max(start, -counted[i]))
  return alignedAlong(cast(count, x.dtype), axis, shape)
}

/** What each window's sum is divided by. */
function divisorOf(x: Node, attrs: AvgPoolAttrs): Node | number {
  if (attrs.divisorOverride !== undefined) return attrs.divisorOverride
  if (allWindowsCountWhole(attrs)) return sizeOf(attrs.kernel)
  return attrs.kernel.map((_, i) => countsAlong(x, attrs, i)).reduce((a, b) => mul(a, b))
}

const avgPoolNode = defineComposite<AvgPoolAttrs>('avgPool', {
  infer: ([x], attrs) => inferPool(opName('avg', attrs), x, attrs),
  body([x], attrs) {
    const windows = slidingWindows(x, windowsSpec(x, attrs), 0)
    return averaged(dropTaps(reduce('sum', windows, tapAxes(windows, attrs)), attrs), divisorOf(x, attrs))
  },
  vjp({ inputs: [x], attrs: { attrs } }, grad) {
    const share = withTaps(div(grad, divisorOf(x, attrs)), attrs)
    const spread = broadcastTo(share, [...grad.shape, ...attrs.kernel])
    return [slidingWindowsGrad(spread, windowsSpec(x, attrs), extentsOf(x, attrs))]
  },
})

const averaged = (total: Node, divisor: Node | number): Node =>
  isFloat(total.dtype) ? div(total, divisor) : truncatedQuotient(total, divisor)

/** Integers keep their dtype and are rounded towards zero. A divisor that is a node is a count, so positive. */
function truncatedQuotient(total: Node, divisor: Node | number): Node {
  const isNegative = typeof divisor === 'number' && divisor < 0 ? less(0, total) : less(total, 0)
  const size = floorDivide(abs(total), typeof divisor === 'number' ? Math.abs(divisor) : divisor)
  return where(isNegative, neg(size), size)
}

/** The mean of each window over the last `rank` axes. */
export function avgPool(rank: number, x: Node, kernelSize: PerAxis, options: AvgPoolOptions = {}): Node {
  const op = `avgPool${rank}d`
  const { divisorOverride, countIncludePad = true } = options
  if (divisorOverride === 0) throw new ArgumentError(`${op}: expected a divisorOverride other than 0, got 0.`, { op })
  const attrs = poolAttrs(op, rank, x, kernelSize, options)
  const counted = attrs.padding.map(([before]) => (countIncludePad ? before : 0))
  const row = { ...attrs, counted }
  return avgPoolNode([x], typeof divisorOverride === 'number' ? { ...row, divisorOverride } : row)
}

/** Over planes, the most common. */
export const maxPool2d = (x: Node, kernelSize: PerAxis, options?: MaxPoolOptions): Node =>
  maxPool(2, x, kernelSize, options)
export const maxPool2dIndices = (x: Node, kernelSize: PerAxis, options?: MaxPoolOptions): Node =>
  maxPoolIndices(2, x, kernelSize, options)
export const avgPool2d = (x: Node, kernelSize: PerAxis, options?: AvgPoolOptions): Node =>
  avgPool(2, x, kernelSize, options)
