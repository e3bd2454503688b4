// Host arrays to device bytes and back: halves become bit patterns, everything else is copied as it lies (little-endian).

import { bytesOf, type DType } from '../base/dtype.ts'
import { bfloat16Bits, bfloat16Value, float16Bits, float16Value } from '../base/half.ts'
import { type Shape, sizeOf } from '../base/shape.ts'
import { type HostArray, hostZeros } from './host-array.ts'

const bytesUnder = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/** The bytes a device stores for `array`; a copy. */
export function encodeHost(array: HostArray): Uint8Array {
  if (array.dtype !== 'float16' && array.dtype !== 'bfloat16') return bytesUnder(array.data).slice()
  const toBits = array.dtype === 'float16' ? float16Bits : bfloat16Bits
  const values = array.data as Float32Array
  const patterns = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) patterns[i] = toBits(values[i])
  return bytesUnder(patterns)
}

/** The values that device bytes stand for; a copy, so any alignment will do. A bool is true unless its byte is 0. */
export function decodeHost(dtype: DType, shape: Shape, bytes: Uint8Array): HostArray {
  const result = hostZeros(dtype, shape)
  const used = bytes.subarray(0, sizeOf(shape) * bytesOf(dtype))
  if (dtype !== 'float16' && dtype !== 'bfloat16') {
    bytesUnder(result.data).set(used)
    if (dtype === 'bool') for (let i = 0; i < used.length; i++) if (used[i] !== 0) result.data[i] = 1
    return result
  }
  const toValue = dtype === 'float16' ? float16Value : bfloat16Value
  const patterns = new Uint16Array(new Uint8Array(used).buffer)
  const values = result.data as Float32Array
  for (let i = 0; i < values.length; i++) values[i] = toValue(patterns[i])
  return result
}
