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
import type { Windows } from './windows.ts'

export function packWindows(context: TileContext, scope: Scope, target: PackTarget, windows: Windows): void {
  const { blocking, axes, lowering, bStride } = context
  const { source, rows, pitch, reach } = windows
  const row = makeAxis('row', rows + reach)
  const line = makeAxis('line', blocking.nRuns + reach)
  const place = makeAxis('place', pitch)
  const indices = sourceIndices(context, windows, axisIndex(row), axisIndex(place))
  const image = scale(addScaled(axisIndex(axes.k.outer), axisIndex(axes.kBlock), -blocking.kRuns), bStride)
  const position = add(add(target.start, image), add(scale(axisIndex(line), pitch), axisIndex(place)))
  const vector = { axis: place, lanes: lanesFor(context.target, widestBytes([source]), 0, pitch) }
  const write = (inside: Scope): void => {
    const value = lowering.evaluation(inside).evaluate(source, indices)
    lowering.builder.emit(storeTo(target.memory, inside.materialize(position), value))
  }
  overDepth(context, scope, undefined, (outer) =>
    lowering.builder.loop({ name: 'line', extent: linesOf(context, outer, reach), kind: 'serial' }, (variable) => {
      const first = scale(axisIndex(axes.nBlock), blocking.nRuns)
      const inner = outer.enter(line, variable).bind(row, add(first, axisIndex(line)))
      nest(lowering.builder, inner, [place], vector, write)
    }),
  )
}

/** Index vector of the source at a row and a place in it, for the first of the taps that share a copy. */
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
