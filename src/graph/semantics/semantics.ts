// What every family of reference semantics is made of: its type, rounding of halves and conversion of scalars.
import { int64ToFloat32, truncateToInt32, truncateToInt64 } from '../../base/arithmetic.ts'
import type { DType } from '../../base/dtype.ts'
import { roundToBfloat16, roundToFloat16 } from '../../base/half.ts'
import type { Scalar } from '../../base/scalar.ts'
import type { Shape } from '../../base/shape.ts'
import type { HostArray, HostData } from '../host-array.ts'
import { hostZeros } from '../host-array.ts'
import type { Node, OpName } from '../node.ts'

export type Semantics<K extends OpName> = {
  readonly [P in K]: (inputs: readonly HostArray[], node: Node<P>) => HostArray
}

/** Arrays whose elements are JavaScript numbers: all but int64. */
export type NumberData = Exclude<HostData, BigInt64Array>

export const withShape = (array: HostArray, shape: Shape): HostArray => ({ ...array, shape })

/** Rounds freshly computed float32 values to the half formats, in place; other dtypes were rounded by the store itself. */
export function roundHalves(array: HostArray): HostArray {
  if (array.dtype !== 'float16' && array.dtype !== 'bfloat16') return array
  const round = array.dtype === 'float16' ? roundToFloat16 : roundToBfloat16
  const data = array.data as Float32Array
  for (let i = 0; i < data.length; i++) data[i] = round(data[i])
  return array
}

/** One element of `dtype` from any scalar, by the rules of `cast`. */
export function convertScalar(value: Scalar, dtype: DType): number | bigint {
  const number = typeof value === 'bigint' ? value : Number(value)
  const one = hostZeros(dtype, [1])
  if (dtype === 'bool') return Number(value) !== 0 ? 1 : 0
  if (typeof number === 'bigint') {
    if (one.data instanceof BigInt64Array) return BigInt.asIntN(64, number)
    one.data[0] = one.data instanceof Float32Array ? int64ToFloat32(number) : asNumber(number, dtype)
  } else if (one.data instanceof BigInt64Array) return truncateToInt64(number)
  else one.data[0] = dtype === 'float64' || one.data instanceof Float32Array ? number : truncateToInt32(number)
  return roundHalves(one).data[0]
}

const asNumber = (value: bigint, dtype: DType): number =>
  dtype === 'float64' ? Number(value) : Number(BigInt.asIntN(32, value))

/** An array of `value` throughout. */
export function filled(dtype: DType, shape: Shape, value: Scalar): HostArray {
  const result = hostZeros(dtype, shape)
  const element = convertScalar(value, dtype)
  if (element !== 0 || Object.is(element, -0)) (result.data as { fill(value: number | bigint): unknown }).fill(element)
  return result
}
