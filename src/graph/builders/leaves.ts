// Builders of leaves: values, shapes and dtypes go in, nodes without inputs come out.
import { categoryOf, type DType, dtypeTable } from '../../base/dtype.ts'
import { DTypeError } from '../../base/errors.ts'
import { checkShape, type Shape } from '../../base/shape.ts'
import { inferLeaves } from '../infer/leaves.ts'
import { type Leaf, makeNode, type Node, type Scalar } from '../node.ts'
import { broadcastTo } from './movement.ts'

/** The one spelling of a value in a dtype: booleans for bool, numbers where they are exact, BigInts beyond. */
export function normalizeScalar(value: Scalar, dtype: DType): Scalar {
  const category = categoryOf(dtype)
  if (category === 'bool') return Boolean(value)
  if (category === 'int') return normalizeInteger(value, dtype)
  return dtype === 'float64' ? Number(value) : Math.fround(Number(value))
}

function normalizeInteger(value: Scalar, dtype: DType): Scalar {
  const whole = typeof value === 'bigint' ? value : Math.trunc(Number(value))
  const { bytes, signed } = dtypeTable[dtype]
  const top = 2 ** (8 * bytes - (signed ? 1 : 0))
  if (!(whole >= (signed ? -top : 0) && whole < top))
    throw new DTypeError(`constant: expected a number that ${dtype} holds, got ${String(value)}. Use a wider dtype.`, {
      op: 'constant',
      value,
      dtype,
    })
  return typeof whole === 'bigint' && Number.isSafeInteger(Number(whole)) ? Number(whole) : whole
}

/** A 0-d value; fractions are cut off for integer dtypes, as in PyTorch. */
export function constant(value: Scalar, dtype: DType): Node {
  return makeNode('constant', [], { value: normalizeScalar(value, dtype), dtype }, [], dtype)
}

/** `shape` filled with one value. */
export const full = (shape: Shape, value: Scalar, dtype: DType): Node => broadcastTo(constant(value, dtype), shape)

/** A value of `like`'s shape and dtype. */
export const scalarLike = (like: Node, value: Scalar): Node => full(like.shape, value, like.dtype)
export const zerosLike = (like: Node): Node => scalarLike(like, like.dtype === 'bool' ? false : 0)
export const onesLike = (like: Node): Node => scalarLike(like, like.dtype === 'bool' ? true : 1)

/** 0, 1, … size - 1. */
export function iota(size: number, dtype: DType): Node {
  const attrs = { size, dtype }
  const { shape } = inferLeaves.iota([], attrs)
  return makeNode('iota', [], attrs, shape, dtype)
}

/** A value that the device holds. */
export function buffer(leaf: Leaf, shape: Shape, dtype: DType): Node<'buffer'> {
  return makeNode('buffer', [], { leaf, shape: checkShape('buffer', shape), dtype }, shape, dtype)
}

let placeholders = 0

/** A buffer that no storage has: stands for a value to be given later. */
export const placeholder = (shape: Shape, dtype: DType): Node<'buffer'> =>
  buffer({ storage: -++placeholders, version: 0 }, shape, dtype)
