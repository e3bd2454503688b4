// How values are held: the form of each dtype on the stack, alone or as the lanes of one v128, and the shuffles between widths.
// A group has 4 lanes, or 2 where its loop computes anything of 64 bits; then 32-bit lanes are the lower two of four.
import { bytesOf, type DType, isFloat } from '../../base/dtype.ts'
import type { ValueType } from './instruction-table.ts'

export type NumberForm = 'i32' | 'i64' | 'f32' | 'f64'
/** `mask` is bool: an i32 of 0 or 1 alone, all bits of a lane in vectors, 64-bit lanes in groups of two. */
export type Form = NumberForm | 'mask'

export const formOf = (dtype: DType): Form => {
  if (dtype === 'bool') return 'mask'
  if (isFloat(dtype)) return dtype === 'float64' ? 'f64' : 'f32'
  return dtype === 'int64' ? 'i64' : 'i32'
}

export const isWide = (form: Form): boolean => form === 'i64' || form === 'f64'
export const isWideDType = (dtype: DType): boolean => bytesOf(dtype) === 8
export const scalarType = (form: Form): ValueType => (form === 'mask' ? 'i32' : form)

export const shapeOf: Record<NumberForm, string> = { i32: 'i32x4', i64: 'i64x2', f32: 'f32x4', f64: 'f64x2' }

/** Which lanes of a group count: those that are known to be able to and, where there is a local with a mask, are set in it. */
export interface Mask {
  readonly possible: readonly boolean[]
  readonly local: number | undefined
}

/** Lanes of a vector loop that are computed together; `predicate` says which count, if not all do. */
export interface Group {
  readonly lanes: 1 | 2 | 4
  readonly index: number
  readonly offset: number
  readonly predicate: Mask | undefined
}

/** The first `count` of a group's lanes. */
export const firstLanes = (lanes: number, count: number): Mask => ({
  possible: Array.from({ length: lanes }, (_, lane) => lane < count),
  local: undefined,
})

export const scalarGroup: Group = { lanes: 1, index: 0, offset: 0, predicate: undefined }

/** A shuffle of two vectors in 32-bit words: 0-3 of the first, 4-7 of the second. */
export const words = (...list: number[]): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, i) => 4 * list[i >> 2] + (i & 3))

export const shuffles = {
  evenWords: words(0, 2, 0, 2),
  upperHalf: words(2, 3, 2, 3),
  swapPairs: words(1, 0, 3, 2),
  lowFirstThenHigh: words(0, 1, 6, 7),
  lowThenLow: words(0, 1, 4, 5),
} as const

/** The low byte, or two bytes, of each 32-bit lane, packed. */
export const packLanes = (bytes: 1 | 2): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, i) => (i < 4 * bytes ? 4 * Math.floor(i / bytes) + (i % bytes) : 0))

export const vectorBytes = (values: ArrayLike<number | bigint>, form: NumberForm): Uint8Array => {
  const view = new DataView(new ArrayBuffer(16))
  const wide = isWide(form)
  for (let lane = 0; lane < (wide ? 2 : 4); lane++) {
    const value = values[Math.min(lane, values.length - 1)]
    if (form === 'i32') view.setInt32(4 * lane, Number(value), true)
    else if (form === 'f32') view.setFloat32(4 * lane, Number(value), true)
    else if (form === 'f64') view.setFloat64(8 * lane, Number(value), true)
    else view.setBigInt64(8 * lane, BigInt(value), true)
  }
  return new Uint8Array(view.buffer)
}
