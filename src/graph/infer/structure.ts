// Inference of the structural primitives: loops, composites and what only programs contain.
import { ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape, sameShape } from '../../base/shape.ts'
import { compositeRow } from '../composites/composite-table.ts'
import type { Attrs, Node, ScanBody } from '../node.ts'
import type { ValueType } from '../op-row.ts'
import { expectCategory, expectInputs, expectSameDType, expectSameShape } from './elementwise.ts'

function expectType(what: string, expected: ValueType, got: ValueType): void {
  if (expected.dtype === got.dtype && sameShape(expected.shape, got.shape)) return
  throw new ShapeError(
    `scan: expected ${what} to be ${expected.dtype} ${formatShape(expected.shape)}, got ${got.dtype} ${formatShape(got.shape)}.`,
    { op: 'scan', what, expected, got },
  )
}

function sliceType(sequence: Node, length: number, position: number): ValueType {
  if (sequence.shape[0] !== length)
    throw new ShapeError(
      `scan: expected sequence ${position} to have ${length} steps on axis 0, got ${formatShape(sequence.shape)}.`,
      { op: 'scan', length, shape: sequence.shape },
    )
  return { shape: sequence.shape.slice(1), dtype: sequence.dtype }
}

function expectScanInputs(inputs: readonly Node[], body: ScanBody): void {
  expectInputs('scan', inputs, body.placeholders.length)
  for (let i = 0; i < inputs.length; i++) {
    const isSequence = i >= body.carries && i < body.carries + body.sequences
    const type = isSequence ? sliceType(inputs[i], body.length, i - body.carries) : inputs[i]
    expectType(`input ${i}`, body.placeholders[i], type)
  }
  for (let i = 0; i < body.carries; i++) expectType(`the next carry ${i}`, inputs[i], body.outputs[i])
}

function scan(inputs: readonly Node[], { body, result }: Attrs['scan']): ValueType {
  expectScanInputs(inputs, body)
  if (!Number.isInteger(result) || result < 0 || result >= body.outputs.length)
    throw new ShapeError(`scan: expected a result from 0 to ${body.outputs.length - 1}, got ${result}.`, {
      op: 'scan',
      result,
    })
  return scanResultType(body, result)
}

/** Type of one result: a final carry, or an output stacked over the steps. */
export function scanResultType(body: ScanBody, result: number): ValueType {
  const output = body.outputs[result]
  const shape: Shape = result < body.carries ? output.shape : [body.length, ...output.shape]
  return { shape, dtype: output.dtype }
}

function composite(inputs: readonly Node[], { name, attrs }: Attrs['composite']): ValueType {
  return compositeRow(name).infer(inputs, attrs)
}

function assign(inputs: readonly Node[]): ValueType {
  expectInputs('assign', inputs, 2)
  const [target, value] = inputs
  if (target.op !== 'buffer')
    throw new ShapeError(`assign: expected a buffer to write to, got the result of ${target.op}.`, { op: 'assign' })
  expectSameDType('assign', target, value)
  expectSameShape('assign', target, value)
  return target
}

function copy(inputs: readonly Node[]): ValueType {
  expectInputs('copy', inputs, 1)
  return inputs[0]
}

function collective(inputs: readonly Node[]): ValueType {
  expectInputs('collective', inputs, 1)
  expectCategory('collective', inputs[0].dtype, ['int', 'float'])
  return inputs[0]
}

export const inferStructure = { scan, composite, assign, copy, collective }
