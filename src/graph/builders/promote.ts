// PyTorch's type promotion at node level: operands of any dtypes go in, casts to their common dtype come out.
// https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
import { categoryOf, checkDType, type DType, type DTypeCategory, promoteTypes } from '../../base/dtype.ts'
import { makeNode, type Node } from '../node.ts'

const rank: Record<DTypeCategory, number> = { bool: 0, int: 1, float: 2 }

/** Values of another dtype; the node itself where it has that dtype. */
export function cast(x: Node, dtype: DType): Node {
  return x.dtype === dtype ? x : makeNode('cast', [x], { dtype: checkDType('cast', dtype) }, x.shape, dtype)
}

/** The common dtype of two operands: one of 0 dimensions does not widen the other within its category. */
export function resultDType(a: Node, b: Node): DType {
  if (a.dtype === b.dtype) return a.dtype
  if ((a.shape.length === 0) === (b.shape.length === 0)) return promoteTypes(a.dtype, b.dtype)
  const [scalar, tensor] = a.shape.length === 0 ? [a, b] : [b, a]
  return rank[categoryOf(scalar.dtype)] > rank[categoryOf(tensor.dtype)] ? scalar.dtype : tensor.dtype
}

/** All operands in the dtype that every one of them converts to. */
export function promoteOperands(inputs: readonly Node[]): Node[] {
  const dtype = inputs.reduce<DType>((joined, input) => promoteTypes(joined, input.dtype), inputs[0].dtype)
  return inputs.map((input) => cast(input, dtype))
}
