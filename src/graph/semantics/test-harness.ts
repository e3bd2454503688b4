// For tests: host arrays from plain values, and one op applied to them through the op table's own meaning.
import { type DType, dtypes } from '../../base/dtype.ts'
import { type Shape, sizeOf } from '../../base/shape.ts'
import { type HostArray, hostZeros } from '../host-array.ts'
import { type Attrs, makeNode, type OpName } from '../node.ts'
import { opTable } from '../op-table.ts'
import { roundHalves } from './semantics.ts'

export function host(
  dtype: DType,
  values: readonly (number | bigint | boolean)[],
  shape: Shape = [values.length],
): HostArray {
  const array = hostZeros(dtype, shape)
  if (sizeOf(shape) !== values.length) throw new RangeError(`expected ${sizeOf(shape)} values, got ${values.length}`)
  values.forEach((value, i) => {
    array.data[i] = dtype === 'int64' ? BigInt(value) : Number(value)
  })
  return roundHalves(array)
}

/** Applies one op; the result's shape and dtype are inferred from buffers of the inputs' types. */
export function apply<K extends OpName>(op: K, attrs: Attrs[K], ...inputs: HostArray[]): HostArray {
  const nodes = inputs.map(({ shape, dtype }, storage) =>
    makeNode('buffer', [], { leaf: { storage, version: 0 }, shape, dtype }, shape, dtype),
  )
  const { shape, dtype } = opTable[op].infer(nodes, attrs)
  return opTable[op].reference(inputs, makeNode(op, nodes, attrs, shape, dtype))
}

export const valuesOf = (array: HostArray): (number | bigint)[] => [...array.data]

export const numericDtypes = dtypes.filter((dtype) => dtype !== 'bool')
