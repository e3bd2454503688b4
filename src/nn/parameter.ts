// What makes a tensor field a parameter: it was made by `parameter`, or it was a leaf that requires grad when first met.
// The mark stays when the tensor is frozen, so a frozen weight is still saved, loaded and thawed.
import { ArgumentError } from '../base/errors.ts'
import { Tensor } from '../tensor/index.ts'

const marked = new WeakSet<Tensor>()

/** A leaf with the values of `value` that modules list as a parameter (torch.nn.Parameter). */
export function parameter(value: Tensor, requiresGrad = true): Tensor {
  if (!(value instanceof Tensor)) throw new ArgumentError(`parameter: expected a tensor, got ${typeof value}.`)
  const leaf = value.detach().requiresGrad_(requiresGrad)
  marked.add(leaf)
  return leaf
}

export function isParameter(value: unknown): value is Tensor {
  if (!(value instanceof Tensor)) return false
  if (marked.has(value)) return true
  if (!value.requiresGrad || !value.isLeaf) return false
  marked.add(value)
  return true
}
