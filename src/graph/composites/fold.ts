// Sliding blocks of images as columns, and columns added up to images again: what convolution is a product with.
// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.unfold.html
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, sizeOf } from '../../base/shape.ts'
import { permute, reshape, squeeze, unsqueeze } from '../builders.ts'
import type { Node } from '../node.ts'
import { type PerAxis, perAxis } from './per-axis.ts'
import { type Amounts, type SlidingWindows, slidingWindows, slidingWindowsGrad } from './sliding-windows.ts'

export interface FoldOptions {
  readonly dilation?: PerAxis
  readonly padding?: PerAxis
  readonly stride?: PerAxis
}

const rank = 2

function windowsSpec(
  op: string,
  kernelSize: PerAxis,
  { dilation = 1, padding = 0, stride = 1 }: FoldOptions,
): SlidingWindows {
  return {
    first: 2,
    kernel: perAxis(op, 'kernelSize', kernelSize, rank, 1),
    dilation: perAxis(op, 'dilation', dilation, rank, 1),
    stride: perAxis(op, 'stride', stride, rank, 1),
    padding: perAxis(op, 'padding', padding, rank, 0).map((amount): Amounts => [amount, amount]),
  }
}

function positionsOf(
  op: string,
  extents: readonly number[],
  { kernel, dilation, stride, padding }: SlidingWindows,
): number[] {
  const positions = kernel.map((size, i) => {
    const padded = extents[i] + padding[i][0] + padding[i][1]
    return Math.floor((padded - dilation[i] * (size - 1) - 1) / stride[i]) + 1
  })
  if (positions.some((count) => count < 1))
    throw new ShapeError(
      `${op}: expected ${formatShape(extents)} to hold a block of ${formatShape(kernel)}, got none. Pad more, or use a smaller kernel.`,
      { op, extents, kernel },
    )
  return positions
}

/** x [batch, channels, height, width] to [batch, channels × kernel, blocks]. */
export function unfold(x: Node, kernelSize: PerAxis, options: FoldOptions = {}): Node {
  const op = 'unfold'
  if (x.shape.length !== 3 && x.shape.length !== 4)
    throw new ShapeError(
      `${op}: expected [batch, channels, height, width] or without a batch, got ${formatShape(x.shape)}.`,
      { op },
    )
  if (x.shape.length === 3) return squeeze(unfold(unsqueeze(x, 0), kernelSize, options), 0)
  const spec = windowsSpec(op, kernelSize, options)
  const positions = positionsOf(op, x.shape.slice(2), spec)
  const windows = permute(slidingWindows(x, spec, x.dtype === 'bool' ? false : 0), [0, 1, 4, 5, 2, 3])
  return reshape(windows, [x.shape[0], x.shape[1] * sizeOf(spec.kernel), sizeOf(positions)])
}

/** The transpose of `unfold`: elements that several blocks share are added up. */
export function fold(columns: Node, outputSize: PerAxis, kernelSize: PerAxis, options: FoldOptions = {}): Node {
  const op = 'fold'
  if (columns.shape.length !== 2 && columns.shape.length !== 3)
    throw new ShapeError(
      `${op}: expected [batch, channels × kernel, blocks] or without a batch, got ${formatShape(columns.shape)}.`,
      { op },
    )
  if (columns.shape.length === 2) return squeeze(fold(unsqueeze(columns, 0), outputSize, kernelSize, options), 0)
  const spec = windowsSpec(op, kernelSize, options)
  const extents = perAxis(op, 'outputSize', outputSize, rank, 1)
  const positions = positionsOf(op, extents, spec)
  const [batch, rows, blocks] = columns.shape
  const channels = rows / sizeOf(spec.kernel)
  if (!Number.isInteger(channels) || blocks !== sizeOf(positions))
    throw new ArgumentError(
      `${op}: expected rows that ${sizeOf(spec.kernel)} kernel elements divide and ${sizeOf(positions)} blocks ` +
        `(${formatShape(positions)} for output ${formatShape(extents)}), got ${formatShape(columns.shape)}.`,
      { op, shape: columns.shape },
    )
  const split = reshape(columns, [batch, channels, ...spec.kernel, ...positions])
  return slidingWindowsGrad(permute(split, [0, 1, 4, 5, 2, 3]), spec, extents)
}

/** [..., channels r², height, width] to [..., channels, height r, width r]. */
export function pixelShuffle(x: Node, upscale: number): Node {
  const [channels, height, width] = imageOf('pixelShuffle', x)
  if (!Number.isInteger(upscale) || upscale < 1 || channels % upscale ** 2 !== 0)
    throw new ArgumentError(
      `pixelShuffle: expected a factor whose square divides the ${channels} channels, got ${upscale}.`,
      { op: 'pixelShuffle', upscale },
    )
  const front = x.shape.slice(0, -3)
  const at = front.length
  const split = reshape(x, [...front, channels / upscale ** 2, upscale, upscale, height, width])
  const order = [...front.map((_, i) => i), at, at + 3, at + 1, at + 4, at + 2]
  return reshape(permute(split, order), [...front, channels / upscale ** 2, height * upscale, width * upscale])
}

/** The inverse of `pixelShuffle`. */
export function pixelUnshuffle(x: Node, downscale: number): Node {
  const [channels, height, width] = imageOf('pixelUnshuffle', x)
  if (!Number.isInteger(downscale) || downscale < 1 || height % downscale !== 0 || width % downscale !== 0)
    throw new ArgumentError(
      `pixelUnshuffle: expected a factor that divides height and width of ${formatShape(x.shape)}, got ${downscale}.`,
      { op: 'pixelUnshuffle', downscale },
    )
  const front = x.shape.slice(0, -3)
  const at = front.length
  const split = reshape(x, [...front, channels, height / downscale, downscale, width / downscale, downscale])
  const order = [...front.map((_, i) => i), at, at + 2, at + 4, at + 1, at + 3]
  return reshape(permute(split, order), [...front, channels * downscale ** 2, height / downscale, width / downscale])
}

/** Channels dealt out to groups in turn (Zhang et al. 2018). */
export function channelShuffle(x: Node, groups: number): Node {
  const [batch, channels, ...rest] = x.shape
  if (x.shape.length < 3 || !Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new ArgumentError(
      `channelShuffle: expected [batch, channels, ...] and a number of groups that divides the channels, got ${formatShape(x.shape)} and ${groups}.`,
      { op: 'channelShuffle', groups },
    )
  const split = reshape(x, [batch, groups, channels / groups, ...rest])
  return reshape(permute(split, [0, 2, 1, ...rest.map((_, i) => i + 3)]), x.shape)
}

function imageOf(op: string, x: Node): readonly number[] {
  if (x.shape.length < 3)
    throw new ShapeError(`${op}: expected [..., channels, height, width], got ${formatShape(x.shape)}.`, { op })
  return x.shape.slice(-3)
}
