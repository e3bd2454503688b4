// Values on the host: what the reference semantics read and write, and what devices are checked against.
import type { DType } from '../base/dtype.ts'
import { type Shape, sizeOf } from '../base/shape.ts'

/**
 * A contiguous row-major array. `data` holds values: float16 and bfloat16 as Float32Array with every element already rounded
 * to the dtype, bool as Uint8Array of 0 and 1, int64 as BigInt64Array.
 */
export interface HostArray {
  readonly dtype: DType
  readonly shape: Shape
  readonly data: HostData
}

export type HostData = Uint8Array | Int8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array

const constructors = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const satisfies Record<DType, new (size: number) => HostData>

/** An array of zeros. */
export const hostZeros = (dtype: DType, shape: Shape): HostArray => ({
  dtype,
  shape,
  data: new constructors[dtype](sizeOf(shape)),
})
