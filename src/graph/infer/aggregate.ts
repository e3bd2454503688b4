// Inference of the two primitives that combine elements: reductions over axes, and tensor contraction.
import { ShapeError } from '../../base/errors.ts'
import { checkShape, formatShape } from '../../base/shape.ts'
import type { Attrs, Node } from '../node.ts'
import type { ValueType } from '../op-row.ts'
import { expectCategory, expectInputs, expectSameDType } from './elementwise.ts'
import { expectAxis } from './movement.ts'

function reduce(inputs: readonly Node[], { kind, axes }: Attrs['reduce']): ValueType {
  expectInputs(kind, inputs, 1)
  const [input] = inputs
  expectCategory(kind, input.dtype, ['int', 'float'])
  const shape = input.shape.slice()
  let previous = -1
  for (const axis of axes) {
    expectAxis(kind, axis, shape.length)
    if (axis <= previous)
      throw new ShapeError(`${kind}: expected distinct axes in order, got ${formatShape(axes)}.`, { op: kind, axes })
    if (shape[axis] === 0 && (kind === 'max' || kind === 'min'))
      throw new ShapeError(
        `${kind}: expected at least one element to reduce, got ${formatShape(input.shape)}, which is empty on axis ${axis}.`,
        { op: kind, shape: input.shape, axis },
      )
    shape[axis] = 1
    previous = axis
  }
  return { shape, dtype: input.dtype }
}

function contract(inputs: readonly Node[], { batch, contracted }: Attrs['contract']): ValueType {
  expectInputs('contract', inputs, 2)
  const [a, b] = inputs
  expectCategory('contract', a.dtype, ['int', 'float'])
  expectSameDType('contract', a, b)
  const [rankA, rankB] = [a.shape.length, b.shape.length]
  const counts = Number.isInteger(batch) && Number.isInteger(contracted) && batch >= 0 && contracted >= 1
  if (!counts || batch + contracted > Math.min(rankA, rankB))
    throw new ShapeError(
      `contract: expected from 0 batch and 1 contracted axes that fit ${formatShape(a.shape)} and ${formatShape(b.shape)}, ` +
        `got ${batch} and ${contracted}.`,
      { op: 'contract', batch, contracted, shapes: [a.shape, b.shape] },
    )
  const leading = a.shape.slice(0, batch).every((extent, axis) => extent === b.shape[axis])
  const shared = a.shape.slice(rankA - contracted)
  if (!leading || !shared.every((extent, i) => extent === b.shape[rankB - contracted + i]))
    throw new ShapeError(
      `contract: expected the first ${batch} and last ${contracted} axes to be equal, got ${formatShape(a.shape)} ` +
        `and ${formatShape(b.shape)}.`,
      { op: 'contract', batch, contracted, shapes: [a.shape, b.shape] },
    )
  const shape = [...a.shape.slice(0, rankA - contracted), ...b.shape.slice(batch, rankB - contracted)]
  return { shape: checkShape('contract', shape), dtype: a.dtype }
}

export const inferAggregate = { reduce, contract }
