// Typed arrays in and out of tensors: device bytes to the array that users get, and user values to device bytes.
import type { DType } from '../base/dtype.ts'
import { bytesOf } from '../base/dtype.ts'
import { type HostData, hostZeros } from '../graph/host-array.ts'
import { decodeHost, encodeHost } from '../graph/host-bytes.ts'
import type { ArrayElement } from './nested-array.ts'

export type TypedArray = HostData

/** The typed array of a dtype over a copy of device bytes. */
export const valuesOf = (bytes: Uint8Array, dtype: DType): TypedArray =>
  decodeHost(dtype, [bytes.byteLength / bytesOf(dtype)], bytes).data

/** Device bytes of row-major values, converted to `dtype` as a cast would. */
export function bytesOfValues(values: ArrayLike<ArrayElement>, dtype: DType): Uint8Array {
  const host = hostZeros(dtype, [values.length])
  const { data } = host
  if (values.constructor === data.constructor) data.set(values as never)
  else if (dtype === 'int64') for (let i = 0; i < values.length; i++) (data as BigInt64Array)[i] = toBigInt(values[i])
  else if (dtype === 'bool') for (let i = 0; i < values.length; i++) (data as Uint8Array)[i] = values[i] ? 1 : 0
  else for (let i = 0; i < values.length; i++) (data as Float64Array)[i] = Number(values[i])
  return encodeHost(host)
}

const toBigInt = (value: ArrayElement): bigint =>
  typeof value === 'bigint' ? value : BigInt(Math.trunc(Number(value)))

const dtypeOfArray: readonly (readonly [new (size: number) => TypedArray | Uint16Array, DType])[] = [
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [Int32Array, 'int32'],
  [BigInt64Array, 'int64'],
  [Uint8Array, 'uint8'],
  [Int8Array, 'int8'],
  [Int16Array, 'int16'],
]

/** The dtype that a typed array keeps, or undefined for other values. */
export const dtypeOfTypedArray = (values: unknown): DType | undefined =>
  dtypeOfArray.find(([type]) => values instanceof type)?.[1] ??
  (values instanceof Uint8ClampedArray ? 'uint8' : undefined)
