// Inference of the data-dependent primitives. Index values are checked where they are read, on the device.
import { DTypeError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import type { Attrs, Node } from '../node.ts'
import type { ValueType } from '../op-row.ts'
import { expectInputs, expectSameDType, expectSameShape } from './elementwise.ts'
import { expectAxis } from './movement.ts'

function expectIndex(op: string, axis: number, base: Node, index: Node): void {
  if (index.dtype !== 'int32' && index.dtype !== 'int64')
    throw new DTypeError(
      `${op}: expected an index of dtype int32 or int64, got ${index.dtype}. Convert it first: index.to('int64').`,
      { op, dtype: index.dtype },
    )
  expectAxis(op, axis, base.shape.length)
  const fits =
    index.shape.length === base.shape.length && index.shape.every((extent, i) => i === axis || extent <= base.shape[i])
  if (!fits)
    throw new ShapeError(
      `${op}: expected an index no larger than ${formatShape(base.shape)} on every axis but ${axis}, ` +
        `got ${formatShape(index.shape)}.`,
      { op, axis, shape: base.shape, index: index.shape },
    )
}

function gather(inputs: readonly Node[], { axis }: Attrs['gather']): ValueType {
  expectInputs('gather', inputs, 2)
  const [input, index] = inputs
  expectIndex('gather', axis, input, index)
  return { shape: index.shape, dtype: input.dtype }
}

function scatter(inputs: readonly Node[], { axis, kind }: Attrs['scatter']): ValueType {
  expectInputs('scatter', inputs, 3)
  const [base, index, source] = inputs
  expectIndex('scatter', axis, base, index)
  expectSameShape('scatter', index, source)
  expectSameDType('scatter', base, source)
  if (kind !== 'set' && base.dtype === 'bool')
    throw new DTypeError(`scatter: expected a numeric dtype for ${kind}, got bool. Convert it first: x.to('int32').`, {
      op: 'scatter',
      kind,
    })
  return base
}

export const inferIndex = { gather, scatter }
