// conv1d, conv2d, conv3d and their transposes as users call them: numbers or lists, 'same' padding, inputs with or without a batch axis.
// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, sameShape } from '../../base/shape.ts'
import { add, reshape, squeeze, unsqueeze } from '../builders.ts'
import type { Node } from '../node.ts'
import { type ConvolutionAttrs, convolution } from './convolution.ts'
import { convolutionInputGradient } from './convolution-input-gradient.ts'
import { type PerAxis, perAxis } from './per-axis.ts'
import type { Amounts } from './sliding-windows.ts'

export type { PerAxis }

export interface ConvOptions {
  readonly stride?: PerAxis
  /** zeros added on both sides; 'same' keeps the extents (stride 1), 'valid' adds none */
  readonly padding?: PerAxis | 'same' | 'valid'
  readonly dilation?: PerAxis
  readonly groups?: number
}

export interface ConvTransposeOptions extends Omit<ConvOptions, 'padding'> {
  readonly padding?: PerAxis
  /** elements added at the end of each axis, to tell apart extents that a stride maps to one */
  readonly outputPadding?: PerAxis
}

function samePadding(op: string, kernel: readonly number[], { stride, dilation }: ConvolutionAttrs): Amounts[] {
  if (stride.some((step) => step !== 1))
    throw new ArgumentError(`${op}: expected stride 1 with padding 'same', got ${formatShape(stride)}.`, { op, stride })
  return kernel.map((size, i) => {
    const total = dilation[i] * (size - 1)
    return [Math.floor(total / 2), Math.ceil(total / 2)]
  })
}

function attrsOf(op: string, weight: Node, rank: number, options: ConvOptions): ConvolutionAttrs {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options
  const attrs = {
    stride: perAxis(op, 'stride', stride, rank, 1),
    dilation: perAxis(op, 'dilation', dilation, rank, 1),
    padding: [],
    groups,
  }
  if (padding === 'same') return { ...attrs, padding: samePadding(op, weight.shape.slice(2), attrs) }
  const amounts = perAxis(op, 'padding', padding === 'valid' ? 0 : padding, rank, 0)
  return { ...attrs, padding: amounts.map((amount): Amounts => [amount, amount]) }
}

function expectWeight(op: string, weight: Node, rank: number, layout: string): void {
  if (weight.shape.length !== rank + 2)
    throw new ShapeError(`${op}: expected a weight of ${rank + 2} axes, ${layout}, got ${formatShape(weight.shape)}.`, {
      op,
      weight: weight.shape,
    })
}

/** Runs `compute` on x with a batch axis, and adds a bias per channel to what comes out. */
function batched(op: string, x: Node, bias: Node | undefined, rank: number, compute: (x: Node) => Node): Node {
  const single = x.shape.length === rank + 1
  const result = compute(single ? unsqueeze(x, 0) : x)
  const biased = bias === undefined ? result : add(result, channelBias(op, bias, result, rank))
  return single ? squeeze(biased, 0) : biased
}

function channelBias(op: string, bias: Node, result: Node, rank: number): Node {
  if (!sameShape(bias.shape, [result.shape[1]]) || bias.dtype !== result.dtype)
    throw new ShapeError(
      `${op}: expected a ${result.dtype} bias with one value for each of the ${result.shape[1]} output channels, ` +
        `got ${bias.dtype} ${formatShape(bias.shape)}.`,
      { op, bias: bias.shape, channels: result.shape[1] },
    )
  return reshape(bias, [1, bias.shape[0], ...new Array<number>(rank).fill(1)])
}

function conv(rank: number, x: Node, weight: Node, bias: Node | undefined, options: ConvOptions): Node {
  const op = `conv${rank}d`
  expectWeight(op, weight, rank, '[outputs, channels / groups, kernel...]')
  const attrs = attrsOf(op, weight, rank, options)
  return batched(op, x, bias, rank, (input) => convolution([input, weight], attrs))
}

export const conv1d = (x: Node, weight: Node, bias?: Node, options: ConvOptions = {}): Node =>
  conv(1, x, weight, bias, options)
/** x [batch, channels, height, width], weight [outputs, channels / groups, kernel height, kernel width], bias [outputs]. */
export const conv2d = (x: Node, weight: Node, bias?: Node, options: ConvOptions = {}): Node =>
  conv(2, x, weight, bias, options)
export const conv3d = (x: Node, weight: Node, bias?: Node, options: ConvOptions = {}): Node =>
  conv(3, x, weight, bias, options)

function expectTransposeInput(op: string, x: Node, weight: Node, groups: number): void {
  const [channels] = weight.shape
  if (x.shape.length !== weight.shape.length || x.shape[1] !== channels)
    throw new ShapeError(
      `${op}: expected x [batch, ${channels}, ...] of ${weight.shape.length} axes (weight is ${formatShape(weight.shape)}), ` +
        `got ${formatShape(x.shape)}.`,
      { op, shape: x.shape, weight: weight.shape },
    )
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new ArgumentError(
      `${op}: expected a number of groups that divides the ${channels} channels of x, got ${groups}.`,
      { op, groups },
    )
}

function convTranspose(
  rank: number,
  x: Node,
  weight: Node,
  bias: Node | undefined,
  options: ConvTransposeOptions,
): Node {
  const op = `convTranspose${rank}d`
  expectWeight(op, weight, rank, '[channels, outputs / groups, kernel...]')
  const attrs = attrsOf(op, weight, rank, options)
  const extra = perAxis(op, 'outputPadding', options.outputPadding ?? 0, rank, 0)
  return batched(op, x, bias, rank, (input) => {
    expectTransposeInput(op, input, weight, attrs.groups)
    const extents = extra.map((amount, i) => {
      const reach = attrs.dilation[i] * (weight.shape[2 + i] - 1) + 1
      return (input.shape[2 + i] - 1) * attrs.stride[i] + reach - 2 * attrs.padding[i][0] + amount
    })
    if (extents.some((extent) => extent < 1))
      throw new ShapeError(`${op}: expected a result of at least one element per axis, got ${formatShape(extents)}.`, {
        op,
        extents,
      })
    return convolutionInputGradient(convolution, input, weight, attrs, extents)
  })
}

export const convTranspose1d = (x: Node, weight: Node, bias?: Node, options: ConvTransposeOptions = {}): Node =>
  convTranspose(1, x, weight, bias, options)
/** The gradient of conv2d as a layer: x [batch, channels, height, width], weight [channels, outputs / groups, kernel...]. */
export const convTranspose2d = (x: Node, weight: Node, bias?: Node, options: ConvTransposeOptions = {}): Node =>
  convTranspose(2, x, weight, bias, options)
export const convTranspose3d = (x: Node, weight: Node, bias?: Node, options: ConvTransposeOptions = {}): Node =>
  convTranspose(3, x, weight, bias, options)
