// Triangular parts and masks of the matrices in the last two axes, from positions alone.
import { ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape } from '../../base/shape.ts'
import { add, less, scalarLike, where } from '../builders.ts'
import type { Node } from '../node.ts'
import { positionsAlong } from './positions.ts'

/** True above the diagonal that starts `offset` columns to the right of the first. */
export function aboveDiagonal(shape: Shape, offset = 0): Node {
  const row = positionsAlong(shape, shape.length - 2)
  return less(offset === 0 ? row : add(row, offset), positionsAlong(shape, shape.length - 1))
}

/** True below that diagonal. */
export function belowDiagonal(shape: Shape, offset = 0): Node {
  const row = positionsAlong(shape, shape.length - 2)
  return less(positionsAlong(shape, shape.length - 1), offset === 0 ? row : add(row, offset))
}

function expectMatrices(op: string, x: Node): void {
  if (x.shape.length < 2)
    throw new ShapeError(`${op}: expected at least 2 dimensions, got ${formatShape(x.shape)}.`, { op, shape: x.shape })
}

const zeroOf = (x: Node): Node => scalarLike(x, x.dtype === 'bool' ? false : 0)

/** x with zeros above the diagonal. */
export function tril(x: Node, diagonal = 0): Node {
  expectMatrices('tril', x)
  return where(aboveDiagonal(x.shape, diagonal), zeroOf(x), x)
}

/** x with zeros below the diagonal. */
export function triu(x: Node, diagonal = 0): Node {
  expectMatrices('triu', x)
  return where(belowDiagonal(x.shape, diagonal), zeroOf(x), x)
}
