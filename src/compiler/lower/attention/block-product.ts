// Products of blocks in scratch, tile by tile: c (+)= a b, where a is read in rows of its own or in columns, as it lies.
import { indexLiteral } from '../../../kernel/builders.ts'
import type { Expression, Memory } from '../../../kernel/kernel-node.ts'
import type { TileShape } from '../../target.ts'
import { type Affine, add, axisIndex, makeAxis, scale } from '../index-algebra.ts'
import type { Scope } from '../scope.ts'
import { type AttentionContext, quotientUp } from './context.ts'

/** A matrix: elements from one row to the next, and in a from one k to the next. */
interface Matrix {
  readonly memory: Memory
  readonly start: Affine
  readonly row: number
}

export interface BlockProduct {
  readonly tile: TileShape
  /** of the result, now and at most */
  readonly rows: Expression
  readonly columns: Expression
  readonly most: { readonly rows: number; readonly columns: number }
  readonly depth: Expression
  readonly a: Matrix & { readonly step: number }
  /** a row for each k */
  readonly b: Matrix
  readonly c: Matrix
  /** an index: zero overwrites */
  readonly accumulate: Expression
}

/** Whole tiles: rows and columns beyond those asked for are computed of whatever lies there. */
export function multiplyBlocks({ lowering, dtype }: AttentionContext, scope: Scope, product: BlockProduct): void {
  const { tile, rows, columns, most, depth, a, b, c, accumulate } = product
  const { mr, nr } = tile
  const { builder } = lowering
  const column = makeAxis('columns', Math.ceil(most.columns / nr))
  const row = makeAxis('rows', Math.ceil(most.rows / mr))
  builder.loop({ name: 'columns', extent: quotientUp(columns, nr), kind: 'serial' }, (columnVariable) => {
    const outer = scope.enter(column, columnVariable)
    builder.loop({ name: 'rows', extent: quotientUp(rows, mr), kind: 'serial' }, (rowVariable) => {
      const inner = outer.enter(row, rowVariable)
      const at = ({ memory, start }: Matrix, perRow: number, perColumn: number) => {
        const place = add(scale(axisIndex(row), perRow), scale(axisIndex(column), perColumn))
        return { memory, index: inner.materialize(add(start, place)) }
      }
      builder.emit({
        op: 'tileMultiply',
        dtype,
        mr,
        nr,
        depth,
        aRow: a.row,
        aStride: a.step,
        bStride: b.row,
        a: at(a, mr * a.row, 0),
        b: at(b, 0, nr),
        c: { ...at(c, mr * c.row, nr), stride: indexLiteral(c.row) },
        accumulate,
      })
    })
  })
}
