// Methods that reduce axes: sums, means, extrema and their indices, and tests of all elements.
import type { DType } from '../../base/dtype.ts'
import { ShapeError } from '../../base/errors.ts'
import { formatShape, normalizeAxes } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import { argmax, argmin, maxWithIndex, minWithIndex } from '../../graph/composites/arg-extremum.ts'
import { cumsum } from '../../graph/composites/cumsum.ts'
import { norm2, std, variance } from '../../graph/composites/moments.ts'
import { logsumexp } from '../../graph/composites/softmax.ts'
import type { Node } from '../../graph/node.ts'
import { type Axes, axesOf, type ReduceOptions, reduceOptions } from '../arguments.ts'
import type { Tensor } from '../tensor.ts'
import { MathTensor } from './math.ts'

export interface ValuesAndIndices {
  readonly values: Tensor
  readonly indices: Tensor
}

export interface VarianceOptions {
  /** subtracted from the count of elements: 1 for the unbiased estimate */
  readonly correction?: number
  readonly keepdim?: boolean
}

export abstract class ReductionTensor extends MathTensor {
  /** Sum over axes; integers and bools are added as int64. The second argument is `keepdim`, or options. */
  sum(dim?: Axes, options: boolean | ReduceOptions = {}): Tensor {
    const { keepdim, dtype } = reduceOptions(options)
    return this.result(withDType(build.sum(build.castIfGiven(this.node, dtype), axesOf(dim), keepdim), dtype))
  }

  prod(dim?: Axes, options: boolean | ReduceOptions = {}): Tensor {
    const { keepdim, dtype } = reduceOptions(options)
    return this.result(withDType(build.prod(build.castIfGiven(this.node, dtype), axesOf(dim), keepdim), dtype))
  }

  mean(dim?: Axes, options: boolean | ReduceOptions = {}): Tensor {
    const { keepdim, dtype } = reduceOptions(options)
    return this.result(build.mean(build.castIfGiven(this.node, dtype), axesOf(dim), keepdim))
  }

  /** Largest along axes; the gradient is shared evenly among equal elements. */
  amax(dim?: Axes, keepdim = false): Tensor {
    return this.result(build.amax(expectElements('amax', this.node, dim), axesOf(dim), keepdim))
  }

  amin(dim?: Axes, keepdim = false): Tensor {
    return this.result(build.amin(expectElements('amin', this.node, dim), axesOf(dim), keepdim))
  }

  /** The largest element; with an axis, largest values and their first indices; with a tensor, elementwise `maximum`. */
  max(): Tensor
  max(other: Tensor): Tensor
  max(dim: number, keepdim?: boolean): ValuesAndIndices
  max(what?: number | Tensor, keepdim = false): Tensor | ValuesAndIndices {
    if (what === undefined) return this.amax()
    return typeof what === 'number' ? this.#extremum(maxWithIndex, what, keepdim) : this.maximum(what)
  }

  min(): Tensor
  min(other: Tensor): Tensor
  min(dim: number, keepdim?: boolean): ValuesAndIndices
  min(what?: number | Tensor, keepdim = false): Tensor | ValuesAndIndices {
    if (what === undefined) return this.amin()
    return typeof what === 'number' ? this.#extremum(minWithIndex, what, keepdim) : this.minimum(what)
  }

  #extremum(find: typeof maxWithIndex, dim: number, keepdim: boolean): ValuesAndIndices {
    const { values, indices } = find(this.node, dim, keepdim)
    return { values: this.result(values), indices: this.result(indices) }
  }

  /** Index of the first largest element: along an axis, or in the flat tensor. NaN counts as largest. */
  argmax(dim?: number | null, keepdim = false): Tensor {
    return this.result(argmax(this.node, dim ?? undefined, keepdim))
  }

  argmin(dim?: number | null, keepdim = false): Tensor {
    return this.result(argmin(this.node, dim ?? undefined, keepdim))
  }

  /** Whether any element is not zero. */
  any(dim?: Axes, keepdim = false): Tensor {
    return this.result(maskDType(build.any(this.node, axesOf(dim), keepdim), this.node))
  }

  all(dim?: Axes, keepdim = false): Tensor {
    return this.result(maskDType(build.all(this.node, axesOf(dim), keepdim), this.node))
  }

  /** Variance: mean of squared distances from the mean, divided by the count less `correction`. */
  var(dim?: Axes, { correction = 1, keepdim = false }: VarianceOptions = {}): Tensor {
    return this.result(variance(this.node, axesOf(dim), correction, keepdim))
  }

  std(dim?: Axes, { correction = 1, keepdim = false }: VarianceOptions = {}): Tensor {
    return this.result(std(this.node, axesOf(dim), correction, keepdim))
  }

  /** log(sum(exp(x))), without overflow. */
  logsumexp(dim: Axes, keepdim = false): Tensor {
    return this.result(logsumexp(this.node, axesOf(dim), keepdim))
  }

  /** Sums of the elements up to and with each along an axis. */
  cumsum(dim: number, { dtype }: { readonly dtype?: DType } = {}): Tensor {
    return this.result(withDType(cumsum(build.castIfGiven(this.node, dtype), dim), dtype))
  }

  /** (sum |x|^p)^(1/p) over axes; p may be Infinity. */
  norm(p = 2, dim?: Axes, keepdim = false): Tensor {
    const size = this.abs()
    if (p === Number.POSITIVE_INFINITY) return size.amax(dim, keepdim)
    if (p === 2) return this.result(norm2(build.toFloat(this.node), axesOf(dim), keepdim))
    if (p === 1) return size.sum(dim, keepdim)
    return size
      .pow(p)
      .sum(dim, keepdim)
      .pow(1 / p)
  }

  /** Number of elements that are not zero. */
  countNonzero(dim?: Axes): Tensor {
    return this.result(build.sum(build.toBool(this.node), axesOf(dim)))
  }
}

const withDType = (node: Node, dtype: DType | undefined): Node => build.castIfGiven(node, dtype)
/** PyTorch's `any` and `all` of uint8 are uint8. */
const maskDType = (mask: Node, x: Node): Node => (x.dtype === 'uint8' ? build.cast(mask, 'uint8') : mask)

function expectElements(op: string, x: Node, dim: Axes): Node {
  const axes = normalizeAxes(op, axesOf(dim), x.shape.length)
  if (axes.some((axis) => x.shape[axis] === 0))
    throw new ShapeError(
      `${op}: expected at least one element along the reduced axes, got ${formatShape(x.shape)}. Nothing has no extremum.`,
      { op, shape: x.shape },
    )
  return x
}
