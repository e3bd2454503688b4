// Inference of the movement primitives: strict about rank and bounds, since builders have already normalised what users wrote.
import { DTypeError, ShapeError } from '../../base/errors.ts'
import { checkShape, formatShape, type Shape, sizeOf } from '../../base/shape.ts'
import type { Attrs, Node } from '../node.ts'
import type { ValueType } from '../op-row.ts'
import { expectInputs } from './elementwise.ts'

export function expectAxis(op: string, axis: number, rank: number): void {
  if (Number.isInteger(axis) && axis >= 0 && axis < rank) return
  throw new ShapeError(
    `${op}: expected an axis from 0 to ${rank - 1}, got ${axis}. The tensor has ${rank} dimensions.`,
    {
      op,
      axis,
      rank,
    },
  )
}

function expectRank(op: string, what: string, list: readonly number[], shape: Shape): void {
  if (list.length === shape.length) return
  throw new ShapeError(
    `${op}: expected ${shape.length} ${what} for ${formatShape(shape)}, got ${list.length}: ${formatShape(list)}.`,
    { op, shape, list },
  )
}

function reshape(inputs: readonly Node[], { shape }: Attrs['reshape']): ValueType {
  expectInputs('reshape', inputs, 1)
  const [input] = inputs
  checkShape('reshape', shape)
  if (sizeOf(shape) !== sizeOf(input.shape))
    throw new ShapeError(
      `reshape: expected a shape of ${sizeOf(input.shape)} elements for ${formatShape(input.shape)}, ` +
        `got ${formatShape(shape)}, which has ${sizeOf(shape)}. Leave one size to be found with -1.`,
      { op: 'reshape', from: input.shape, to: shape },
    )
  return { shape, dtype: input.dtype }
}

function permute(inputs: readonly Node[], { axes }: Attrs['permute']): ValueType {
  expectInputs('permute', inputs, 1)
  const [input] = inputs
  const rank = input.shape.length
  let seen = 0
  for (const axis of axes) if (Number.isInteger(axis) && axis >= 0 && axis < rank) seen |= 1 << axis
  if (axes.length !== rank || seen !== (1 << rank) - 1)
    throw new ShapeError(
      `permute: expected each axis of ${formatShape(input.shape)} once, got ${formatShape(axes)}. ` +
        `To swap two axes use x.transpose(a, b).`,
      { op: 'permute', shape: input.shape, axes },
    )
  return { shape: axes.map((axis) => input.shape[axis]), dtype: input.dtype }
}

function expand(inputs: readonly Node[], { shape }: Attrs['expand']): ValueType {
  expectInputs('expand', inputs, 1)
  const [input] = inputs
  expectRank('expand', 'sizes', shape, input.shape)
  checkShape('expand', shape)
  for (let axis = 0; axis < shape.length; axis++)
    if (input.shape[axis] !== shape[axis] && input.shape[axis] !== 1)
      throw new ShapeError(
        `expand: expected axis ${axis} to stay ${input.shape[axis]} (only axes of size 1 grow), got ${formatShape(shape)} ` +
          `for ${formatShape(input.shape)}. To repeat a longer axis use x.repeat(…).`,
        { op: 'expand', from: input.shape, to: shape, axis },
      )
  return { shape, dtype: input.dtype }
}

function pad(inputs: readonly Node[], { before, after, value }: Attrs['pad']): ValueType {
  expectInputs('pad', inputs, 1)
  const [input] = inputs
  expectRank('pad', 'sizes before', before, input.shape)
  expectRank('pad', 'sizes after', after, input.shape)
  for (const extent of [...before, ...after])
    if (!Number.isInteger(extent) || extent < 0)
      throw new ShapeError(
        `pad: expected whole numbers from 0, got ${formatShape(before)} before and ${formatShape(after)} after. ` +
          'To cut off elements use slice.',
        { op: 'pad', before, after },
      )
  if ((input.dtype === 'bool') !== (typeof value === 'boolean'))
    throw new DTypeError(`pad: expected a value that ${input.dtype} holds, got ${String(value)}.`, {
      op: 'pad',
      value,
      dtype: input.dtype,
    })
  const shape = input.shape.map((extent, axis) => before[axis] + extent + after[axis])
  return { shape: checkShape('pad', shape), dtype: input.dtype }
}

function slice(inputs: readonly Node[], { starts, sizes, steps }: Attrs['slice']): ValueType {
  expectInputs('slice', inputs, 1)
  const [input] = inputs
  expectRank('slice', 'starts', starts, input.shape)
  expectRank('slice', 'sizes', sizes, input.shape)
  expectRank('slice', 'steps', steps, input.shape)
  checkShape('slice', sizes)
  for (let axis = 0; axis < sizes.length; axis++) {
    const [start, size, step, extent] = [starts[axis], sizes[axis], steps[axis], input.shape[axis]]
    const last = start + (size - 1) * step
    const inside = size === 0 || (start >= 0 && start < extent && last >= 0 && last < extent)
    if (!inside || !Number.isInteger(start) || !Number.isInteger(step) || step === 0)
      throw new ShapeError(
        `slice: expected elements within 0..${extent - 1} of axis ${axis}, got start ${start}, size ${size}, step ${step} ` +
          `for ${formatShape(input.shape)}.`,
        { op: 'slice', axis, start, size, step, extent },
      )
  }
  return { shape: sizes, dtype: input.dtype }
}

function window(inputs: readonly Node[], { axis, size, stride, dilation }: Attrs['window']): ValueType {
  expectInputs('window', inputs, 1)
  const [input] = inputs
  expectAxis('window', axis, input.shape.length)
  for (const value of [size, stride, dilation])
    if (!Number.isInteger(value) || value < 1)
      throw new ShapeError(
        `window: expected size, stride and dilation from 1, got ${size}, ${stride} and ${dilation}.`,
        { op: 'window', size, stride, dilation },
      )
  const reach = dilation * (size - 1) + 1
  if (input.shape[axis] < reach)
    throw new ShapeError(
      `window: expected at least ${reach} elements on axis ${axis} (size ${size}, dilation ${dilation}), ` +
        `got ${formatShape(input.shape)}. Pad it first, or make the kernel smaller.`,
      { op: 'window', axis, size, dilation, shape: input.shape },
    )
  const shape = [...input.shape, size]
  shape[axis] = Math.floor((input.shape[axis] - reach) / stride) + 1
  return { shape: checkShape('window', shape), dtype: input.dtype }
}

function concat(inputs: readonly Node[], { axis }: Attrs['concat']): ValueType {
  if (inputs.length === 0) throw new ShapeError('cat: expected at least one tensor, got none.', { op: 'cat' })
  const [first] = inputs
  expectAxis('cat', axis, first.shape.length)
  const shape = first.shape.slice()
  shape[axis] = 0
  for (const input of inputs) {
    if (input.dtype !== first.dtype)
      throw new DTypeError(
        `cat: expected tensors of one dtype, got ${first.dtype} and ${input.dtype}. ` +
          `Convert one of them: x.to('${first.dtype}').`,
        { op: 'cat', dtypes: inputs.map(({ dtype }) => dtype) },
      )
    if (input.shape.length !== shape.length || input.shape.some((extent, i) => i !== axis && extent !== shape[i]))
      throw new ShapeError(
        `cat: expected shapes that are equal but for axis ${axis}, got ` +
          `${inputs.map((each) => formatShape(each.shape)).join(' and ')}.`,
        { op: 'cat', axis, shapes: inputs.map((each) => each.shape) },
      )
    shape[axis] += input.shape[axis]
  }
  return { shape: checkShape('cat', shape), dtype: first.dtype }
}

export const inferMovement = { reshape, permute, expand, pad, slice, window, concat }
