// The inner BLIS loops over one task's block: k blocks, column panels, row panels, and the microkernel.
import { indexAlu, indexLiteral } from '../../../kernel/builders.ts'
import type { Expression, Memory, Scratch } from '../../../kernel/kernel-node.ts'
import { type Affine, add, addScaled, axisIndex, constantIndex, makeAxis, scale } from '../index-algebra.ts'
import { loopOverBlock } from '../loops.ts'
import type { Scope } from '../scope.ts'
import type { TileContext } from './context.ts'
import { packLeft, packRight, panelCount } from './pack.ts'

/** An operand's packed blocks: in memory shared by all tasks, by block number, or packed by each task when it needs one. */
export interface Packed {
  readonly memory: Memory
  /** position of the block that a task reads */
  readonly start: Affine
  readonly byTask: boolean
}

/** Multiplies the task's block into `block`, rows of `cStride`. */
export function multiplyBlock(context: TileContext, scope: Scope, a: Packed, b: Packed, block: Scratch): void {
  const { blocking, axes, lowering } = context
  const perSplit = Math.ceil(blocking.kBlocks / blocking.splits)
  const first = scale(axisIndex(axes.split), perSplit)
  loopOverBlock(lowering.builder, scope, axes.kBlock, perSplit, axisIndex(axes.split), undefined, (inside) => {
    if (a.byTask) packLeft(context, inside, { memory: a.memory, start: a.start })
    if (b.byTask) packRight(context, inside, { memory: b.memory, start: b.start })
    const accumulate = inside.materialize(addScaled(axisIndex(axes.kBlock), first, -1))
    tileLoops(context, inside, a, b, block, accumulate)
  })
}

function tileLoops(
  context: TileContext,
  scope: Scope,
  a: Packed,
  b: Packed,
  block: Scratch,
  accumulate: Expression,
): void {
  const { blocking, lowering, dtype, depth, bStride, cStride } = context
  const { mr, nr, mRuns, nRuns, n } = blocking
  const columnPanel = makeAxis('columns', Math.ceil((nRuns * n.inner) / nr))
  const rowPanel = makeAxis('rows', Math.ceil(mRuns / mr))
  const depthNow = lowering.builder.bind('depth', blockDepth(context, scope))
  lowering.builder.loop({ name: 'columns', extent: columnPanels(scope, context), kind: 'serial' }, (columns) => {
    const outer = scope.enter(columnPanel, columns)
    lowering.builder.loop({ name: 'rows', extent: panelCount(outer, context), kind: 'serial' }, (rows) => {
      const inner = outer.enter(rowPanel, rows)
      const at = (index: Affine): Expression => inner.materialize(index)
      lowering.builder.emit({
        op: 'tileMultiply',
        dtype,
        mr,
        nr,
        depth: depthNow,
        aRow: 1,
        aStride: mr,
        bStride,
        a: { memory: a.memory, index: at(add(a.start, scale(axisIndex(rowPanel), depth * mr))) },
        b: { memory: b.memory, index: at(add(b.start, scale(axisIndex(columnPanel), nr))) },
        c: {
          memory: block,
          index: at(add(scale(axisIndex(rowPanel), mr * cStride), scale(axisIndex(columnPanel), nr))),
          stride: indexLiteral(cStride),
        },
        accumulate,
      })
    })
  })
}

/** k in the current block. */
function blockDepth({ blocking, axes }: TileContext, scope: Scope): Expression {
  const { k, kRuns } = blocking
  if (k.outer % kRuns === 0) return indexLiteral(kRuns * k.inner)
  const left = addScaled(constantIndex(k.outer), axisIndex(axes.kBlock), -kRuns)
  const runs = indexAlu('min', indexLiteral(kRuns), scope.materialize(left))
  return indexAlu('mul', runs, indexLiteral(k.inner))
}

/** Register panels that the block's columns fill. */
function columnPanels(scope: Scope, { blocking, axes }: TileContext): Expression {
  const { n, nr, nRuns } = blocking
  if (n.outer % nRuns === 0) return indexLiteral(Math.ceil((nRuns * n.inner) / nr))
  const left = addScaled(constantIndex(n.outer), axisIndex(axes.nBlock), -nRuns)
  const runs = indexAlu('min', indexLiteral(nRuns), scope.materialize(left))
  const columns = indexAlu('mul', runs, indexLiteral(n.inner))
  return indexAlu('div', indexAlu('add', columns, indexLiteral(nr - 1)), indexLiteral(nr))
}
