// Inference of the leaves: attributes in, the value's type out.
import { categoryOf, type DType } from '../../base/dtype.ts'
import { DTypeError } from '../../base/errors.ts'
import { checkShape, formatShape } from '../../base/shape.ts'
import type { Attrs, Node } from '../node.ts'
import type { ValueType } from '../op-row.ts'
import { expectInputs } from './elementwise.ts'

const acceptedTypes = (dtype: DType): readonly string[] => {
  if (dtype === 'int64') return ['number', 'bigint']
  return categoryOf(dtype) === 'bool' ? ['boolean'] : ['number']
}

export const inferLeaves = {
  constant(inputs: readonly Node[], { value, dtype }: Attrs['constant']): ValueType {
    expectInputs('constant', inputs, 0)
    const accepted = acceptedTypes(dtype)
    if (!accepted.includes(typeof value) || (categoryOf(dtype) === 'int' && Number(value) % 1 !== 0))
      throw new DTypeError(`constant: expected a ${accepted.join(' or ')} that ${dtype} holds, got ${String(value)}.`, {
        op: 'constant',
        value,
        dtype,
      })
    return { shape: [], dtype }
  },
  buffer(inputs: readonly Node[], { shape, dtype }: Attrs['buffer']): ValueType {
    expectInputs('buffer', inputs, 0)
    return { shape: checkShape('buffer', shape), dtype }
  },
  iota(inputs: readonly Node[], { size, dtype }: Attrs['iota']): ValueType {
    expectInputs('iota', inputs, 0)
    if (dtype === 'bool')
      throw new DTypeError(`iota: expected a dtype that counts, got bool for ${formatShape([size])}. Use int64.`, {
        op: 'iota',
        dtype,
      })
    return { shape: checkShape('iota', [size]), dtype }
  },
}
