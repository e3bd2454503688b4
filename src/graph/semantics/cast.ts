// Meaning of `cast`: between any two dtypes. To bool: true unless 0 (NaN is true). Float to integer truncates; what does not fit
// gives int32's or int64's minimum, as x86 does, of which narrower integers keep the low bits. Integers wrap; floats round once.
import { int64ToFloat32, truncateToInt32, truncateToInt64 } from '../../base/arithmetic.ts'
import { type DType, isFloat } from '../../base/dtype.ts'
import { type HostArray, hostZeros } from '../host-array.ts'
import { type NumberData, roundHalves } from './semantics.ts'

export function castArray(x: HostArray, dtype: DType): HostArray {
  if (x.dtype === dtype) return x
  const result = hostZeros(dtype, x.shape)
  if (dtype === 'bool') toBool(x, result)
  else if (x.data instanceof BigInt64Array) fromInt64(x.data, result)
  else if (result.data instanceof BigInt64Array) toInt64(x.data, result.data, isFloat(x.dtype))
  else fromNumbers(x.data, result.data, isFloat(x.dtype) && !isFloat(dtype))
  return roundHalves(result)
}

function toBool(x: HostArray, result: HostArray): void {
  const zero = x.data instanceof BigInt64Array ? 0n : 0
  for (let i = 0; i < x.data.length; i++) if (x.data[i] !== zero) result.data[i] = 1
}

function fromInt64(x: BigInt64Array, { data }: HostArray): void {
  if (data instanceof Float32Array) for (let i = 0; i < x.length; i++) data[i] = int64ToFloat32(x[i])
  else if (data instanceof Float64Array) for (let i = 0; i < x.length; i++) data[i] = Number(x[i])
  else for (let i = 0; i < x.length; i++) data[i] = Number(BigInt.asIntN(32, x[i]))
}

function toInt64(x: NumberData, data: BigInt64Array, truncate: boolean): void {
  if (truncate) for (let i = 0; i < x.length; i++) data[i] = truncateToInt64(x[i])
  else for (let i = 0; i < x.length; i++) data[i] = BigInt(x[i])
}

function fromNumbers(x: NumberData, data: NumberData, truncate: boolean): void {
  if (truncate) for (let i = 0; i < x.length; i++) data[i] = truncateToInt32(x[i])
  else data.set(x)
}
