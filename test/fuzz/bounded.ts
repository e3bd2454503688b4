// Nodes that carry a bound of their values and of the rounding errors in them, so that what two correct evaluations may differ by is
// known for any random graph. A value whose `grain` is not 0 is exact: a multiple of it, few enough of them for the dtype's digits.
import { bytesOf, type DType, isFloat } from '../../src/base/dtype.ts'
import type { Node } from '../../src/graph/node.ts'

export interface Bounded {
  readonly node: Node
  /** no element is larger in magnitude */
  readonly bound: number
  /** no element is further from the true one; 0 for exact values */
  readonly error: number
  /** every element is a multiple of this power of two; 0 when the value is not exact */
  readonly grain: number
}

const digits = (dtype: DType): number => (dtype === 'float64' ? 53 : 24)
/** Twice the unit roundoff: kernels and reference may each be off by one. */
export const epsilonOf = (dtype: DType): number => 2 ** (2 - digits(dtype))
const integerLimit = (dtype: DType): number => (dtype === 'bool' ? 1 : 2 ** (8 * bytesOf(dtype) - 1))

/** A value of which nothing but its bound and error is known. */
export function rounded(node: Node, bound: number, error: number): Bounded {
  if (!isFloat(node.dtype)) return integral(node, bound)
  return { node, bound, error: error + epsilonOf(node.dtype) * bound, grain: 0 }
}

/** A value computed exactly from exact ones, unless it has too many digits; `error` holds where its parts were not exact. */
export function exactly(node: Node, bound: number, grain: number, error = 0): Bounded {
  if (!isFloat(node.dtype)) return integral(node, bound)
  if (grain === 0 || bound / grain > 2 ** digits(node.dtype)) return rounded(node, bound, error)
  return { node, bound, error: 0, grain }
}

/** Whole numbers wrap around, so their bound is never beyond the dtype's. */
export function integral(node: Node, bound: number): Bounded {
  const limit = integerLimit(node.dtype)
  return { node, bound: bound >= limit ? limit : bound, error: 0, grain: 1 }
}

/** A function with a derivative of at most `slope`, whose results are at most `bound`. */
export const smooth = (node: Node, x: Bounded, bound: number, slope: number): Bounded =>
  rounded(node, bound, x.error * slope + 4 * epsilonOf(node.dtype) * bound)

export const isExact = (x: Bounded): boolean => x.grain > 0

/** The same elements, or some of them, elsewhere. */
export const moved = (node: Node, x: Bounded): Bounded => ({ ...x, node })

/** Elements of either. */
export function mixed(node: Node, ...parts: readonly Bounded[]): Bounded {
  const [bound, error] = [Math.max(...parts.map((x) => x.bound)), Math.max(...parts.map((x) => x.error))]
  const grain = Math.min(...parts.map((x) => x.grain))
  return grain > 0 ? exactly(node, bound, grain) : { node, bound, error, grain: 0 }
}
