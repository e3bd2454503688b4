// The ten dtypes: size, category, typed array, and PyTorch's promotion as a join over a small lattice.
// https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc

import { DTypeError } from './errors.ts'

export const dtypes = [
  'bool',
  'uint8',
  'int8',
  'int16',
  'int32',
  'int64',
  'float16',
  'bfloat16',
  'float32',
  'float64',
] as const
export type DType = (typeof dtypes)[number]
export type DTypeCategory = 'bool' | 'int' | 'float'

interface DTypeRow {
  readonly bytes: number
  readonly category: DTypeCategory
  readonly signed: boolean
  /** safetensors' name of this dtype */
  readonly wire: string
}

export const dtypeTable = {
  bool: { bytes: 1, category: 'bool', signed: false, wire: 'BOOL' },
  uint8: { bytes: 1, category: 'int', signed: false, wire: 'U8' },
  int8: { bytes: 1, category: 'int', signed: true, wire: 'I8' },
  int16: { bytes: 2, category: 'int', signed: true, wire: 'I16' },
  int32: { bytes: 4, category: 'int', signed: true, wire: 'I32' },
  int64: { bytes: 8, category: 'int', signed: true, wire: 'I64' },
  float16: { bytes: 2, category: 'float', signed: true, wire: 'F16' },
  bfloat16: { bytes: 2, category: 'float', signed: true, wire: 'BF16' },
  float32: { bytes: 4, category: 'float', signed: true, wire: 'F32' },
  float64: { bytes: 8, category: 'float', signed: true, wire: 'F64' },
} as const satisfies Record<DType, DTypeRow>

/** The dtype itself, if it is one. */
export function checkDType(op: string, dtype: DType): DType {
  if (Object.hasOwn(dtypeTable, dtype)) return dtype
  throw new DTypeError(`${op}: expected a dtype (${dtypes.join(', ')}), got '${String(dtype)}'.`, { op, dtype })
}

export const bytesOf = (dtype: DType): number => dtypeTable[dtype].bytes
export const categoryOf = (dtype: DType): DTypeCategory => dtypeTable[dtype].category
export const isFloat = (dtype: DType): boolean => dtypeTable[dtype].category === 'float'
export const isInteger = (dtype: DType): boolean => dtypeTable[dtype].category === 'int'

const signedOfBytes: Record<number, DType> = { 1: 'int8', 2: 'int16', 4: 'int32', 8: 'int64' }

const promoteIntegers = (a: DType, b: DType): DType => {
  const [rowA, rowB] = [dtypeTable[a], dtypeTable[b]]
  if (rowA.signed === rowB.signed) return rowA.bytes >= rowB.bytes ? a : b
  const [signed, unsigned] = rowA.signed ? [rowA, rowB] : [rowB, rowA]
  return signedOfBytes[signed.bytes > unsigned.bytes ? signed.bytes : unsigned.bytes * 2]
}

/** The smallest dtype that both convert to without leaving their category: PyTorch's `torch.promote_types`. */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b) return a
  const [categoryA, categoryB] = [categoryOf(a), categoryOf(b)]
  if (categoryA === 'bool') return b
  if (categoryB === 'bool') return a
  if (categoryA !== categoryB) return categoryA === 'float' ? a : b
  if (categoryA === 'int') return promoteIntegers(a, b)
  if (bytesOf(a) === 2 && bytesOf(b) === 2) return 'float32'
  return bytesOf(a) >= bytesOf(b) ? a : b
}

/** What a JavaScript scalar operand weighs: it never widens a tensor within its category. */
export type WeakCategory = DTypeCategory

const weakDefaults: Record<WeakCategory, DType> = { bool: 'bool', int: 'int64', float: 'float32' }
const categoryRank: Record<DTypeCategory, number> = { bool: 0, int: 1, float: 2 }

export const weakCategoryOf = (value: number | bigint | boolean): WeakCategory =>
  typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' || Number.isInteger(value) ? 'int' : 'float'

/** Result dtype of a tensor with a JavaScript scalar: the tensor's, unless the scalar's category is higher. */
export const promoteWeak = (dtype: DType, weak: WeakCategory): DType =>
  categoryRank[weak] > categoryRank[categoryOf(dtype)] ? weakDefaults[weak] : dtype
