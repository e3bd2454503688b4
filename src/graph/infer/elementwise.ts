// Inference of the elementwise primitives: inputs of one shape and one dtype go in, the result's type comes out.
import { bytesOf, categoryOf, type DType, type DTypeCategory } from '../../base/dtype.ts'
import { DTypeError, ShapeError } from '../../base/errors.ts'
import { formatShape, sameShape } from '../../base/shape.ts'
import type { Attrs, Node } from '../node.ts'
import type { ValueType } from '../op-row.ts'

export function expectInputs(op: string, inputs: readonly Node[], count: number): void {
  if (inputs.length !== count)
    throw new ShapeError(`${op}: expected ${count} input${count === 1 ? '' : 's'}, got ${inputs.length}.`, {
      op,
      expected: count,
      got: inputs.length,
    })
}

const categoryNames: Record<DTypeCategory, string> = { bool: 'bool', int: 'an integer dtype', float: 'a float dtype' }

export function expectCategory(op: string, dtype: DType, accepted: readonly DTypeCategory[]): void {
  if (accepted.includes(categoryOf(dtype))) return
  const names = accepted.map((category) => categoryNames[category]).join(' or ')
  throw new DTypeError(`${op}: expected ${names}, got ${dtype}. Convert it first: x.to('${suggestion(accepted)}').`, {
    op,
    dtype,
  })
}

const suggestion = (accepted: readonly DTypeCategory[]): DType =>
  accepted.includes('float') ? 'float32' : accepted.includes('int') ? 'int64' : 'bool'

export function expectSameDType(op: string, a: Node, b: Node): void {
  if (a.dtype === b.dtype) return
  throw new DTypeError(
    `${op}: expected inputs of one dtype, got ${a.dtype} and ${b.dtype}. Convert one of them: x.to('${a.dtype}').`,
    { op, dtypes: [a.dtype, b.dtype] },
  )
}

export function expectSameShape(op: string, a: Node, b: Node): void {
  if (sameShape(a.shape, b.shape)) return
  throw new ShapeError(
    `${op}: expected inputs of one shape, got ${formatShape(a.shape)} and ${formatShape(b.shape)}. ` +
      'Broadcast them first: x.expand(shape).',
    { op, shapes: [a.shape, b.shape] },
  )
}

const numeric: readonly DTypeCategory[] = ['int', 'float']
const floats: readonly DTypeCategory[] = ['float']
const anyDType: readonly DTypeCategory[] = ['bool', 'int', 'float']

type InferElementwise = (inputs: readonly Node[]) => ValueType

const unary = (op: string, accepted: readonly DTypeCategory[]): InferElementwise => {
  return (inputs) => {
    expectInputs(op, inputs, 1)
    expectCategory(op, inputs[0].dtype, accepted)
    return inputs[0]
  }
}

const binary = (op: string, accepted: readonly DTypeCategory[], result?: DType): InferElementwise => {
  return (inputs) => {
    expectInputs(op, inputs, 2)
    const [a, b] = inputs
    expectCategory(op, a.dtype, accepted)
    expectSameDType(op, a, b)
    expectSameShape(op, a, b)
    return result === undefined ? a : { shape: a.shape, dtype: result }
  }
}

function inferMultiplyAdd(inputs: readonly Node[]): ValueType {
  expectInputs('multiplyAdd', inputs, 3)
  const [a, ...others] = inputs
  expectCategory('multiplyAdd', a.dtype, floats)
  for (const other of others) {
    expectSameDType('multiplyAdd', a, other)
    expectSameShape('multiplyAdd', a, other)
  }
  return a
}

function inferWhere(inputs: readonly Node[]): ValueType {
  expectInputs('where', inputs, 3)
  const [condition, then, otherwise] = inputs
  if (condition.dtype !== 'bool')
    throw new DTypeError(`where: expected a condition of dtype bool, got ${condition.dtype}. Compare first: x.ne(0).`, {
      op: 'where',
      dtype: condition.dtype,
    })
  expectSameDType('where', then, otherwise)
  expectSameShape('where', condition, then)
  expectSameShape('where', then, otherwise)
  return then
}

function inferBitcast(inputs: readonly Node[], attrs: Attrs['bitcast']): ValueType {
  expectInputs('bitcast', inputs, 1)
  const [input] = inputs
  if (bytesOf(input.dtype) !== bytesOf(attrs.dtype) || (input.dtype === 'bool') !== (attrs.dtype === 'bool'))
    throw new DTypeError(
      `bitcast: expected a dtype of ${bytesOf(input.dtype)} bytes like ${input.dtype}, got ${attrs.dtype}. ` +
        "To convert values use x.to('" +
        `${attrs.dtype}').`,
      { op: 'bitcast', from: input.dtype, to: attrs.dtype },
    )
  return { shape: input.shape, dtype: attrs.dtype }
}

function inferCast(inputs: readonly Node[], attrs: Attrs['cast']): ValueType {
  expectInputs('cast', inputs, 1)
  return { shape: inputs[0].shape, dtype: attrs.dtype }
}

export const inferElementwise = {
  sqrt: unary('sqrt', floats),
  exp: unary('exp', floats),
  log: unary('log', floats),
  sin: unary('sin', floats),
  cos: unary('cos', floats),
  floor: unary('floor', floats),
  cast: inferCast,
  bitcast: inferBitcast,
  add: binary('add', numeric),
  mul: binary('mul', numeric),
  multiplyAdd: inferMultiplyAdd,
  div: binary('div', numeric),
  mod: binary('mod', numeric),
  pow: binary('pow', numeric),
  max: binary('max', numeric),
  less: binary('less', numeric, 'bool'),
  equal: binary('equal', anyDType, 'bool'),
  and: binary('and', ['bool', 'int']),
  or: binary('or', ['bool', 'int']),
  xor: binary('xor', ['bool', 'int']),
  shiftLeft: binary('shiftLeft', ['int']),
  shiftRight: binary('shiftRight', ['int']),
  where: inferWhere,
}
