// Packing: copies a block of an operand into panels that the microkernel reads in order. Here prologues fuse: whatever the operand is computed from
// (im2col, casts, masks, transposition) is evaluated while it is copied.
import type { Node } from '../../../graph/node.ts'
import { indexAlu, indexLiteral, storeTo } from '../../../kernel/builders.ts'
import type { Expression, Memory } from '../../../kernel/kernel-node.ts'
import { widestBytes } from '../evaluate.ts'
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
  unravelInside,
} from '../index-algebra.ts'
import { always, withBound } from '../index-map.ts'
import { chooseVectorAxis, lanesFor, loopOverBlock, nest, type Vector } from '../loops.ts'
import { traceIndices } from '../lowered-kernel.ts'
import { collectCuts, refine } from '../refine.ts'
import type { Scope } from '../scope.ts'
import type { TileContext } from './context.ts'
import { overPanels } from './panels.ts'
import { batchIndices, sideIndices } from './tile-axes.ts'

/** Where a packed block goes: memory, and the position of its first element. */
export interface PackTarget {
  readonly memory: Memory
  readonly start: Affine
}

/** Position of k within its block. */
const depthIndex = ({ blocking, axes }: TileContext, inner: Affine): Affine =>
  add(scale(addScaled(axisIndex(axes.k.outer), axisIndex(axes.kBlock), -blocking.kRuns), blocking.k.inner), inner)

/** Packs block (mBlock, kBlock) of the left operand. */
export function packLeft(context: TileContext, scope: Scope, target: PackTarget): void {
  if (context.packsRows) packRows(context, scope, target)
  else packPanels(context, scope, target)
}

/** Rows, k next to k. */
function packRows(context: TileContext, scope: Scope, target: PackTarget): void {
  const { blocking, axes, lowering, aRow } = context
  const node = context.factors.left
  const refined = refine([axes.k.inner], ([inner]) => traceOperand(context, node, leftIndices(context, inner)))
  const [inner] = refined.roots
  const row = addScaled(axisIndex(axes.m.outer), axisIndex(axes.mBlock), -blocking.mRuns)
  const place = add(target.start, add(scale(row, aRow), depthIndex(context, inner)))
  const vector = vectorAlong(context, node, [axes.k.outer, ...refined.axes[0]], [...refined.accesses, place])
  const order = [...refined.axes[0]].sort((x, y) => Number(x === vector?.axis) - Number(y === vector?.axis))
  const write = (inside: Scope): void => {
    const value = lowering.evaluation(inside).evaluate(node, leftIndices(context, inner))
    lowering.builder.emit(storeTo(target.memory, inside.materialize(place), value))
  }
  overRows(context, scope, rowTaps(context, refined.accesses), (outer) => {
    if (vector?.axis === axes.k.outer)
      nest(lowering.builder, outer, order, undefined, (s) => overDepth(context, s, vector, write))
    else overDepth(context, outer, undefined, (s) => nest(lowering.builder, s, order, vector, write))
  })
}

/** Rows that are taps of one window, where blocks hold whole windows. */
function rowTaps({ blocking, axes }: TileContext, accesses: readonly Affine[]): number {
  const taps = Math.min(...(collectCuts(accesses).get(axes.m.outer) ?? [1]))
  const fits = taps <= largestTaps && blocking.mRuns % taps === 0 && blocking.m.size % taps === 0
  return fits ? taps : 1
}

/** Loops over the block's rows, `taps` of them written out. */
function overRows(context: TileContext, scope: Scope, taps: number, body: (scope: Scope) => void): void {
  const { blocking, axes, lowering } = context
  const windows = makeAxis('window', blocking.m.size / taps)
  const tap = makeAxis('tap', taps)
  const row = add(scale(axisIndex(windows), taps), axisIndex(tap))
  const inEach = (outer: Scope): void =>
    nest(lowering.builder, outer, [tap], undefined, (inner) => body(inner.bind(axes.m.outer, row)), tap)
  loopOverBlock(lowering.builder, scope, windows, blocking.mRuns / taps, axisIndex(axes.mBlock), undefined, inEach)
}

/** Panels of mr rows: panel, then k, then row. */
function packPanels(context: TileContext, scope: Scope, target: PackTarget): void {
  const { blocking, axes, lowering, depth } = context
  const { mr, mRuns } = blocking
  const node = context.factors.left
  const panel = makeAxis('panel', Math.ceil(mRuns / mr))
  const row = makeAxis('row', mr)
  const m = add(add(scale(axisIndex(axes.mBlock), mRuns), scale(axisIndex(panel), mr)), axisIndex(row))
  const refined = refine([axes.k.inner], ([inner]) => traceOperand(context, node, leftIndices(context, inner)))
  const [inner] = refined.roots
  const place = add(
    target.start,
    add(scale(add(scale(axisIndex(panel), depth), depthIndex(context, inner)), mr), axisIndex(row)),
  )
  const candidates = [row, axes.k.outer, ...refined.axes[0]]
  const accesses = [...refined.accesses.map((index) => substituteRows(index, context, m)), place]
  const vector = vectorAlong(context, node, candidates, accesses)
  const order = [...refined.axes[0], row].sort((x, y) => Number(x === vector?.axis) - Number(y === vector?.axis))
  const write = (inside: Scope): void => {
    const bound = inside.bind(axes.m.outer, m)
    const guard = withBound(always, m, blocking.m.size)
    if (guard === 'never') return
    const value = lowering.evaluation(bound).evaluate(node, leftIndices(context, inner, m), guard)
    lowering.builder.emit(storeTo(target.memory, bound.materialize(place), value))
  }
  const panels = panelCount(scope, context)
  lowering.builder.loop({ name: 'panel', extent: panels, kind: 'serial' }, (variable) => {
    const outer = scope.enter(panel, variable)
    if (vector?.axis === axes.k.outer)
      nest(lowering.builder, outer, order, undefined, (s) => overDepth(context, s, vector, write))
    else overDepth(context, outer, undefined, (s) => nest(lowering.builder, s, order, vector, write))
  })
}

const substituteRows = (index: Affine, { axes }: TileContext, m: Affine): Affine =>
  substitute(index, (axis) => (axis === axes.m.outer ? m : undefined))

/** Packs block (nBlock, kBlock) of the right operand: k rows of `bStride` columns. */
export function packRight(context: TileContext, scope: Scope, target: PackTarget): void {
  const { axes, lowering, bStride } = context
  const node = context.factors.right
  const refined = refine([axes.k.inner, axes.n.inner], ([kInner, nInner]) =>
    traceOperand(context, node, rightIndices(context, kInner, nInner)),
  )
  const [kInner, nInner] = refined.roots
  const column = columnIndex(context, nInner)
  const place = add(target.start, add(scale(depthIndex(context, kInner), bStride), column))
  // taps come last: those that are written out then decide which lanes hang over an edge
  const inner = [...refined.axes[1], ...refined.axes[0]]
  // of equals the last: rather scattered writes, over lines that are padded apart, than scattered reads
  const candidates = [axes.n.outer, ...refined.axes[1], axes.k.outer, ...refined.axes[0]]
  const vector = vectorAlong(context, node, candidates, [...refined.accesses, place])
  const order = [...inner].sort((x, y) => Number(x === vector?.axis) - Number(y === vector?.axis))
  const write = (inside: Scope): void => {
    const value = lowering.evaluation(inside).evaluate(node, rightIndices(context, kInner, nInner))
    lowering.builder.emit(storeTo(target.memory, inside.materialize(place), value))
  }
  const isAcross = vector?.axis === axes.k.outer || refined.axes[0].some((axis) => axis === vector?.axis)
  if (isAcross && context.layout.b && context.blocking.n.inner === 1) packAcross(context, scope, vector!, order, write)
  else if (vector?.axis === axes.k.outer)
    overColumns(context, scope, undefined, (s) =>
      nest(lowering.builder, s, order, undefined, (t) => overDepth(context, t, vector, write)),
    )
  else if (vector?.axis === axes.n.outer)
    overDepth(context, scope, undefined, (s) =>
      nest(lowering.builder, s, order, undefined, (t) => overColumns(context, t, vector, write)),
    )
  else
    overDepth(context, scope, undefined, (s) =>
      overColumns(context, s, undefined, (t) => nest(lowering.builder, t, order, vector, write, tapsOf(order, vector))),
    )
}

/** Columns that are copied along k together: loops of this form, code generators may know, transpose blocks of a matrix. */
const columnsTogether = 8

/** Copies columns that lie along k, several at a time. */
function packAcross(
  context: TileContext,
  scope: Scope,
  vector: Vector,
  order: readonly Axis[],
  write: (scope: Scope) => void,
): void {
  const { blocking, axes, lowering } = context
  const cut = {
    name: 'columns',
    unit: columnsTogether,
    size: blocking.n.size,
    blockSize: blocking.nRuns,
    block: axes.nBlock,
  }
  const columns = (outer: Scope, body: (scope: Scope) => void): void =>
    overPanels(lowering.builder, outer, cut, (inner, start, width) => {
      const lane = makeAxis('column', width)
      const column = add(add(scale(axisIndex(axes.nBlock), blocking.nRuns), start), axisIndex(lane))
      const written = width === columnsTogether ? lane : undefined
      nest(lowering.builder, inner, [lane], undefined, (s) => body(s.bind(axes.n.outer, column)), written)
    })
  if (vector.axis === axes.k.outer)
    columns(scope, (s) => nest(lowering.builder, s, order, undefined, (t) => overDepth(context, t, vector, write)))
  else overDepth(context, scope, undefined, (s) => columns(s, (t) => nest(lowering.builder, t, order, vector, write)))
}

/** Taps of a window up to this many are written out, so that the lanes that hang over an edge are constants. */
const largestTaps = 8

/** The loop right around the vector loop, when it is short. */
function tapsOf(order: readonly Axis[], vector: Vector | undefined): Axis | undefined {
  const last = order.filter((axis) => axis !== vector?.axis).at(-1)
  return vector && last && last.extent <= largestTaps ? last : undefined
}

/** Position of a column within its block. */
export const columnIndex = ({ blocking, axes }: TileContext, inner: Affine): Affine =>
  add(scale(addScaled(axisIndex(axes.n.outer), axisIndex(axes.nBlock), -blocking.nRuns), blocking.n.pitch), inner)

export function overDepth(
  context: TileContext,
  scope: Scope,
  vector: Vector | undefined,
  body: (scope: Scope) => void,
): void {
  const { blocking, axes, lowering } = context
  loopOverBlock(lowering.builder, scope, axes.k.outer, blocking.kRuns, axisIndex(axes.kBlock), vector, body)
}

export function overColumns(
  context: TileContext,
  scope: Scope,
  vector: Vector | undefined,
  body: (scope: Scope) => void,
): void {
  const { blocking, axes, lowering } = context
  loopOverBlock(lowering.builder, scope, axes.n.outer, blocking.nRuns, axisIndex(axes.nBlock), vector, body)
}

/** Register panels that the block's rows fill. */
export function panelCount(scope: Scope, { blocking, axes }: TileContext): Expression {
  const { mr, mRuns, m } = blocking
  if (m.size % mRuns === 0) return indexLiteral(Math.ceil(mRuns / mr))
  const rows = indexAlu(
    'min',
    indexLiteral(mRuns),
    scope.materialize(addScaled(constantIndex(m.size), axisIndex(axes.mBlock), -mRuns)),
  )
  return indexAlu('div', indexAlu('add', rows, indexLiteral(mr - 1)), indexLiteral(mr))
}

function leftIndices({ blocking, axes }: TileContext, kInner: Affine, m?: Affine): Affine[] {
  const rows = m === undefined ? sideIndices(blocking.m, axes.m) : unravelInside(m, blocking.m.shape)
  return [...batchIndices(blocking, axes), ...rows, ...sideIndices(blocking.k, axes.k, kInner)]
}

const rightIndices = ({ blocking, axes }: TileContext, kInner: Affine, nInner: Affine): Affine[] => [
  ...batchIndices(blocking, axes),
  ...sideIndices(blocking.n, axes.n, nInner),
  ...sideIndices(blocking.k, axes.k, kInner),
]

function traceOperand({ lowering }: TileContext, node: Node, indices: readonly Affine[]): Affine[] {
  return traceIndices(lowering.group, lowering.inputs, lowering.uses, undefined, [{ node, indices, stored: false }])
}

/** The vector loop of a copy: eight elements or so at a time, since one side of it often goes element by element. */
function vectorAlong(
  { target }: TileContext,
  node: Node,
  axes: readonly Axis[],
  accesses: readonly Affine[],
): Vector | undefined {
  const bytes = widestBytes([node])
  const axis = chooseVectorAxis(axes, accesses, Math.floor(target.vectorBytes / bytes))
  return axis && { axis, lanes: lanesFor(target, bytes, 0, axis.extent) }
}
