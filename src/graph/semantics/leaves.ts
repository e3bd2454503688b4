// Meaning of the leaves that carry their own value; a buffer's value comes from outside.
import { CompileError } from '../../base/errors.ts'
import { hostZeros } from '../host-array.ts'
import { filled, roundHalves, type Semantics } from './semantics.ts'

export const leavesSemantics: Semantics<'constant' | 'iota' | 'buffer'> = {
  constant: (_, node) => filled(node.attrs.dtype, node.shape, node.attrs.value),
  iota: (_, { attrs: { size, dtype } }) => {
    const result = hostZeros(dtype, [size])
    const data = result.data
    if (data instanceof BigInt64Array) for (let i = 0; i < size; i++) data[i] = BigInt(i)
    else for (let i = 0; i < size; i++) data[i] = i
    return roundHalves(result)
  },
  buffer: (_, node) => {
    const { storage, version } = node.attrs.leaf
    throw new CompileError(
      `buffer: expected the value of storage ${storage}, version ${version}, to be given to the evaluator, got none.`,
      { op: 'buffer', storage, version },
    )
  },
}
