// The inner BLIS loops over one task's results: k blocks, column blocks, column panels, row panels, and the microkernel.
import { indexAlu, indexLiteral } from '../../../kernel/builders.ts'
import type { Expression, Memory } from '../../../kernel/kernel-node.ts'
import {
  type Affine,
  type Axis,
  add,
  addScaled,
  axisIndex,
  constantIndex,
  makeAxis,
  scale,
  substitute,
  zero,
} from '../index-algebra.ts'
import { loopOverBlock } from '../loops.ts'
import type { Scope } from '../scope.ts'
import { columnsIn } from './blocking.ts'
import type { TileContext } from './context.ts'
import { packLeft, packRight } from './pack.ts'
import { packWindows } from './pack-windows.ts'
import { overPanels, type PanelBody } from './panels.ts'
import { placeOf, placeOfResult } from './placement.ts'
import { batchIndices, resultIndices, sideIndices } from './tile-axes.ts'

/**
 * An operand as the microkernel reads it: in packed blocks, in memory shared by all tasks or packed by each task when it needs one, or in
 * place; or results as it writes them.
 */
export interface Operand {
  readonly memory: Memory
  /** position of the first element of the block at hand */
  readonly start: Affine
  readonly byTask: boolean
}

export interface Operands {
  readonly a: Operand
  readonly b: Operand
  readonly c: Operand
}

const atBlock = ({ blocking, axes }: TileContext, position: Affine): Affine => {
  const starts = new Map<Axis, Affine>([
    [axes.m.outer, scale(axisIndex(axes.mBlock), blocking.mRuns)],
    [axes.n.outer, scale(axisIndex(axes.nBlock), blocking.nRuns)],
    [axes.n.inner, zero],
    [axes.k.outer, scale(axisIndex(axes.kBlock), blocking.kRuns)],
    [axes.k.inner, zero],
  ])
  return substitute(position, (axis) => starts.get(axis))
}

/** An operand where it lies. */
export function operandInPlace(context: TileContext, which: 0 | 1): Operand {
  const { lowering, factors, blocking, axes } = context
  const side = which === 0 ? sideIndices(blocking.m, axes.m) : sideIndices(blocking.n, axes.n)
  const indices = [...batchIndices(blocking, axes), ...side, ...sideIndices(blocking.k, axes.k)]
  const { memory, position } = placeOf(lowering, which === 0 ? factors.left : factors.right, indices)!
  return { memory, start: atBlock(context, position), byTask: false }
}

/** Results where they belong. */
export function resultInPlace(context: TileContext): Operand {
  const { lowering, factors, blocking, axes } = context
  const [left, right] = [sideIndices(blocking.m, axes.m), sideIndices(blocking.n, axes.n)]
  const indices = resultIndices(factors, batchIndices(blocking, axes), left, right)
  const { memory, position } = placeOfResult(lowering, indices)!
  return { memory, start: atBlock(context, position), byTask: false }
}

/** Multiplies the task's blocks into `c`. */
export function multiplyBlocks(context: TileContext, scope: Scope, operands: Operands): void {
  const { blocking, axes, lowering } = context
  const { a, b } = operands
  const perSplit = Math.ceil(blocking.kBlocks / blocking.splits)
  const first = scale(axisIndex(axes.split), perSplit)
  loopOverBlock(lowering.builder, scope, axes.kBlock, perSplit, axisIndex(axes.split), undefined, (inside) => {
    if (a.byTask) packLeft(context, inside, a)
    const accumulate = inside.materialize(addScaled(axisIndex(axes.kBlock), first, -1))
    const each = blocking.nBlocksPerTask
    loopOverBlock(lowering.builder, inside, axes.nBlock, each, axisIndex(axes.nGroup), undefined, (block) => {
      if (b.byTask && blocking.windows) packWindows(context, block, b, blocking.windows)
      else if (b.byTask) packRight(context, block, b)
      tileLoops(context, block, operands, accumulate)
    })
  })
}

function tileLoops(context: TileContext, scope: Scope, { a, b, c }: Operands, accumulate: Expression): void {
  const { blocking, axes, lowering, dtype, depth, aRow, aStride, bStride, bTaps, cStride, packsRows } = context
  const { m, mr, mRuns, inPlace } = blocking
  const depthNow = lowering.builder.bind('depth', blockDepth(context, scope))
  const rowCut = { name: 'rows', unit: mr, size: m.size, blockSize: mRuns, block: axes.mBlock }
  // a packed panel holds all k of mr rows
  const aStep = inPlace.a || packsRows ? aRow : depth
  overColumnPanels(context, scope, (outer, column, nr) =>
    overPanels(lowering.builder, outer, rowCut, (inner, row, height) => {
      const at = (index: Affine): Expression => inner.materialize(index)
      lowering.builder.emit({
        op: 'tileMultiply',
        dtype,
        mr: height,
        nr,
        depth: depthNow,
        aRow,
        aStride,
        bStride,
        ...(bTaps && { bTaps }),
        a: { memory: a.memory, index: at(add(a.start, scale(row, aStep))) },
        b: { memory: b.memory, index: at(add(b.start, column)) },
        c: {
          memory: c.memory,
          index: at(add(c.start, add(scale(row, cStride), column))),
          stride: indexLiteral(cStride),
        },
        accumulate,
      })
    }),
  )
}

/** k in the current block. */
function blockDepth({ blocking, axes }: TileContext, scope: Scope): Expression {
  const { k, kRuns } = blocking
  if (k.outer % kRuns === 0) return indexLiteral(kRuns * k.inner)
  const left = addScaled(constantIndex(k.outer), axisIndex(axes.kBlock), -kRuns)
  const runs = indexAlu('min', indexLiteral(kRuns), scope.materialize(left))
  return indexAlu('mul', runs, indexLiteral(k.inner))
}

/** Panels of the block's columns: each of its own size where they are read or written in place, else filled up. */
function overColumnPanels(context: TileContext, scope: Scope, body: PanelBody): void {
  const { blocking, axes, lowering } = context
  const { n, nr, nRuns, inPlace, direct } = blocking
  const cut = { name: 'columns', unit: nr, size: n.size, blockSize: nRuns * n.inner, block: axes.nBlock }
  if (inPlace.b || direct) {
    overPanels(lowering.builder, scope, cut, body)
    return
  }
  const panel = makeAxis('columns', Math.ceil(columnsIn(n, nRuns) / nr))
  lowering.builder.loop({ name: 'columns', extent: filledPanels(scope, context), kind: 'serial' }, (variable) =>
    body(scope.enter(panel, variable), scale(axisIndex(panel), nr), nr),
  )
}

function filledPanels(scope: Scope, { blocking, axes }: TileContext): Expression {
  const { n, nr, nRuns } = blocking
  if (n.outer % nRuns === 0) return indexLiteral(Math.ceil(columnsIn(n, nRuns) / nr))
  const left = addScaled(constantIndex(n.outer), axisIndex(axes.nBlock), -nRuns)
  const runs = indexAlu('min', indexLiteral(nRuns), scope.materialize(left))
  const columns = indexAlu('mul', runs, indexLiteral(n.pitch))
  return indexAlu('div', indexAlu('add', columns, indexLiteral(nr - 1 + n.inner - n.pitch)), indexLiteral(nr))
}
