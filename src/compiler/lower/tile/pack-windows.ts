// Packing for columns that are windows: copies the rows of an image that a block of windows reads, once for every run of k.
import { indexAlu, indexLiteral, storeTo } from '../../../kernel/builders.ts'
import type { Expression } from '../../../kernel/kernel-node.ts'
import { widestBytes } from '../evaluate.ts'
import {
  type Affine,
  type Axis,
  add,
  addScaled,
  axisIndex,
  constantIndex,
  makeAxis,
  offset,
  scale,
  substitute,
  unravel,
  zero,
} from '../index-algebra.ts'
import { lanesFor, nest } from '../loops.ts'
import type { Scope } from '../scope.ts'
import type { TileContext } from './context.ts'
import { overDepth, type PackTarget } from './pack.ts'
import { batchIndices } from './tile-axes.ts'
import type { Phase, Windows } from './windows.ts'

export function packWindows(context: TileContext, scope: Scope, target: PackTarget, windows: Windows): void {
  const { blocking, axes, bStride } = context
  const image = scale(addScaled(axisIndex(axes.k.outer), axisIndex(axes.kBlock), -blocking.kRuns), bStride)
  const size = (blocking.nRuns + windows.reach) * windows.pitch
  overDepth(context, scope, undefined, (outer) => {
    windows.phases.forEach((phase, i) => {
      packPhase(
        context,
        outer,
        { memory: target.memory, start: add(target.start, offset(image, i * size)) },
        windows,
        phase,
      )
    })
  })
}

/** Copies the elements of one phase that a block's windows reach. */
function packPhase(
  context: TileContext,
  scope: Scope,
  { memory, start }: PackTarget,
  windows: Windows,
  { down, across }: Phase,
): void {
  const { blocking, axes, lowering } = context
  const { source, rows, columns, pitch } = windows
  const row = makeAxis('row', rows + down.reach)
  const line = makeAxis('line', blocking.nRuns + down.reach)
  const place = makeAxis('place', columns + across.reach)
  const indices = sourceIndices(context, windows, axisIndex(row), axisIndex(place))
  const moved = [...indices.slice(0, -2), offset(indices.at(-2)!, down.start), offset(indices.at(-1)!, across.start)]
  const position = add(start, add(scale(axisIndex(line), pitch), axisIndex(place)))
  const vector = { axis: place, lanes: lanesFor(context.target, widestBytes([source]), 0, place.extent) }
  const write = (inside: Scope): void => {
    const value = lowering.evaluation(inside).evaluate(source, moved)
    lowering.builder.emit(storeTo(memory, inside.materialize(position), value))
  }
  lowering.builder.loop({ name: 'line', extent: linesOf(context, scope, down.reach), kind: 'serial' }, (variable) => {
    const first = scale(axisIndex(axes.nBlock), blocking.nRuns)
    const inner = scope.enter(line, variable).bind(row, add(first, axisIndex(line)))
    nest(lowering.builder, inner, [place], vector, write)
  })
}

/** Index vector of the source at a row and a place in it, of the first phase. */
function sourceIndices({ blocking, axes }: TileContext, windows: Windows, row: Affine, place: Affine): Affine[] {
  const { n, k } = blocking
  const digits = (axis: Axis, shape: readonly number[], shared: number): Affine[] => {
    let [left, kept] = [shared, shape.length]
    while (left > 1) left /= shape[--kept]
    return [...unravel(axisIndex(axis), shape.slice(0, kept)), ...shape.slice(kept).map(() => zero)]
  }
  const outer = n.shape.slice(0, -2)
  const columns = [...(outer.length > 0 ? unravel(axisIndex(axes.n.slab), outer) : []), row, place]
  const values = [...batchIndices(blocking, axes), ...columns, ...digits(axes.k.outer, k.shape, k.inner)]
  const known = new Map(windows.axes.map((axis, i) => [axis, values[i]]))
  return windows.indices.map((index) => substitute(index, (axis) => known.get(axis)))
}

/** Rows that the windows of a block reach. */
function linesOf({ blocking, axes }: TileContext, scope: Scope, reach: number): Expression {
  const { n, nRuns } = blocking
  if (n.outer % nRuns === 0) return indexLiteral(nRuns + reach)
  const left = scope.materialize(addScaled(constantIndex(n.outer), axisIndex(axes.nBlock), -nRuns))
  return indexAlu('add', indexAlu('min', indexLiteral(nRuns), left), indexLiteral(reach))
}
