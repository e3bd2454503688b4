// Functions of several tensors side by side: stacks of them, grids of coordinates, and places in sorted sequences.
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import { searchsorted as searchNode } from '../../graph/composites/search.ts'
import { isScalar, type ListedArguments, splitTensors } from '../arguments.ts'
import { resultOf } from '../core.ts'
import { sameDevice } from '../operands.ts'
import type { Tensor } from '../tensor.ts'
import { cat } from './joining.ts'

const atLeast1d = (x: Tensor): Tensor => (x.ndim === 0 ? x.reshape(1) : x)
const atLeast2d = (x: Tensor): Tensor => (x.ndim < 2 ? atLeast1d(x).unsqueeze(0) : x)
const atLeast3d = (x: Tensor): Tensor => (x.ndim < 3 ? atLeast2d(x).unsqueeze(-1) : x)

/** Side by side: along the second axis, or the first of vectors. */
export function hstack(tensors: readonly Tensor[]): Tensor {
  sameDevice('hstack', tensors)
  const given = tensors.map(atLeast1d)
  return cat(given, given[0].ndim === 1 ? 0 : 1)
}

/** One below the other. */
export function vstack(tensors: readonly Tensor[]): Tensor {
  sameDevice('vstack', tensors)
  return cat(tensors.map(atLeast2d), 0)
}

/** One behind the other, along the third axis. */
export function dstack(tensors: readonly Tensor[]): Tensor {
  sameDevice('dstack', tensors)
  return cat(tensors.map(atLeast3d), 2)
}

export interface MeshgridOptions {
  /** 'ij': the first axis belongs to the first vector; 'xy': to the second */
  readonly indexing?: 'ij' | 'xy'
}

/** Coordinates of the grid that vectors span: one tensor for each vector, all of the grid's shape. */
export function meshgrid(...given: ListedArguments<MeshgridOptions>): Tensor[] {
  const [tensors, { indexing = 'ij' }] = splitTensors(given)
  sameDevice('meshgrid', tensors)
  if (indexing !== 'ij' && indexing !== 'xy')
    throw new ArgumentError(`meshgrid: expected indexing 'ij' or 'xy', got '${String(indexing)}'.`, { indexing })
  const wrong = tensors.find(({ ndim, dtype }) => ndim > 1 || dtype !== tensors[0].dtype)
  if (wrong !== undefined)
    throw new ShapeError(`meshgrid: expected vectors of one dtype, got ${wrong.dtype} ${formatShape(wrong.shape)}.`, {
      op: 'meshgrid',
    })
  const lines = tensors.map(atLeast1d)
  const shape = lines.map(({ shape: [extent] }) => extent)
  const grids = lines.map((line, axis) => line.reshape(shape.map((_, i) => (i === axis ? -1 : 1))).expand(shape))
  return indexing === 'xy' && lines.length > 1 ? grids.map((grid) => grid.swapaxes(0, 1)) : grids
}

export interface SearchOptions {
  /** 'right' finds the place after equal elements */
  readonly side?: 'left' | 'right' | null
  readonly right?: boolean
  readonly outInt32?: boolean
  /** positions that put the sequence in order */
  readonly sorter?: Tensor | null
}

function isRight({ side, right = false }: SearchOptions): boolean {
  if (side !== undefined && side !== null && side !== 'left' && side !== 'right')
    throw new ArgumentError(`searchsorted: expected side 'left' or 'right', got '${String(side)}'.`, { side })
  if (side === 'left' && right)
    throw new ArgumentError("searchsorted: expected side and right to agree, got 'left' and right: true.", {
      side,
      right,
    })
  return right || side === 'right'
}

/** Where values would stand in a sorted sequence (or in one for each row), as int64. */
export function searchsorted(sequence: Tensor, values: Tensor | number, options: SearchOptions = {}): Tensor {
  const { outInt32 = false, sorter } = options
  const right = isRight(options)
  sameDevice('searchsorted', [sequence, ...(isScalar(values) ? [] : [values]), ...(sorter ? [sorter] : [])])
  const wanted = isScalar(values) ? build.constant(values, sequence.dtype) : values.node
  if (isScalar(values) && sequence.ndim !== 1)
    throw new ShapeError(`searchsorted: expected one sequence for one value, got ${formatShape(sequence.shape)}.`, {
      op: 'searchsorted',
    })
  const order = sorter ? { sorter: sorter.node } : {}
  const node = searchNode(sequence.node, wanted, { right, outInt32, ...order })
  return resultOf(sequence.session, node, [])
}

/** Which interval between sorted boundaries each value falls into. */
export function bucketize(values: Tensor | number, boundaries: Tensor, options: SearchOptions = {}): Tensor {
  if (boundaries.ndim !== 1)
    throw new ShapeError(`bucketize: expected boundaries of one dimension, got ${formatShape(boundaries.shape)}.`, {
      op: 'bucketize',
    })
  return searchsorted(boundaries, values, options)
}
