// Whole numbers that compare as a tensor's values do: floats by their bits, zeros alike and NaN the largest. Orders are found on these.
import { type DType, isFloat } from '../../base/dtype.ts'
import { and, bitcast, cast, equal, isNaN as holdsNaN, scalarLike, shiftRight, sub, where, xor } from '../builders.ts'
import type { Node } from '../node.ts'

const isWide = (dtype: DType): boolean => dtype === 'int64' || dtype === 'float64'

/** One key an element: int64 for dtypes of eight bytes, else int32. Those of a descending order grow as values fall, so NaN is least. */
export function sortKey(x: Node, descending: boolean): Node {
  const key = ascendingKey(x)
  return descending ? xor(key, -1) : key
}

function ascendingKey(x: Node): Node {
  if (!isFloat(x.dtype)) return isWide(x.dtype) ? x : cast(x, 'int32')
  return isWide(x.dtype) ? floatKey(x, 'int64', 63) : floatKey(cast(x, 'float32'), 'int32', 31)
}

/** A float's bits compare like whole numbers, but for the order of negative ones. Zeros are one, and NaN is above infinity. */
function floatKey(x: Node, dtype: 'int32' | 'int64', signBit: number): Node {
  const plain = where(holdsNaN(x), scalarLike(x, Number.NaN), where(equal(x, 0), scalarLike(x, 0), x))
  const bits = bitcast(plain, dtype)
  const sign = shiftRight(bits, signBit)
  const largest = dtype === 'int32' ? 2 ** 31 - 1 : 2n ** 63n - 1n
  return xor(bits, and(sign, scalarLike(bits, largest)))
}

/** The key in words of int32, the least significant first: two where 32 bits do not hold it. */
export function keyWords(key: Node): Node[] {
  if (key.dtype !== 'int64') return [key]
  // the lower half counts from 0: less half of its range, it is an int32
  const low = sub(and(key, 2 ** 32 - 1), 2 ** 31)
  return [cast(low, 'int32'), cast(shiftRight(key, 32), 'int32')]
}

/** Bits that differences of keys may have, by the dtype of the values. */
export const keyBits: Readonly<Record<DType, number>> = {
  bool: 1,
  uint8: 8,
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
  float16: 32,
  bfloat16: 32,
  float32: 32,
  float64: 64,
}
