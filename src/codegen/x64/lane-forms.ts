// How values of each dtype sit in the lanes of vector registers.
import type { DType } from '../../base/dtype.ts'

/**
 * How a value sits in vector registers: float lanes of 32 (float16 and bfloat16 too) or 64 bits, integer lanes of 32 (all but int64,
 * extended by their sign) or 64 bits, or a bool as a 32-bit lane of zeros or ones.
 */
export type Form = 'f32' | 'f64' | 'i32' | 'i64' | 'mask'

const forms: Record<DType, Form> = {
  bool: 'mask',
  uint8: 'i32',
  int8: 'i32',
  int16: 'i32',
  int32: 'i32',
  int64: 'i64',
  float16: 'f32',
  bfloat16: 'f32',
  float32: 'f32',
  float64: 'f64',
}
export const formOf = (dtype: DType): Form => forms[dtype]
export const isWide = (form: Form): boolean => form === 'f64' || form === 'i64'
