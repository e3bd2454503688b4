// Methods that rearrange by rule: repetition, padding, quarter turns and diagonals. Those that repeat no element share storage.
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import type { Scalar } from '../../base/scalar.ts'
import { formatShape, normalizeAxis } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import { type PadMode, padBy } from '../../graph/composites/padding.ts'
import type { Node } from '../../graph/node.ts'
import { sizesOf } from '../arguments.ts'
import type { Tensor } from '../tensor.ts'
import { MovementTensor } from './movement.ts'

export interface PadOptions {
  readonly mode?: PadMode
  /** of the elements that are added, in mode 'constant' */
  readonly value?: Scalar | null
}

export abstract class ArrangementTensor extends MovementTensor {
  /** The tensor repeated along each axis; missing counts are 1 and missing axes appear in front. */
  tile(...counts: readonly number[] | readonly [readonly number[]]): Tensor {
    const given = sizesOf(counts)
    const missing = Math.max(0, this.ndim - given.length)
    return this.repeat([...new Array<number>(missing).fill(1), ...given])
  }

  /** Each element `repeats` times in a row, along an axis or in the flat tensor. */
  protected repeatedEach(repeats: number, dim: number | null | undefined): Tensor {
    if (!Number.isInteger(repeats) || repeats < 0)
      throw new ArgumentError(`repeatInterleave: expected a whole number of repeats from 0, got ${repeats}.`, {
        repeats,
      })
    const x = dim === undefined || dim === null ? build.flatten(this.node) : atLeastLine(this.node)
    const axis = normalizeAxis('repeatInterleave', dim ?? 0, x.shape.length)
    const split = build.unsqueeze(x, axis + 1)
    const grown = build.broadcastTo(
      split,
      split.shape.map((extent, i) => (i === axis + 1 ? repeats : extent)),
    )
    return this.result(
      build.reshape(
        grown,
        x.shape.map((extent, i) => (i === axis ? extent * repeats : extent)),
      ),
    )
  }

  /**
   * Adds elements around. PyTorch's order: pairs [before, after] flat, from the last axis. Negative amounts cut off. The modes other
   * than 'constant' take what is there: mirrored, repeated from the edge, or wrapped around. Mode and value may come as options.
   */
  pad(amounts: readonly number[], mode?: PadMode | Scalar | PadOptions, value?: Scalar | null): Tensor {
    if (typeof mode === 'object') return this.pad(amounts, mode.mode ?? 'constant', mode.value)
    if (amounts.length % 2 === 1 || amounts.length > 2 * this.ndim)
      throw new ShapeError(
        `pad: expected pairs of amounts for at most ${this.ndim} axes, from the last one, got ${formatShape(amounts)}.`,
        { op: 'pad', amounts, shape: this.shape },
      )
    const pairs = Array.from({ length: amounts.length / 2 }, (_, i) => [amounts[2 * i], amounts[2 * i + 1]] as const)
    if (typeof mode === 'string' && mode !== 'constant') return this.result(padBy(this.node, pairs, mode))
    const fill = (typeof mode === 'string' ? value : mode) ?? value ?? 0
    const byAxis = this.shape.map((_, axis) => pairs[this.ndim - 1 - axis] ?? ([0, 0] as const))
    return this.result(build.pad(this.node, byAxis, this.dtype === 'bool' ? Boolean(fill) : fill))
  }

  /** Turned by k quarters in the plane of two axes, from the first towards the second. */
  rot90(k = 1, dims: readonly number[] = [0, 1]): Tensor {
    const [a, b] = dims.map((axis) => normalizeAxis('rot90', axis, this.ndim))
    if (dims.length !== 2 || a === b || this.ndim < 2)
      throw new ShapeError(
        `rot90: expected two distinct axes of ${formatShape(this.shape)}, got ${formatShape(dims)}.`,
        {
          op: 'rot90',
          dims,
        },
      )
    const turns = ((k % 4) + 4) % 4
    if (turns === 0) return this.clone()
    if (turns === 2) return this.flip(a, b)
    return turns === 1 ? this.flip(b).transpose(a, b) : this.flip(a).transpose(a, b)
  }

  /** Columns in reverse order. */
  fliplr(): Tensor {
    if (this.ndim < 2)
      throw new ShapeError(`fliplr: expected at least 2 dimensions, got ${formatShape(this.shape)}.`, { op: 'fliplr' })
    return this.flip(1)
  }

  /** Rows in reverse order. */
  flipud(): Tensor {
    if (this.ndim < 1) throw new ShapeError('flipud: expected at least 1 dimension, got none.', { op: 'flipud' })
    return this.flip(0)
  }

  /** Pieces before, between and after positions along an axis, or `sections` pieces whose sizes differ by at most one. */
  tensorSplit(indicesOrSections: number | readonly number[], dim = 0): Tensor[] {
    const axis = normalizeAxis('tensorSplit', dim, this.ndim)
    if (this.ndim === 0) throw new ShapeError('tensorSplit: expected at least 1 dimension, got none.', { dim })
    const extent = this.shape[axis]
    const cuts = typeof indicesOrSections === 'number' ? evenCuts(extent, indicesOrSections) : indicesOrSections
    const clip = (at: number): number => Math.min(Math.max(at < 0 ? at + extent : at, 0), extent)
    return [...cuts, extent].map((end, i) => {
      const start = i === 0 ? 0 : clip(cuts[i - 1])
      return this.narrow(axis, start, Math.max(0, clip(end) - start))
    })
  }

  // --- diagonals ------------------------------------------------------------------------------------------------------------

  /** The elements of two axes whose positions differ by `offset`, on a new last axis; shares storage. */
  diagonal(offset = 0, dim1 = 0, dim2 = 1): Tensor {
    return this.movedTo(diagonalNode(this.node, offset, dim1, dim2))
  }

  /** A vector as the diagonal of a matrix, or the diagonal of a matrix. */
  diag(diagonal = 0): Tensor {
    if (this.ndim !== 1 && this.ndim !== 2)
      throw new ShapeError(`diag: expected a vector or a matrix, got ${formatShape(this.shape)}.`, { op: 'diag' })
    return this.ndim === 1 ? this.diagEmbed(diagonal) : this.diagonal(diagonal)
  }

  /** The last axis as the diagonals of matrices in two new axes. */
  diagEmbed(offset = 0, dim1 = -2, dim2 = -1): Tensor {
    return this.result(diagEmbedNode(this.node, offset, dim1, dim2))
  }

  /** The flat tensor as the diagonal of a matrix. */
  diagflat(offset = 0): Tensor {
    return this.flatten().diagEmbed(offset)
  }

  /** Sum of a matrix's diagonal. */
  trace(): Tensor {
    if (this.ndim !== 2)
      throw new ShapeError(`trace: expected a matrix, got ${formatShape(this.shape)}.`, {
        op: 'trace',
        shape: this.shape,
      })
    return this.result(build.sum(diagonalNode(this.node, 0, 0, 1)))
  }

  abstract clone(): Tensor
}

const atLeastLine = (x: Node): Node => (x.shape.length === 0 ? build.reshape(x, [1]) : x)

function evenCuts(extent: number, sections: number): number[] {
  if (!Number.isInteger(sections) || sections < 1)
    throw new ArgumentError(`tensorSplit: expected a whole number of sections from 1, got ${sections}.`, { sections })
  const [size, larger] = [Math.floor(extent / sections), extent % sections]
  return Array.from({ length: sections - 1 }, (_, i) => (i + 1) * size + Math.min(i + 1, larger))
}

function planeOf(op: string, rank: number, dim1: number, dim2: number): readonly [number, number] {
  const [a, b] = [normalizeAxis(op, dim1, rank), normalizeAxis(op, dim2, rank)]
  if (a === b || rank < 2)
    throw new ShapeError(`${op}: expected two distinct axes of ${rank}, got ${dim1} and ${dim2}.`, { op, dim1, dim2 })
  return [a, b]
}

/** The diagonal of a matrix stored row by row is every (columns + 1)-th element. */
function diagonalNode(x: Node, offset: number, dim1: number, dim2: number): Node {
  const [a, b] = planeOf('diagonal', x.shape.length, dim1, dim2)
  const rest = x.shape.map((_, axis) => axis).filter((axis) => axis !== a && axis !== b)
  const leading = rest.map((axis) => x.shape[axis])
  const [rows, columns] = [x.shape[a], x.shape[b]]
  const length = Math.max(0, Math.min(rows + Math.min(offset, 0), columns - Math.max(offset, 0)))
  const flat = build.reshape(build.permute(x, [...rest, a, b]), [...leading, rows * columns])
  const zeros = rest.map(() => 0)
  const start = length === 0 ? 0 : offset >= 0 ? offset : -offset * columns
  return build.slice(flat, [...zeros, start], [...leading, length], [...rest.map(() => 1), columns + 1])
}

function diagEmbedNode(given: Node, offset: number, dim1: number, dim2: number): Node {
  const x = atLeastLine(given)
  const rank = x.shape.length + 1
  const [a, b] = planeOf('diagEmbed', rank, dim1, dim2)
  const leading = x.shape.slice(0, -1)
  const size = x.shape[x.shape.length - 1] + Math.abs(offset)
  const start = offset >= 0 ? offset : -offset * size
  const spread = build.unslice(
    x,
    [...leading, size * size],
    [...leading.map(() => 0), x.shape[x.shape.length - 1] === 0 ? 0 : start],
    [...leading.map(() => 1), size + 1],
  )
  const square = build.reshape(spread, [...leading, size, size])
  const order: number[] = []
  let next = 0
  for (let axis = 0; axis < rank; axis++) order.push(axis === a ? rank - 2 : axis === b ? rank - 1 : next++)
  return build.permute(square, order)
}
