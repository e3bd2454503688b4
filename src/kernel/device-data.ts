// Device memory as typed arrays: how the interpreter sees params and scratch. Halves lie as bit patterns, bool as bytes.
import type { DType } from '../base/dtype.ts'
import { bfloat16Bits, bfloat16Value, float16Bits, float16Value } from '../base/half.ts'
import type { Value } from './alu-arithmetic.ts'

export type DeviceData =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array

export const deviceArrays = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
} as const satisfies Record<DType, unknown>

/** Every bit set: a NaN in each float format and -1 in each signed integer, so that reading what was never written shows. */
export function poisoned(dtype: DType, size: number): DeviceData {
  const data = new deviceArrays[dtype](size)
  new Uint8Array(data.buffer).fill(0xff)
  return data
}

interface Format {
  readonly load: (data: DeviceData, index: number) => Value
  readonly store: (data: DeviceData, index: number, value: Value) => void
}

const plain: Format = {
  load: (data, index) => data[index],
  store: (data, index, value) => {
    data[index] = value
  },
}

const half = (toValue: (bits: number) => number, toBits: (value: number) => number): Format => ({
  load: (data, index) => toValue(data[index] as number),
  store: (data, index, value) => {
    data[index] = toBits(value as number)
  },
})

const float16 = half(float16Value, float16Bits)
const bfloat16 = half(bfloat16Value, bfloat16Bits)

export const formatOf = (dtype: DType): Format =>
  dtype === 'float16' ? float16 : dtype === 'bfloat16' ? bfloat16 : plain
