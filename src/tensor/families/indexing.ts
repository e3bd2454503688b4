// Methods that read and write by position: basic slices are views, index tensors gather and scatter.
import { reduceIdentity } from '../../base/arithmetic.ts'
import { type DType, isFloat } from '../../base/dtype.ts'
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, normalizeAxis } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import { argsort, sort, topk } from '../../graph/composites/sort.ts'
import { tril, triu } from '../../graph/composites/triangle.ts'
import type { Node, ScatterKind } from '../../graph/node.ts'
import { expectInteger, isScalar, type Operand } from '../arguments.ts'
import { tensorOf } from '../core.ts'
import { bytesOfValues } from '../host-values.ts'
import {
  gatherIndexed,
  type Index,
  type IndexList,
  type NodeIndex,
  readBasic,
  replaceIndexed,
  type Slice,
  scatterInto,
  splitIndex,
  splitStrings,
} from '../indexing.ts'
import { flattenNested, type NestedArray } from '../nested-array.ts'
import { storeBytes } from '../store.ts'
import type { Tensor } from '../tensor.ts'
import { ActivationTensor } from './activation.ts'
import type { ValuesAndIndices } from './reduction.ts'

export interface ScatterOptions {
  /** combines with what is there instead of replacing it */
  readonly reduce?: 'add' | 'multiply' | null
}

export type ScatterReduction = 'sum' | 'prod' | 'mean' | 'amax' | 'amin'

export interface ScatterReduceOptions {
  /** whether what is there before takes part */
  readonly includeSelf?: boolean
}

const scatterKinds = {
  add: 'sum',
  multiply: 'prod',
  sum: 'sum',
  prod: 'prod',
  amax: 'max',
  amin: 'min',
  mean: 'sum',
} as const
const isSlice = (index: Index): index is Slice => typeof index !== 'object' || index === null

export abstract class IndexingTensor extends ActivationTensor {
  /**
   * A view by Python's notation: `x.slice(':', '1:-1', 0, '::2')`. A string is a range or `'...'` for the axes in between,
   * a number drops its axis, null adds one of size 1.
   */
  slice(...slices: readonly Slice[]): Tensor {
    return this.movedTo(readBasic(this.node, slices))
  }

  /**
   * The same, also with integer tensors or arrays: they broadcast together and pick elements, as in NumPy. The result is a copy.
   * Reading through a mask gives as many elements as it has true ones, which only running tells: `await x.indexMasked(mask)`.
   */
  index(...indices: readonly Index[]): Tensor {
    const given = splitStrings<Exclude<Index, Slice>>(indices)
    if (given.every(isSlice)) return this.slice(...given)
    return this.result(gatherIndexed(this.node, this.#nodesOf('index', given)))
  }

  /**
   * Writes in place: `x.set(0, '1:3', value)`; the last argument is the value, the others an index. A boolean mask writes where it is
   * true: a value that broadcasts, or one row for each true element. Integer tensors scatter.
   */
  set(...indicesAndValue: readonly [...Index[], Operand | IndexList]): this {
    const value = indicesAndValue[indicesAndValue.length - 1] as Operand | IndexList
    const source = Array.isArray(value) ? this.#listed(value as IndexList, this.dtype) : (value as Operand)
    this.replaced('set', indicesAndValue.slice(0, -1) as Index[], source, false)
    return this
  }

  /** Writes through an index, in place. */
  replaced(op: string, indices: readonly Index[], value: Operand, accumulate: boolean): this {
    const given = splitStrings<Exclude<Index, Slice>>(indices)
    const tracks = this.requiresGrad || (!isScalar(value) && value.requiresGrad)
    const source = isScalar(value) ? build.constant(value, this.dtype) : this.nodeOf(op, value)
    const { slices, rest } = splitIndex(op, this.node, this.#nodesOf(op, given))
    const isWhole = slices.every((slice) => slice === ':')
    const view: IndexingTensor = isWhole ? this : this.slice(...slices)
    const picks = rest.some((index) => typeof index === 'object' && index !== null)
    const written = picks ? replaceIndexed(op, view.node, rest, source, accumulate) : source
    view.assign(op, picks || !accumulate ? written : build.add(view.node, source), tracks)
    return this
  }

  /** Writes a node in place; for views of this tensor. */
  protected assign(op: string, value: Node, tracks: boolean): this {
    return this.writeNode(op, value, tracks)
  }

  /** The mask that an index is, if it is one. */
  protected maskOf(index: Index): Tensor | undefined {
    if (isSlice(index)) return undefined
    const tensor = Array.isArray(index) ? this.#listed(index as IndexList, undefined) : (index as Tensor)
    return tensor.dtype === 'bool' ? tensor : undefined
  }

  /** Nested arrays as a tensor on this device: booleans are a mask, numbers positions unless a dtype says otherwise. */
  #listed(list: IndexList, dtype: DType | undefined): Tensor {
    const { shape, values } = flattenNested('index', list as NestedArray)
    const isMask = values.length > 0 && values.every((value) => typeof value === 'boolean')
    const known = dtype ?? (isMask ? 'bool' : 'int64')
    return tensorOf(storeBytes(this.session, bytesOfValues(values, known), shape, known))
  }

  #nodesOf(op: string, indices: readonly Index[]): NodeIndex[] {
    return indices.map((index) => {
      if (isSlice(index)) return index
      return this.nodeOf(op, Array.isArray(index) ? this.#listed(index as IndexList, undefined) : (index as Tensor))
    })
  }

  /** Elements at `index` along an axis: out[i][j] = x[index[i][j]][j] for axis 0 (torch.gather). */
  gather(dim: number, index: Tensor): Tensor {
    const at = this.nodeOf('gather', index)
    if (this.ndim > 0 && at.shape.length > 0) return this.result(build.gather(this.node, dim, at))
    return this.result(build.reshape(build.gather(asLine(this.node), dim, asLine(at)), at.shape))
  }

  /** Elements of `source` written at `index` along an axis; positions that appear twice keep the last. */
  scatter(dim: number, index: Tensor, source: Operand, { reduce = null }: ScatterOptions = {}): Tensor {
    if (reduce !== null && reduce !== 'add' && reduce !== 'multiply')
      throw new ArgumentError(`scatter: expected reduce 'add' or 'multiply', got '${String(reduce)}'.`, { reduce })
    return this.#scattered('scatter', dim, index, source, reduce === null ? 'set' : scatterKinds[reduce])
  }

  scatterAdd(dim: number, index: Tensor, source: Tensor): Tensor {
    return this.#scattered('scatterAdd', dim, index, source, 'sum')
  }

  /** Elements of `source` combined at `index` along an axis. */
  scatterReduce(
    dim: number,
    index: Tensor,
    source: Tensor,
    reduce: ScatterReduction,
    { includeSelf = true }: ScatterReduceOptions = {},
  ): Tensor {
    const op = 'scatterReduce'
    if (!(reduce in scatterKinds) || reduce === ('add' as string) || reduce === ('multiply' as string))
      throw new ArgumentError(
        `${op}: expected reduce 'sum', 'prod', 'mean', 'amax' or 'amin', got '${String(reduce)}'.`,
        { reduce },
      )
    const at = this.nodeOf(op, index)
    const given = cutTo(this.nodeOf(op, source), at)
    const node = scatterReduced([this.node, at, given], dim, reduce, includeSelf)
    return this.result(node, source)
  }

  #scattered(op: string, dim: number, index: Tensor, source: Operand, kind: ScatterKind): Tensor {
    const at = this.nodeOf(op, index)
    const given = isScalar(source) ? build.full(at.shape, source, this.dtype) : this.nodeOf(op, source)
    const node = scatterNode([this.node, at, cutTo(given, at)], dim, kind)
    return isScalar(source) ? this.result(node) : this.result(node, source)
  }

  /** Whole slices along an axis, in the order of a 1-dimensional index. */
  indexSelect(dim: number, index: Tensor): Tensor {
    const at = lineOf('indexSelect', this.nodeOf('indexSelect', index))
    const selected = build.indexSelect(asLine(this.node), dim, at)
    return this.result(this.ndim === 0 ? build.reshape(selected, []) : selected)
  }

  /** Slices of `source`, times alpha, added at a 1-dimensional index along an axis. */
  indexAdd(dim: number, index: Tensor, source: Tensor, { alpha = 1 }: { alpha?: number } = {}): Tensor {
    const given = this.nodeOf('indexAdd', source)
    const scaled = alpha === 1 ? given : build.mul(given, alpha)
    return this.result(this.#indexed('indexAdd', dim, index, scaled, 'sum'), source)
  }

  /** Slices of `source` written at a 1-dimensional index along an axis. */
  indexCopy(dim: number, index: Tensor, source: Tensor): Tensor {
    return this.result(this.#indexed('indexCopy', dim, index, this.nodeOf('indexCopy', source), 'set'), source)
  }

  #indexed(op: string, dim: number, index: Tensor, source: Node, kind: ScatterKind): Node {
    const base = asLine(this.node)
    const axis = normalizeAxis(op, dim, base.shape.length)
    const at = build.alongAxis(lineOf(op, this.nodeOf(op, index)), axis, base.shape)
    return build.reshape(scatterNode([base, at, asLine(source)], axis, kind), this.shape)
  }

  /** Elements at `indices` along an axis, both broadcast over the other axes; without an axis, of the flat tensor. */
  takeAlongDim(indices: Tensor, dim?: number | null): Tensor {
    const at = this.nodeOf('takeAlongDim', indices)
    expectInteger('takeAlongDim', 'indices', at.dtype)
    if (dim === undefined || dim === null)
      return this.result(gatherWrapped(build.flatten(this.node), 0, build.flatten(at)))
    const axis = normalizeAxis('takeAlongDim', dim, this.ndim)
    const others = (node: Node): Node =>
      build.select(build.narrow(node, axis, 0, Math.min(1, node.shape[axis])), axis, 0)
    const [shape] = build.broadcastAll('takeAlongDim', [others(this.node), others(at)]).map((node) => node.shape)
    const widen = (node: Node): Node =>
      build.broadcastTo(node, [...shape.slice(0, axis), node.shape[axis], ...shape.slice(axis)])
    return this.result(gatherWrapped(widen(this.node), axis, widen(at)))
  }

  /** Values in ascending order along an axis and where they stood; equal ones keep their order, NaN comes last. */
  sort(dim = -1, descending = false, _stable = true): ValuesAndIndices {
    const { values, indices } = sort(this.node, dim, descending)
    return { values: this.result(values), indices: this.result(indices) }
  }

  /** Positions of the elements in sorted order. */
  argsort(dim = -1, descending = false, _stable = true): Tensor {
    return this.result(argsort(this.node, dim, descending))
  }

  /** The `k` largest (or smallest) values along an axis, the most extreme first, and where they stand. */
  topk(k: number, dim = -1, largest = true, _sorted = true): ValuesAndIndices {
    if (this.ndim === 0) return this.sort()
    const count = this.shape[normalizeAxis('topk', dim, this.ndim)]
    if (!Number.isInteger(k) || k < 0 || k > count)
      throw new ShapeError(
        `topk: expected k from 0 to ${count}, the size of axis ${dim} of ${formatShape(this.shape)}, got ${k}.`,
        {
          op: 'topk',
          k,
          shape: this.shape,
        },
      )
    const { values, indices } = topk(this.node, k, dim, largest)
    return { values: this.result(values), indices: this.result(indices) }
  }

  /** `value` where the mask is true. */
  maskedFill(mask: Tensor, value: Operand): Tensor {
    const condition = this.nodeOf('maskedFill', mask)
    if (!isScalar(value) && value.ndim > 0)
      throw new ShapeError(
        `maskedFill: expected a number or a tensor without dimensions, got ${formatShape(value.shape)}. For values by element use where(mask, values, x).`,
        { op: 'maskedFill', shape: value.shape },
      )
    const fill = isScalar(value)
      ? build.constant(value, this.dtype)
      : build.cast(this.nodeOf('maskedFill', value), this.dtype)
    const node = build.where(condition, fill, this.node)
    return isScalar(value) ? this.result(node) : this.result(node, value)
  }

  /** This tensor where the condition is true, `other` elsewhere. */
  where(condition: Tensor, other: Operand): Tensor {
    const node = build.where(this.nodeOf('where', condition), this.node, this.operand('where', other))
    return isScalar(other) ? this.result(node) : this.result(node, other)
  }

  /** Zero above the diagonal that is `diagonal` to the right of the main one. */
  tril(diagonal = 0): Tensor {
    return this.result(tril(this.node, diagonal))
  }

  /** Zero below the diagonal. */
  triu(diagonal = 0): Tensor {
    return this.result(triu(this.node, diagonal))
  }
}

const asLine = (x: Node): Node => (x.shape.length === 0 ? build.reshape(x, [1]) : x)

/** What is there where nothing of it shall take part. */
function emptiedAt([base, at]: readonly [Node, Node], axis: number, reduce: ScatterReduction): Node {
  const start = build.full(at.shape, reduceIdentity(scatterKinds[reduce], base.dtype), base.dtype)
  return scatterNode([base, at, start], axis, 'set')
}

function scatterReduced(
  [base, at, source]: readonly [Node, Node, Node],
  axis: number,
  reduce: ScatterReduction,
  includeSelf: boolean,
): Node {
  if (base.dtype === 'bool')
    return build.toBool(
      scatterReduced([build.cast(base, 'int32'), at, build.cast(source, 'int32')], axis, reduce, includeSelf),
    )
  const start = includeSelf ? base : emptiedAt([base, at], axis, reduce)
  const combined = scatterNode([start, at, source], axis, scatterKinds[reduce])
  if (reduce !== 'mean') return combined
  const ones = build.full(at.shape, 1, base.dtype)
  const counts = scatterNode([build.full(base.shape, includeSelf ? 1 : 0, base.dtype), at, ones], axis, 'sum')
  const divisor = includeSelf ? counts : build.max(counts, 1)
  return isFloat(base.dtype) ? build.div(combined, divisor) : build.floorDivide(combined, divisor)
}

/** Negative positions count from the end. */
export const gatherWrapped = (x: Node, axis: number, at: Node): Node =>
  build.gather(x, axis, build.where(build.less(at, 0), build.add(at, x.shape[axis]), at))

/** Scalars scatter as lines of one element. */
function scatterNode([base, at, source]: readonly [Node, Node, Node], axis: number, kind: ScatterKind): Node {
  if (base.shape.length > 0) return scatterInto(base, axis, at, source, kind, 'scatter')
  return build.reshape(scatterInto(asLine(base), axis, asLine(at), asLine(source), kind, 'scatter'), [])
}

/** PyTorch's scatter reads only the part of the source that the index covers. */
function cutTo(source: Node, index: Node): Node {
  const fits = source.shape.length === index.shape.length && index.shape.every((extent, i) => extent <= source.shape[i])
  return fits
    ? build.slice(
        source,
        source.shape.map(() => 0),
        index.shape,
      )
    : source
}

const lineOf = (op: string, index: Node): Node => {
  expectInteger(op, 'an index', index.dtype)
  if (index.shape.length > 1)
    throw new ArgumentError(`${op}: expected an index of one dimension, got ${index.shape.length}.`, { op })
  return build.reshape(index, [-1])
}
