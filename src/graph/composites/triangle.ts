// Triangular parts and masks of matrices, from positions alone.
import { ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import { add, iota, less, lessEqual, reshape, scalarLike, where } from '../builders.ts'
import type { Node } from '../node.ts'

/** [rows, columns], true on and below the diagonal that starts `offset` columns to the right. */
export function lowerMask(rows: number, columns: number, offset = 0): Node {
  const row = reshape(iota(rows, 'int32'), [rows, 1])
  return lessEqual(reshape(iota(columns, 'int32'), [1, columns]), add(row, offset))
}

/** [rows, columns], true on and above that diagonal. */
export function upperMask(rows: number, columns: number, offset = 0): Node {
  const row = reshape(iota(rows, 'int32'), [rows, 1])
  return less(add(row, offset - 1), reshape(iota(columns, 'int32'), [1, columns]))
}

function keep(op: string, x: Node, mask: (rows: number, columns: number) => Node): Node {
  if (x.shape.length < 2)
    throw new ShapeError(`${op}: expected at least 2 dimensions, got ${formatShape(x.shape)}.`, { op, shape: x.shape })
  const [rows, columns] = x.shape.slice(-2)
  return where(mask(rows, columns), x, scalarLike(x, x.dtype === 'bool' ? false : 0))
}

/** x with zeros above the diagonal. */
export const tril = (x: Node, diagonal = 0): Node =>
  keep('tril', x, (rows, columns) => lowerMask(rows, columns, diagonal))
/** x with zeros below the diagonal. */
export const triu = (x: Node, diagonal = 0): Node =>
  keep('triu', x, (rows, columns) => upperMask(rows, columns, diagonal))
