// Methods that reduce axes: sums, means, extrema and their indices, and tests of all elements.
import { type DType, isFloat } from '../../base/dtype.ts'
import { ShapeError } from '../../base/errors.ts'
import { formatShape, normalizeAxes } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import { argmax, argmin, maxWithIndex, minWithIndex } from '../../graph/composites/arg-extremum.ts'
import { std, variance } from '../../graph/composites/moments.ts'
import { type NormOrder, vectorNorm } from '../../graph/composites/norms.ts'
import * as running from '../../graph/composites/running.ts'
import { logsumexp } from '../../graph/composites/softmax.ts'
import type { Node } from '../../graph/node.ts'
import {
  type Axes,
  type AxesOr,
  axesOf,
  type Keepdim,
  type KeepdimOption,
  keeps,
  type ReduceOptions,
  reduceArguments,
  reduceOptions,
} from '../arguments.ts'
import type { Tensor } from '../tensor.ts'
import { SpecialTensor } from './special.ts'

export interface ValuesAndIndices {
  readonly values: Tensor
  readonly indices: Tensor
}

export interface MinAndMax {
  readonly min: Tensor
  readonly max: Tensor
}

export interface VarianceOptions {
  /** subtracted from the count of elements: 1 for the unbiased estimate */
  readonly correction?: number
  readonly keepdim?: boolean
}

export abstract class ReductionTensor extends SpecialTensor {
  /** Sum over axes; integers and bools are added as int64. The second argument is `keepdim`, or options. */
  sum(dim?: AxesOr<ReduceOptions>, options: boolean | ReduceOptions = {}): Tensor {
    const { axes, keepdim, dtype } = reduceArguments(dim, options)
    return this.result(withDType(build.sum(build.castIfGiven(this.node, dtype), axes, keepdim), dtype))
  }

  prod(dim?: AxesOr<ReduceOptions>, options: boolean | ReduceOptions = {}): Tensor {
    const { axes, keepdim, dtype } = reduceArguments(dim, options)
    return this.result(withDType(build.prod(build.castIfGiven(this.node, dtype), axes, keepdim), dtype))
  }

  mean(dim?: AxesOr<ReduceOptions>, options: boolean | ReduceOptions = {}): Tensor {
    const { axes, keepdim, dtype } = reduceArguments(dim, options)
    return this.result(build.mean(build.castIfGiven(this.node, dtype), axes, keepdim))
  }

  /** Largest along axes; the gradient is shared evenly among equal elements. */
  amax(dim?: AxesOr<KeepdimOption>, options: boolean | KeepdimOption = {}): Tensor {
    const { axes, keepdim } = reduceArguments(dim, options)
    return this.result(build.amax(expectElements('amax', this.node, axes), axes, keepdim))
  }

  amin(dim?: AxesOr<KeepdimOption>, options: boolean | KeepdimOption = {}): Tensor {
    const { axes, keepdim } = reduceArguments(dim, options)
    return this.result(build.amin(expectElements('amin', this.node, axes), axes, keepdim))
  }

  /** The largest element; with an axis, largest values and their first indices; with a tensor, elementwise `maximum`. */
  max(): Tensor
  max(other: Tensor): Tensor
  max(dim: number, keepdim?: Keepdim): ValuesAndIndices
  max(what?: number | Tensor, keepdim: Keepdim = false): Tensor | ValuesAndIndices {
    if (what === undefined) return this.amax()
    return typeof what === 'number' ? this.#extremum(maxWithIndex, what, keeps(keepdim)) : this.maximum(what)
  }

  min(): Tensor
  min(other: Tensor): Tensor
  min(dim: number, keepdim?: Keepdim): ValuesAndIndices
  min(what?: number | Tensor, keepdim: Keepdim = false): Tensor | ValuesAndIndices {
    if (what === undefined) return this.amin()
    return typeof what === 'number' ? this.#extremum(minWithIndex, what, keeps(keepdim)) : this.minimum(what)
  }

  #extremum(find: typeof maxWithIndex, dim: number, keepdim: boolean): ValuesAndIndices {
    return this.valuesAndIndices(find(this.node, dim, keepdim))
  }

  /** Index of the first largest element: along an axis, or in the flat tensor. NaN counts as largest. */
  argmax(dim?: number | null, keepdim: Keepdim = false): Tensor {
    return this.result(argmax(this.node, dim ?? undefined, keeps(keepdim)))
  }

  argmin(dim?: number | null, keepdim: Keepdim = false): Tensor {
    return this.result(argmin(this.node, dim ?? undefined, keeps(keepdim)))
  }

  /** Whether any element is not zero. */
  any(dim?: AxesOr<KeepdimOption>, options: boolean | KeepdimOption = {}): Tensor {
    const { axes, keepdim } = reduceArguments(dim, options)
    return this.result(maskDType(build.any(this.node, axes, keepdim), this.node))
  }

  all(dim?: AxesOr<KeepdimOption>, options: boolean | KeepdimOption = {}): Tensor {
    const { axes, keepdim } = reduceArguments(dim, options)
    return this.result(maskDType(build.all(this.node, axes, keepdim), this.node))
  }

  /** Variance: mean of squared distances from the mean, divided by the count less `correction`. */
  var(dim?: AxesOr<VarianceOptions>, options: VarianceOptions = {}): Tensor {
    const { axes, correction = 1, keepdim = false } = reduceArguments(dim, options)
    return this.result(variance(this.node, axes, correction, keepdim))
  }

  std(dim?: AxesOr<VarianceOptions>, options: VarianceOptions = {}): Tensor {
    const { axes, correction = 1, keepdim = false } = reduceArguments(dim, options)
    return this.result(std(this.node, axes, correction, keepdim))
  }

  /** log(sum(exp(x))), without overflow. */
  logsumexp(dim: AxesOr<KeepdimOption>, options: boolean | KeepdimOption = {}): Tensor {
    const { axes, keepdim } = reduceArguments(dim, options)
    return this.result(logsumexp(this.node, axes, keepdim))
  }

  /** Sums of the elements up to and with each along an axis. */
  cumsum(dim: number, { dtype }: { readonly dtype?: DType } = {}): Tensor {
    return this.result(withDType(running.cumsum(build.castIfGiven(this.node, dtype), dim), dtype))
  }

  /** Products of the elements up to and with each along an axis. */
  cumprod(dim: number, { dtype }: { readonly dtype?: DType } = {}): Tensor {
    return this.result(withDType(running.cumprod(build.castIfGiven(this.node, dtype), dim), dtype))
  }

  /** log of the running sum of exponentials along an axis. */
  logcumsumexp(dim: number): Tensor {
    return this.result(running.logcumsumexp(this.node, dim))
  }

  /** The largest element so far along an axis, and where it stands: the last of equal ones. */
  cummax(dim: number): ValuesAndIndices {
    return this.valuesAndIndices(running.cummax(this.node, dim))
  }

  cummin(dim: number): ValuesAndIndices {
    return this.valuesAndIndices(running.cummin(this.node, dim))
  }

  /** (sum |x|^p)^(1/p) over axes; p may be 0 (counts what is not 0), Infinity, -Infinity or 'fro' (2). */
  norm(p: NormOrder = 'fro', dim?: Axes, keepdim: boolean | ReduceOptions = false): Tensor {
    const { keepdim: keeps, dtype } = reduceOptions(keepdim)
    return this.result(vectorNorm(build.castIfGiven(this.node, dtype), p, axesOf(dim), keeps))
  }

  /** The norm of this less other. */
  dist(other: Tensor, p = 2): Tensor {
    return this.sub(other).norm(p)
  }

  /** Sum of the elements that are not NaN. */
  nansum(dim?: AxesOr<ReduceOptions>, options: boolean | ReduceOptions = {}): Tensor {
    return this.#withoutNaN().sum(dim, options)
  }

  /** Mean of the elements that are not NaN. */
  nanmean(dim?: AxesOr<ReduceOptions>, options: boolean | ReduceOptions = {}): Tensor {
    const { axes, keepdim, dtype } = reduceArguments(dim, options)
    if (!isFloat(this.dtype) && dtype === undefined) return this.mean(dim, options)
    const count = build.sum(build.logicalNot(build.isNaN(this.node)), axes, keepdim)
    const total = this.nansum(dim, options)
    return this.result(build.div(total.node, build.cast(count, total.dtype)), total)
  }

  #withoutNaN(): Tensor {
    return isFloat(this.dtype)
      ? this.result(build.where(build.isNaN(this.node), 0, this.node))
      : this.movedTo(this.node)
  }

  /** Variance and mean. */
  varMean(dim?: AxesOr<VarianceOptions>, options: VarianceOptions = {}): [Tensor, Tensor] {
    const { axes, keepdim } = reduceArguments(dim, options)
    return [this.var(dim, options), this.mean(axes, keepdim)]
  }

  /** Standard deviation and mean. */
  stdMean(dim?: AxesOr<VarianceOptions>, options: VarianceOptions = {}): [Tensor, Tensor] {
    const { axes, keepdim } = reduceArguments(dim, options)
    return [this.std(dim, options), this.mean(axes, keepdim)]
  }

  /** The smallest and the largest element: of all, or along one axis. */
  aminmax({ dim, keepdim = false }: { readonly dim?: number | null; readonly keepdim?: boolean } = {}): MinAndMax {
    const axes = this.ndim === 0 ? undefined : (dim ?? undefined)
    return { min: this.amin(axes, keepdim), max: this.amax(axes, keepdim) }
  }

  /** Tensors of values and indices that were built from this one. */
  protected valuesAndIndices({ values, indices }: { values: Node; indices: Node }): ValuesAndIndices {
    return { values: this.result(values), indices: this.result(indices) }
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
