// Methods that rearrange: they compute nothing and share storage with the tensor they are called on, as in PyTorch.
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, normalizeAxis, type Shape } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import type { Node } from '../../graph/node.ts'
import { sizesOf } from '../arguments.ts'
import { TensorCore } from '../core.ts'
import type { Tensor } from '../tensor.ts'
import { viewOf } from '../view-of.ts'

export abstract class MovementTensor extends TensorCore {
  /** The view that `moved`, built from this tensor's node by movements only, amounts to. */
  protected movedTo(moved: Node): Tensor {
    return this.viewBy(viewOf(moved, this.node))
  }

  /** The same elements in another shape; one size may be -1. Never copies: reads go through index maps. */
  reshape(...shape: readonly number[] | readonly [Shape]): Tensor {
    return this.movedTo(build.reshape(this.node, sizesOf(shape)))
  }

  /** The same as `reshape`: every layout can be viewed in every shape. */
  view(...shape: readonly number[] | readonly [Shape]): Tensor {
    return this.movedTo(build.reshape(this.node, sizesOf(shape)))
  }

  /** The same elements in another tensor's shape. */
  viewAs(other: Tensor): Tensor {
    return this.reshape(other.shape)
  }

  reshapeAs(other: Tensor): Tensor {
    return this.reshape(other.shape)
  }

  /** One axis of all elements. */
  ravel(): Tensor {
    return this.reshape(-1)
  }

  /** Axes from `startDim` to `endDim` become one. */
  flatten(startDim = 0, endDim = -1): Tensor {
    return this.movedTo(build.flatten(this.node, startDim, endDim))
  }

  /** One axis becomes several; one of `sizes` may be -1. */
  unflatten(dim: number, sizes: Shape): Tensor {
    const axis = normalizeAxis('unflatten', dim, this.ndim)
    const inner = sizes.includes(-1) ? build.reshape(build.full([this.shape[axis]], 0, 'bool'), sizes).shape : sizes
    return this.reshape([...this.shape.slice(0, axis), ...inner, ...this.shape.slice(axis + 1)])
  }

  permute(...axes: readonly number[] | readonly [readonly number[]]): Tensor {
    return this.movedTo(build.permute(this.node, sizesOf(axes)))
  }

  /** Swaps two axes. */
  transpose(a: number, b: number): Tensor {
    return this.movedTo(build.transpose(this.node, a, b))
  }

  swapaxes(a: number, b: number): Tensor {
    return this.transpose(a, b)
  }

  /** Transpose of a tensor of at most two dimensions. */
  t(): Tensor {
    if (this.ndim > 2)
      throw new ShapeError(
        `t: expected at most 2 dimensions, got ${formatShape(this.shape)}. For batches of matrices use mT.`,
        { op: 't', shape: this.shape },
      )
    return this.ndim < 2 ? this.movedTo(this.node) : this.transpose(0, 1)
  }

  /** All axes in reverse order. */
  get T(): Tensor {
    return this.permute(this.shape.map((_, axis) => this.ndim - 1 - axis))
  }

  /** The last two axes swapped. */
  get mT(): Tensor {
    if (this.ndim < 2)
      throw new ShapeError(`mT: expected at least 2 dimensions, got ${formatShape(this.shape)}.`, { op: 'mT' })
    return this.transpose(-2, -1)
  }

  /** Moves axes to other places; the others keep their order. */
  movedim(source: number | readonly number[], destination: number | readonly number[]): Tensor {
    const rank = this.ndim
    const [from, to] = [source, destination].map((axes) =>
      (typeof axes === 'number' ? [axes] : axes).map((axis) => normalizeAxis('movedim', axis, rank)),
    )
    if (from.length !== to.length || new Set(from).size !== from.length || new Set(to).size !== to.length)
      throw new ShapeError(
        `movedim: expected as many distinct sources as destinations, got ${formatShape(from)} and ${formatShape(to)}.`,
        { op: 'movedim', source, destination },
      )
    const rest = this.shape.map((_, axis) => axis).filter((axis) => !from.includes(axis))
    const order = this.shape.map((_, axis) => {
      const moved = to.indexOf(axis)
      return moved < 0 ? rest.shift()! : from[moved]
    })
    return this.permute(order)
  }

  /** Axes of size 1 grow, new axes appear in front; -1 keeps a size. */
  expand(...shape: readonly number[] | readonly [Shape]): Tensor {
    return this.movedTo(build.expand(this.node, sizesOf(shape)))
  }

  expandAs(other: Tensor): Tensor {
    return this.expand(other.shape)
  }

  broadcastTo(shape: Shape): Tensor {
    return this.expand(shape)
  }

  /** Drops axes of size 1: all, or those given. */
  squeeze(dim?: number | readonly number[]): Tensor {
    return this.movedTo(build.squeeze(this.node, dim))
  }

  unsqueeze(dim: number): Tensor {
    return this.movedTo(build.unsqueeze(this.node, dim))
  }

  /** One element of an axis; the axis goes away. */
  select(dim: number, index: number): Tensor {
    return this.movedTo(build.select(this.node, dim, index))
  }

  /** `length` elements of an axis from `start`. */
  narrow(dim: number, start: number, length: number): Tensor {
    const extent = this.shape[normalizeAxis('narrow', dim, this.ndim)] ?? 0
    const first = start < 0 ? start + extent : start
    if (this.ndim === 0 || !(first >= 0 && length >= 0 && first + length <= extent))
      throw new ShapeError(
        `narrow: expected a range inside the ${extent} elements of axis ${dim}, got ${length} from ${start}.`,
        { op: 'narrow', dim, start, length, shape: this.shape },
      )
    return this.movedTo(build.narrow(this.node, dim, first, length))
  }

  /** Pieces of `size` along an axis (the last may be smaller), or of the sizes listed. */
  split(size: number | readonly number[], dim = 0): Tensor[] {
    const extent = this.shape[normalizeAxis('split', dim, this.ndim)] ?? 1
    const sizes = typeof size === 'number' ? equalPieces('split', extent, size) : size
    if (sizes.reduce((sum, piece) => sum + piece, 0) !== extent)
      throw new ShapeError(`split: expected sizes that add up to ${extent}, got ${formatShape(sizes)}.`, {
        op: 'split',
        sizes,
        extent,
      })
    let start = 0
    return sizes.map((piece) => {
      start += piece
      return this.narrow(dim, start - piece, piece)
    })
  }

  /** At most `chunks` pieces of equal size along an axis; the last may be smaller. */
  chunk(chunks: number, dim = 0): Tensor[] {
    if (!(Number.isInteger(chunks) && chunks > 0))
      throw new ArgumentError(`chunk: expected a whole number of pieces from 1, got ${chunks}.`, { op: 'chunk' })
    const extent = this.shape[normalizeAxis('chunk', dim, this.ndim)] ?? 1
    return extent === 0
      ? Array.from({ length: chunks }, () => this.narrow(dim, 0, 0))
      : this.split(Math.ceil(extent / chunks), dim)
  }

  /** One tensor per element of an axis. */
  unbind(dim = 0): Tensor[] {
    const axis = normalizeAxis('unbind', dim, this.ndim)
    if (this.ndim === 0) throw new ShapeError('unbind: expected at least 1 dimension, got a tensor of none.', { dim })
    return Array.from({ length: this.shape[axis] }, (_, i) => this.select(axis, i))
  }

  /** Reverses the order of elements along axes. */
  flip(...dims: readonly number[] | readonly [readonly number[]]): Tensor {
    return this.result(build.flip(this.node, sizesOf(dims)))
  }

  /** The tensor repeated along each axis; new axes appear in front. */
  repeat(...counts: readonly number[] | readonly [readonly number[]]): Tensor {
    return this.result(repeatNode(this.node, sizesOf(counts)))
  }

  /** Elements moved along axes, those that fall off coming in again at the other end; over the flat tensor without axes. */
  roll(shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
    return this.result(rollNode(this.node, shifts, dims))
  }

  /** All windows of `size` along an axis, `step` apart, with the elements of each on a new last axis. */
  unfold(dim: number, size: number, step: number): Tensor {
    if (this.ndim > 0) return this.result(build.window(this.node, dim, size, step))
    return this.result(build.reshape(build.window(build.reshape(this.node, [1]), dim, size, step), [-1]))
  }
}

function equalPieces(op: string, extent: number, size: number): number[] {
  if (!(Number.isInteger(size) && (size > 0 || (size === 0 && extent === 0))))
    throw new ArgumentError(`${op}: expected a whole size from 1, got ${size}.`, { op, size })
  if (extent === 0) return [0]
  return Array.from({ length: Math.ceil(extent / size) }, (_, i) => Math.min(size, extent - i * size))
}

function repeatNode(x: Node, counts: readonly number[]): Node {
  const added = counts.length - x.shape.length
  if (added < 0 || counts.some((count) => !(Number.isInteger(count) && count >= 0)))
    throw new ShapeError(
      `repeat: expected at least one whole count per axis of ${formatShape(x.shape)}, got ${formatShape(counts)}.`,
      { op: 'repeat', counts, shape: x.shape },
    )
  const shape = [...new Array<number>(added).fill(1), ...x.shape]
  const split = build.reshape(
    x,
    shape.flatMap((extent) => [1, extent]),
  )
  const grown = build.broadcastTo(
    split,
    shape.flatMap((extent, axis) => [counts[axis], extent]),
  )
  return build.reshape(
    grown,
    shape.map((extent, axis) => extent * counts[axis]),
  )
}

function rollNode(x: Node, shifts: number | readonly number[], dims: number | readonly number[] | undefined): Node {
  const amounts = typeof shifts === 'number' ? [shifts] : shifts
  if (dims === undefined || (typeof dims === 'object' && dims.length === 0 && amounts.length === 1))
    return amounts.length === 1 ? build.reshape(rollAxis(build.flatten(x), 0, amounts[0]), x.shape) : refuseRoll(x)
  const axes = typeof dims === 'number' ? [dims] : dims
  if (axes.length !== amounts.length || x.shape.length === 0) refuseRoll(x)
  return axes.reduce((node, axis, i) => rollAxis(node, normalizeAxis('roll', axis, x.shape.length), amounts[i]), x)
}

const refuseRoll = (x: Node): never => {
  throw new ShapeError(`roll: expected one shift per axis of ${formatShape(x.shape)}, got different numbers of them.`, {
    op: 'roll',
  })
}

function rollAxis(x: Node, axis: number, shift: number): Node {
  const extent = x.shape[axis]
  if (x.shape.length === 0 || extent === 0) return x
  const cut = ((-shift % extent) + extent) % extent
  if (cut === 0) return x
  return build.concat([build.narrow(x, axis, cut, extent - cut), build.narrow(x, axis, 0, cut)], axis)
}
