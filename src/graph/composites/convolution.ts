// Convolution (cross-correlation, as everywhere in deep learning) over any number of spatial axes, as one contraction of the weight
// with sliding windows of the input. Both gradients are convolutions again, so no scatter and no zero-dilated product ever arises.
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape } from '../../base/shape.ts'
import { contract, permute, reshape, transpose } from '../builders.ts'
import { expectCategory, expectSameDType } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import type { ValueType } from '../op-row.ts'
import { type CompositeBuilder, type CompositeNode, defineComposite } from './composite-table.ts'
import { convolutionInputGradient } from './convolution-input-gradient.ts'
import { type Amounts, slidingWindows } from './sliding-windows.ts'

/** One entry per spatial axis. */
export interface ConvolutionAttrs {
  readonly stride: readonly number[]
  readonly padding: readonly Amounts[]
  readonly dilation: readonly number[]
  readonly groups: number
}

/** [G, O/G, …] from [O, …]: the axis is split only where there are groups. */
const splitGroups = (x: Node, axis: number, groups: number): Node =>
  groups === 1 ? x : reshape(x, [...x.shape.slice(0, axis), groups, x.shape[axis] / groups, ...x.shape.slice(axis + 1)])

/** Windows of x as [groups?, batch, positions…, channels of a group, taps…]. */
function columnsOf(x: Node, kernel: Shape, attrs: ConvolutionAttrs): Node {
  const grouped = attrs.groups > 1 ? 1 : 0
  const spatial = kernel.map((_, i) => 2 + grouped + i)
  const windows = slidingWindows(splitGroups(x, 1, attrs.groups), { ...attrs, first: 2 + grouped, kernel }, 0)
  const taps = kernel.map((_, i) => 2 + grouped + kernel.length + i)
  return permute(windows, [...(grouped ? [1] : []), 0, ...spatial, 1 + grouped, ...taps])
}

function convolutionBody([x, weight]: readonly Node[], attrs: ConvolutionAttrs): Node {
  const grouped = attrs.groups > 1 ? 1 : 0
  const kernel = weight.shape.slice(2)
  const columns = columnsOf(x, kernel, attrs)
  const product = contract(splitGroups(weight, 0, attrs.groups), columns, grouped, 1 + kernel.length)
  const positions = kernel.map((_, i) => 2 + grouped + i)
  const ordered = permute(product, grouped ? [2, 0, 1, ...positions] : [1, 0, ...positions])
  return reshape(ordered, [
    x.shape[0],
    weight.shape[0],
    ...columns.shape.slice(1 + grouped, 1 + grouped + kernel.length),
  ])
}

/**
 * dw[o, c, k] = sum over n, i of g[n, o, i] x[n, c, i stride + k dilation - padding]: x convolved with g, where batch and channels
 * change places, and so do stride and dilation.
 */
function weightGradient({ inputs: [x, weight], attrs: { attrs } }: CompositeNode<ConvolutionAttrs>, grad: Node): Node {
  const { groups, stride, dilation } = attrs
  const padding = attrs.padding.map(([before], i): Amounts => {
    const reach = (weight.shape[2 + i] - 1) * dilation[i] + (grad.shape[2 + i] - 1) * stride[i] + 1
    return [before, reach - before - x.shape[2 + i]]
  })
  const swapped = convolution([batchAsChannels(x, groups), transpose(grad, 0, 1)], {
    stride: dilation,
    dilation: stride,
    padding,
    groups,
  })
  return transpose(swapped, 0, 1)
}

/** [N, G C, …] as [C, G N, …]. */
function batchAsChannels(x: Node, groups: number): Node {
  if (groups === 1) return transpose(x, 0, 1)
  const [batch, channels, ...rest] = x.shape
  const split = splitGroups(x, 1, groups)
  return reshape(transpose(split, 0, 2), [channels / groups, groups * batch, ...rest])
}

function inferConvolution([x, weight]: readonly Node[], attrs: ConvolutionAttrs): ValueType {
  const rank = weight.shape.length - 2
  const op = `conv${rank}d`
  expectCategory(op, x.dtype, ['int', 'float'])
  expectSameDType(op, x, weight)
  if (x.shape.length !== weight.shape.length)
    throw new ShapeError(
      `${op}: expected x to be [batch, channels, ...] with ${rank} spatial axes like weight ${formatShape(weight.shape)}, ` +
        `got ${formatShape(x.shape)}. Add missing axes of size 1: x.unsqueeze(axis).`,
      { op, shape: x.shape, weight: weight.shape },
    )
  expectGroups(op, x, weight, attrs.groups)
  const positions = attrs.stride.map((_, i) => positionsOf(op, x, weight, attrs, i))
  return { shape: [x.shape[0], weight.shape[0], ...positions], dtype: x.dtype }
}

function expectGroups(op: string, x: Node, weight: Node, groups: number): void {
  const [outputs, perGroup] = weight.shape
  if (!Number.isInteger(groups) || groups < 1 || outputs % groups !== 0)
    throw new ArgumentError(
      `${op}: expected a number of groups that divides the ${outputs} output channels of weight ${formatShape(weight.shape)}, got ${groups}.`,
      { op, groups, weight: weight.shape },
    )
  if (x.shape[1] !== perGroup * groups)
    throw new ShapeError(
      `${op}: expected x to have ${perGroup * groups} channels on axis 1 (weight is ${formatShape(weight.shape)}, ` +
        `${groups} group${groups === 1 ? '' : 's'}), got ${formatShape(x.shape)}.`,
      { op, groups, shape: x.shape, weight: weight.shape },
    )
}

/** Window positions along spatial axis i. */
function positionsOf(
  op: string,
  x: Node,
  weight: Node,
  { padding, dilation, stride }: ConvolutionAttrs,
  i: number,
): number {
  for (const [name, value] of [
    ['stride', stride[i]],
    ['dilation', dilation[i]],
  ] as const)
    if (!Number.isInteger(value) || value < 1)
      throw new ArgumentError(`${op}: expected a ${name} that is a whole number from 1, got ${value}.`, {
        op,
        [name]: value,
      })
  const padded = x.shape[2 + i] + padding[i][0] + padding[i][1]
  const reach = dilation[i] * (weight.shape[2 + i] - 1) + 1
  if (padded < reach || weight.shape[2 + i] < 1)
    throw new ShapeError(
      `${op}: expected at least ${reach} elements on spatial axis ${i} (kernel ${weight.shape[2 + i]}, dilation ${dilation[i]}), ` +
        `got ${padded} with padding: x is ${formatShape(x.shape)}. Pad more, or use a smaller kernel.`,
      { op, shape: x.shape, weight: weight.shape, padding: padding[i], dilation: dilation[i] },
    )
  return Math.floor((padded - reach) / stride[i]) + 1
}

/** x [batch, G C, extents…] with weight [G O, C, kernel…] gives [batch, G O, positions…]. */
export const convolution: CompositeBuilder<ConvolutionAttrs> = defineComposite<ConvolutionAttrs>('convolution', {
  infer: inferConvolution,
  body: convolutionBody,
  vjp(node, grad, wanted) {
    const [x, weight] = node.inputs
    const { attrs } = node.attrs
    return [
      wanted[0] ? convolutionInputGradient(convolution, grad, weight, attrs, x.shape.slice(2)) : undefined,
      wanted[1] ? weightGradient(node, grad) : undefined,
    ]
  },
})
