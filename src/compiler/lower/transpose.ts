// A map that only moves elements, between neighbours in what is read and neighbours in what is stored: its loops go by squares that code
// generators transpose in registers, down before across, so that few rows of what is stored are open at once, and by blocks of squares that
// stay in the first cache.
import { bytesOf } from '../../base/dtype.ts'
import type { Node } from '../../graph/node.ts'
import {
  type Affine,
  type Axis,
  addScaled,
  axisIndex,
  constantIndex,
  makeAxis,
  scale,
  strideAlong,
} from './index-algebra.ts'
import { isMovement } from './index-map.ts'
import type { KernelBuilder } from './kernel-builder.ts'
import { loopOverBlock, maximumBlocks, nest, parallelNest } from './loops.ts'
import { Scope } from './scope.ts'

/** of a square, in elements, and of a block, in squares */
export const side = 8
const blockSide = 8
/** From this many elements on, neighbours share no register. */
const farApart = 8

export interface Transposition {
  /** neighbours in what is stored */
  readonly rows: Axis
  /** neighbours in what is read, perhaps from the last to the first */
  readonly columns: Axis
  readonly backwards: boolean
}

/** Whether nodes hold what they read, element by element, in the only dtype that is transposed in registers: one of 32 bits. */
export const isCopy = (inner: readonly Node[]): boolean =>
  inner.every((node) => (isMovement(node) || node.op === 'copy') && bytesOf(node.dtype) === 4)

/** What lies across between two positions over the axes. */
export function transpositionOf(axes: readonly Axis[], from: Affine, to: Affine): Transposition | undefined {
  const isFar = (stride: number | undefined) => stride !== undefined && Math.abs(stride) >= farApart
  const rows = axes.find((axis) => strideAlong(to, axis) === 1 && isFar(strideAlong(from, axis)))
  const columns = axes.find((axis) => Math.abs(strideAlong(from, axis) ?? 0) === 1 && isFar(strideAlong(to, axis)))
  if (!rows || !columns || rows.extent < side || columns.extent < side) return undefined
  return { rows, columns, backwards: strideAlong(from, columns) === -1 }
}

/** Writes the loops over all whole squares of the space, whose side is `side`. */
export function transposedNest(
  builder: KernelBuilder,
  axes: readonly Axis[],
  { rows, columns, backwards }: Transposition,
  lanes: number,
  body: (scope: Scope, replaced: (axis: Axis) => Affine | undefined) => void,
): void {
  const [down, across] = [rows, columns].map(({ name, extent }) => makeAxis(name, Math.floor(extent / side)))
  const [row, column] = [rows, columns].map(({ name }) => makeAxis(name, side))
  const [downBlock, acrossBlock] = [down, across].map(({ name, extent }) =>
    makeAxis(name, Math.ceil(extent / blockSide)),
  )
  const at = (square: Axis, within: Axis) => addScaled(scale(axisIndex(square), side), axisIndex(within), 1)
  const [rowIndex, forwards] = [at(down, row), at(across, column)]
  const columnIndex = backwards ? addScaled(constantIndex(columns.extent - 1), forwards, -1) : forwards
  const replaced = (axis: Axis) => (axis === rows ? rowIndex : axis === columns ? columnIndex : undefined)
  const dealt = [...axes.filter((axis) => axis !== rows && axis !== columns), downBlock, acrossBlock]
  const vector = { axis: column, lanes }
  parallelNest(builder, new Scope(), dealt, maximumBlocks, undefined, (outer) =>
    loopOverBlock(builder, outer, across, blockSide, axisIndex(acrossBlock), undefined, (middle) =>
      loopOverBlock(builder, middle, down, blockSide, axisIndex(downBlock), undefined, (inner) =>
        nest(builder, inner, [row, column], vector, (scope) => body(scope, replaced), row),
      ),
    ),
  )
}
