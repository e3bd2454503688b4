// Methods that pick by rank or write by position: medians and quantiles, flat takes and puts, writes where a mask is true.
import { ArgumentError, DTypeError, ShapeError } from '../../base/errors.ts'
import { broadcastShapes, normalizeAxis } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import * as statistics from '../../graph/composites/order-statistics.ts'
import { cumsum } from '../../graph/composites/running.ts'
import type { Node } from '../../graph/node.ts'
import { expectInteger, isScalar, type Keepdim, keeps, type Operand } from '../arguments.ts'
import { type Index, scatterInto } from '../indexing.ts'
import type { Tensor } from '../tensor.ts'
import { gatherWrapped, IndexingTensor } from './indexing.ts'
import type { ValuesAndIndices } from './reduction.ts'

export interface QuantileOptions {
  readonly interpolation?: statistics.Interpolation
}

export interface AccumulateOptions {
  /** adds instead of replacing */
  readonly accumulate?: boolean
}

export interface DiffOptions {
  /** joined on before and after first */
  readonly prepend?: Tensor | null
  readonly append?: Tensor | null
}

export abstract class SelectionTensor extends IndexingTensor {
  // --- by rank --------------------------------------------------------------------------------------------------------------

  /** The lower of the two middle elements; with an axis, also where it stands. NaN where there is one. */
  median(): Tensor
  median(dim: number, keepdim?: Keepdim): ValuesAndIndices
  median(dim?: number, keepdim: Keepdim = false): Tensor | ValuesAndIndices {
    if (dim === undefined) return this.result(statistics.medianOfAll(this.node, false))
    return this.valuesAndIndices(statistics.medianAlong(this.node, dim, keeps(keepdim), false))
  }

  /** The median of the elements that are not NaN. */
  nanmedian(): Tensor
  nanmedian(dim: number, keepdim?: Keepdim): ValuesAndIndices
  nanmedian(dim?: number, keepdim: Keepdim = false): Tensor | ValuesAndIndices {
    if (dim === undefined) return this.result(statistics.medianOfAll(this.node, true))
    return this.valuesAndIndices(statistics.medianAlong(this.node, dim, keeps(keepdim), true))
  }

  /** The k-th smallest element along an axis, k from 1, and where it stands. */
  kthvalue(k: number, dim = -1, keepdim: Keepdim = false): ValuesAndIndices {
    return this.valuesAndIndices(statistics.kthvalue(this.node, k, dim, keeps(keepdim)))
  }

  /** The value below which a share q of the elements lies; several shares come on a new first axis. */
  quantile(q: number | Tensor, dim?: number | null, keepdim: Keepdim = false, options: QuantileOptions = {}): Tensor {
    return this.#quantile(q, dim, keeps(keepdim), options, false)
  }

  nanquantile(
    q: number | Tensor,
    dim?: number | null,
    keepdim: Keepdim = false,
    options: QuantileOptions = {},
  ): Tensor {
    return this.#quantile(q, dim, keeps(keepdim), options, true)
  }

  #quantile(
    q: number | Tensor,
    dim: number | null | undefined,
    keepdims: boolean,
    { interpolation = 'linear' }: QuantileOptions,
    skipsNaN: boolean,
  ): Tensor {
    const share = typeof q === 'number' ? q : this.nodeOf('quantile', q)
    const axis = dim === null || dim === undefined ? {} : { axis: dim }
    const node = statistics.quantile(this.node, share, { ...axis, keepdims, interpolation, skipsNaN })
    return typeof q === 'number' ? this.result(node) : this.result(node, q)
  }

  /** Differences of neighbours along an axis, n times over. */
  diff(n = 1, dim = -1, { prepend, append }: DiffOptions = {}): Tensor {
    if (!Number.isInteger(n) || n < 0)
      throw new ArgumentError(`diff: expected a whole number of times from 0, got ${n}.`, { n })
    if (this.ndim === 0) throw new ShapeError('diff: expected at least 1 dimension, got none.', { op: 'diff' })
    const axis = normalizeAxis('diff', dim, this.ndim)
    if (n === 0) return this.movedTo(this.node)
    const asPiece = (x: Tensor): Node => {
      const node = this.nodeOf('diff', x)
      if (node.shape.length > 0) return node
      return build.broadcastTo(
        node,
        this.shape.map((extent, i) => (i === axis ? 1 : extent)),
      )
    }
    let node = build.concat(
      [...(prepend ? [asPiece(prepend)] : []), this.node, ...(append ? [asPiece(append)] : [])],
      axis,
    )
    for (let i = 0; i < n && node.shape[axis] > 0; i++) node = neighbourDifferences(node, axis)
    return this.result(node, ...[prepend, append].filter((each): each is Tensor => Boolean(each)))
  }

  // --- by position ----------------------------------------------------------------------------------------------------------

  /** Elements of the flat tensor, in the shape of the index; negative positions count from the end. */
  take(index: Tensor): Tensor {
    const at = this.nodeOf('take', index)
    expectIndex('take', at)
    const picked = gatherWrapped(build.flatten(this.node), 0, build.flatten(at))
    return this.result(build.reshape(picked, at.shape))
  }

  /** Elements of `source` written at positions of the flat tensor. */
  put(index: Tensor, source: Tensor, { accumulate = false }: AccumulateOptions = {}): Tensor {
    const [at, given] = [this.nodeOf('put', index), this.nodeOf('put', source)]
    expectIndex('put', at)
    expectSameDType('put', this.node, given)
    const flat = build.flatten(this.node)
    const places = wrapped(build.flatten(at), flat.shape[0])
    const node = scatterInto(flat, 0, places, build.flatten(given), accumulate ? 'sum' : 'set', 'put')
    return this.result(build.reshape(node, this.shape), source)
  }

  /** One value at the positions of a 1-dimensional index along an axis. */
  indexFill(dim: number, index: Tensor, value: Operand): Tensor {
    const axis = normalizeAxis('indexFill', dim, this.ndim)
    const at = this.nodeOf('indexFill', index)
    expectIndex('indexFill', at)
    if (at.shape.length > 1 || (!isScalar(value) && value.ndim > 0))
      throw new ShapeError('indexFill: expected an index of one dimension and one value.', { op: 'indexFill' })
    const base = this.ndim === 0 ? build.reshape(this.node, [1]) : this.node
    const extent = base.shape[axis]
    const places = wrapped(build.reshape(at, [-1]), extent)
    const chosen = build.full(places.shape, true, 'bool')
    const mask = build.scatter(build.full([extent], false, 'bool'), 0, places, chosen, 'set', 'indexFill')
    const fill = isScalar(value)
      ? build.constant(value, this.dtype)
      : build.cast(this.nodeOf('indexFill', value), this.dtype)
    const node = build.where(build.alongAxis(mask, axis, base.shape), fill, base)
    return this.result(build.reshape(node, this.shape), ...(isScalar(value) ? [] : [value]))
  }

  /** `values` written at what the index tensors pick; duplicates add up with `accumulate`, else one of them stays. */
  indexPut(indices: readonly Index[], values: Tensor, { accumulate = false }: AccumulateOptions = {}): Tensor {
    expectSameDType('indexPut', this.node, this.nodeOf('indexPut', values))
    const copy = this.clone()
    return copy.replaced('indexPut', indices, values, accumulate)
  }

  /** Elements of `source`, in order, where the mask is true. */
  maskedScatter(mask: Tensor, source: Tensor): Tensor {
    const [condition, given] = [this.nodeOf('maskedScatter', mask), this.nodeOf('maskedScatter', source)]
    if (condition.dtype !== 'bool')
      throw new DTypeError(`maskedScatter: expected a bool mask, got ${condition.dtype}.`, { op: 'maskedScatter' })
    expectSameDType('maskedScatter', this.node, given)
    const shape = broadcastShapes('maskedScatter', this.shape, condition.shape)
    const wide = build.flatten(build.broadcastTo(condition, shape))
    const base = build.broadcastTo(this.node, shape)
    if (wide.shape[0] === 0) return this.result(base, source)
    const rank = build.where(wide, build.sub(cumsum(build.cast(wide, 'int64'), 0), 1), 0)
    const values = build.reshape(build.gather(padded(build.flatten(given)), 0, rank, 'maskedScatter'), shape)
    return this.result(build.where(build.reshape(wide, shape), values, base), source)
  }
}

/** An empty source still has something to be read where the mask is false. */
const padded = (x: Node): Node => (x.shape[0] === 0 ? build.full([1], x.dtype === 'bool' ? false : 0, x.dtype) : x)

const wrapped = (at: Node, extent: number): Node => build.where(build.less(at, 0), build.add(at, extent), at)

function neighbourDifferences(x: Node, axis: number): Node {
  const count = x.shape[axis] - 1
  const [before, after] = [build.narrow(x, axis, 0, count), build.narrow(x, axis, 1, count)]
  return x.dtype === 'bool' ? build.logicalXor(after, before) : build.sub(after, before)
}

function expectIndex(op: string, index: Node): void {
  expectInteger(op, 'an index', index.dtype)
}

function expectSameDType(op: string, x: Node, source: Node): void {
  if (x.dtype !== source.dtype)
    throw new DTypeError(
      `${op}: expected values of dtype ${x.dtype}, got ${source.dtype}. Convert them: values.to('${x.dtype}').`,
      { op },
    )
}
