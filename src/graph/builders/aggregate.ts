// Builders of reductions and products of matrices, with PyTorch's defaults for axes, dtypes and 1-dimensional operands.
import { type DType, isFloat } from '../../base/dtype.ts'
import { DTypeError, ShapeError } from '../../base/errors.ts'
import { broadcastShapes, formatShape, normalizeAxes, type Shape, sizeOf } from '../../base/shape.ts'
import { inferAggregate } from '../infer/aggregate.ts'
import { makeNode, type Node, type ReduceKind } from '../node.ts'
import { div, mul, toBool } from './elementwise.ts'
import { broadcastTo, permute, reshape, transpose } from './movement.ts'
import { cast, resultDType } from './promote.ts'

export type Axes = number | readonly number[]

/** The strict primitive: sorted axes, kept with size 1. */
export function reduce(kind: ReduceKind, x: Node, axes: readonly number[]): Node {
  if (axes.length === 0) return x
  const inputs = [x]
  const attrs = { kind, axes }
  const { shape, dtype } = inferAggregate.reduce(inputs, attrs)
  return makeNode('reduce', inputs, attrs, shape, dtype)
}

function reduceAxes(kind: ReduceKind, x: Node, axes: Axes | undefined, keepdims: boolean): Node {
  const normal = normalizeAxes(kind, axes, x.shape.length)
  const kept = reduce(kind, x, normal)
  return keepdims ? kept : dropAxes(kept, normal)
}

const dropAxes = (x: Node, axes: readonly number[]): Node =>
  reshape(
    x,
    x.shape.filter((_, axis) => !axes.includes(axis)),
  )

/** Bools and integers are added and multiplied as int64. */
const accumulating = (x: Node): Node => (isFloat(x.dtype) ? x : cast(x, 'int64'))

export const sum = (x: Node, axes?: Axes, keepdims = false): Node => reduceAxes('sum', accumulating(x), axes, keepdims)
export const prod = (x: Node, axes?: Axes, keepdims = false): Node =>
  reduceAxes('prod', accumulating(x), axes, keepdims)

/** PyTorch's amax: the gradient is split evenly among equal elements. */
export const amax = (x: Node, axes?: Axes, keepdims = false): Node => extremum('max', x, axes, keepdims)
export const amin = (x: Node, axes?: Axes, keepdims = false): Node => extremum('min', x, axes, keepdims)

const extremum = (kind: 'max' | 'min', x: Node, axes: Axes | undefined, keepdims: boolean): Node =>
  x.dtype === 'bool' ? toBool(reduceAxes(kind, cast(x, 'int32'), axes, keepdims)) : reduceAxes(kind, x, axes, keepdims)

/** True where any element is not zero; false for no elements. */
export const any = (x: Node, axes?: Axes, keepdims = false): Node =>
  toBool(reduceAxes('sum', cast(toBool(x), 'int32'), axes, keepdims))
/** True where all elements are not zero; true for no elements. */
export const all = (x: Node, axes?: Axes, keepdims = false): Node =>
  toBool(reduceAxes('prod', cast(toBool(x), 'int32'), axes, keepdims))

export function mean(x: Node, axes?: Axes, keepdims = false): Node {
  if (!isFloat(x.dtype))
    throw new DTypeError(`mean: expected a float dtype, got ${x.dtype}. Convert it first: x.to('float32').`, {
      op: 'mean',
      dtype: x.dtype,
    })
  const count = sizeOf(normalizeAxes('mean', axes, x.shape.length).map((axis) => x.shape[axis]))
  return div(sum(x, axes, keepdims), count)
}

// --- products -------------------------------------------------------------------------------------------------------------

/** a [batch…, m…, k…] with b [batch…, n…, k…] gives [batch…, m…, n…]; without k it is the outer product. */
export function contract(a: Node, b: Node, batch: number, contracted: number): Node {
  if (contracted === 0) return outerProduct(a, b, batch)
  const inputs = [a, b]
  const attrs = { batch, contracted }
  const { shape, dtype } = inferAggregate.contract(inputs, attrs)
  return makeNode('contract', inputs, attrs, shape, dtype)
}

function outerProduct(a: Node, b: Node, batch: number): Node {
  const ones = (count: number): number[] => new Array<number>(count).fill(1)
  const left = reshape(a, [...a.shape, ...ones(b.shape.length - batch)])
  const right = reshape(b, [...b.shape.slice(0, batch), ...ones(a.shape.length - batch), ...b.shape.slice(batch)])
  return mul(left, right)
}

/** torch.matmul: vectors, matrices, and batches of them that broadcast. Bools are refused. */
export function matmul(a: Node, b: Node): Node {
  expectProduct(a, b)
  const dtype = resultDType(a, b)
  const [left, right] = [cast(a, dtype), cast(b, dtype)]
  if (b.shape.length === 1) return contract(left, right, 0, 1)
  const columns = transpose(right, -1, -2)
  if (b.shape.length === 2) return contract(left, columns, 0, 1)
  if (a.shape.length === 1) return contract(left, columns, 0, 1)
  return a.shape.length === 2 ? sharedLeft(left, columns) : batched(left, columns)
}

function expectProduct(a: Node, b: Node): void {
  const inner = b.shape[Math.max(b.shape.length - 2, 0)]
  if (a.shape.length > 0 && b.shape.length > 0 && a.shape[a.shape.length - 1] === inner) return
  const hint =
    a.shape.length === 0 || b.shape.length === 0
      ? 'A scalar multiplies with x.mul(y).'
      : `The last axis of a (${a.shape[a.shape.length - 1]}) meets the last but one of b (${inner}).`
  throw new ShapeError(
    `matmul: expected [..., m, k] and [..., k, n], got ${formatShape(a.shape)} and ${formatShape(b.shape)}. ${hint}`,
    { op: 'matmul', shapes: [a.shape, b.shape] },
  )
}

/** [m, k] with [batch…, n, k]: one product with all batches as columns, then m is moved behind the batches. */
function sharedLeft(left: Node, columns: Node): Node {
  const product = contract(left, columns, 0, 1)
  const batches = columns.shape.length - 2
  return permute(product, [...Array.from({ length: batches }, (_, i) => i + 1), 0, batches + 1])
}

function batched(left: Node, columns: Node): Node {
  const [batchA, batchB] = [left.shape.slice(0, -2), columns.shape.slice(0, -2)]
  const batch = broadcastShapes('matmul', batchA, batchB)
  const widen = (x: Node): Node => broadcastTo(x, [...batch, ...x.shape.slice(-2)] as Shape)
  return contract(widen(left), widen(columns), batch.length, 1)
}

/** PyTorch's dtype argument of sum, prod and mean: converts first. */
export const castIfGiven = (x: Node, dtype: DType | undefined): Node => (dtype === undefined ? x : cast(x, dtype))
