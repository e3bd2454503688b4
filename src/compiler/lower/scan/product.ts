// Products of a step with a matrix that stays: packed once, before the loop over time; in every step the block's rows are multiplied by it
// as they lie. mr nr: the register tile; depth: what is summed over.
import { bytesOf } from '../../../base/dtype.ts'
import { sizeOf } from '../../../base/shape.ts'
import type { Node } from '../../../graph/node.ts'
import { indexAlu, indexLiteral, storeTo } from '../../../kernel/builders.ts'
import type { Memory } from '../../../kernel/kernel-node.ts'
import type { Target, TileShape } from '../../target.ts'
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
  unravel,
  unravelInside,
} from '../index-algebra.ts'
import { always, withBound } from '../index-map.ts'
import { chooseVectorAxis, lanesFor, nest, registerLanes } from '../loops.ts'
import { refine } from '../refine.ts'
import { Scope } from '../scope.ts'
import { type Held, paddedStride, type StepValues } from './step-values.ts'

export interface Product {
  readonly node: Node<'contract'>
  readonly mr: number
  readonly nr: number
  readonly rowPanels: number
  readonly columnPanels: number
  readonly depth: number
  /** of a part of the depth, for which a panel of the matrix stays in the first cache */
  readonly partDepth: number
}

/** Below this many multiplications a step's product is not worth a tile. */
const smallestProduct = 2048
/** Cycles from one multiply-add to the next on the same sums. */
const latency = 4

const sumsOf = ({ dtype }: Node): 'float32' | 'float64' => (dtype === 'float64' ? 'float64' : 'float32')

const depthOf = ({ inputs: [a], attrs }: Node<'contract'>): number =>
  sizeOf(a.shape.slice(a.shape.length - attrs.contracted))

/** Whether a product, if its right side stays the same in all steps, goes through the register tile: one row for each row of the block. */
export function suitsTile(node: Node<'contract'>, target: Target): boolean {
  const { inputs, attrs, dtype, shape } = node
  if (!dtype.includes('float') || !target.tiles[sumsOf(node)]) return false
  const isMatrix = attrs.batch === 0 && inputs[0].shape.length - attrs.contracted === 1
  return isMatrix && sizeOf(shape) * depthOf(node) >= smallestProduct
}

/** The tile that multiplies `rows` rows in the least time, with rows shared out evenly over its panels. */
export function shapeProduct(node: Node<'contract'>, rows: number, target: Target): Product {
  const columns = sizeOf(node.shape.slice(1))
  const depth = depthOf(node)
  const candidates = target.tiles[sumsOf(node)]!.map((tile) => {
    const rowPanels = Math.ceil(rows / tile.mr)
    const mr = Math.ceil(rows / rowPanels)
    const columnPanels = Math.ceil(columns / tile.nr)
    return { mr, nr: tile.nr, rowPanels, columnPanels, cycles: rowPanels * columnPanels * cyclesPerStep(tile, mr) }
  })
  const { cycles: _, ...best } = candidates.reduce((a, b) => (b.cycles < a.cycles ? b : a))
  const fitting = Math.max(1, Math.floor(target.l1 / 2 / (best.nr * bytesOf(sumsOf(node)))))
  return { node, ...best, depth, partDepth: partOf(depth, fitting) }
}

/** Even parts of at most `most`, or nearly even ones where an even cut would be far smaller. */
function partOf(depth: number, most: number): number {
  const parts = Math.ceil(depth / most)
  for (let even = parts; even <= 2 * parts; even++) if (depth % even === 0) return depth / even
  return Math.ceil(depth / parts)
}

const cyclesPerStep = ({ nr, rate }: TileShape, mr: number): number => Math.max(latency, (2 * mr * nr) / rate)

/** Packs the right side into panels of nr columns: panel, then depth, then column. */
export function packRight(values: StepValues, target: Target, product: Product): Memory {
  const { node, nr, columnPanels, depth } = product
  const { builder } = values.lowering
  const [, b] = node.inputs
  const { contracted } = node.attrs
  const columnShape = b.shape.slice(0, b.shape.length - contracted)
  const memory = builder.temporary('packed', sumsOf(node), columnPanels * depth * nr)
  const [panel, column] = [makeAxis('panel', columnPanels), makeAxis('column', nr)]
  const n = addScaled(axisIndex(column), axisIndex(panel), nr)
  const indicesAt = (k: Affine): Affine[] => [
    ...unravelInside(n, columnShape),
    ...unravel(k, b.shape.slice(b.shape.length - contracted)),
  ]
  const refined = refine([makeAxis('k', depth)], ([k]) => values.trace([{ node: b, indices: indicesAt(k) }]))
  const [k] = refined.roots
  const place = add(add(scale(axisIndex(panel), depth * nr), scale(k, nr)), axisIndex(column))
  const axes = [column, ...refined.axes[0]]
  const bytes = widestBytes([b])
  const along = chooseVectorAxis(axes, [...refined.accesses, place], registerLanes(target, bytes))
  const vector = along && { axis: along, lanes: lanesFor(target, bytes, 0, along.extent) }
  const guard = withBound(always, n, sizeOf(columnShape))
  const order = axes.sort((x, y) => Number(x === along) - Number(y === along))
  builder.loop({ name: 'panel', extent: columnPanels, kind: 'parallel' }, (variable) =>
    nest(builder, new Scope().enter(panel, variable), order, vector, (inner) => {
      if (guard === 'never') return
      const value = values.evaluation(inner).evaluate(b, indicesAt(k), guard)
      builder.emit(storeTo(memory, inner.materialize(place), value))
    }),
  )
  return memory
}

/** Where a step's product goes: whole tiles. */
export function reserveProduct({ lowering }: StepValues, product: Product): Held {
  const { node, mr, nr, rowPanels, columnPanels } = product
  const rowStride = paddedStride(columnPanels * nr, sumsOf(node))
  return { memory: lowering.builder.makeScratch('product', sumsOf(node), rowPanels * mr * rowStride), rowStride }
}

/** Multiplies the block's rows of `left`. */
export function multiply(
  values: StepValues,
  scope: Scope,
  product: Product,
  left: Held,
  right: Memory,
  result: Held,
): void {
  const { builder } = values.lowering
  const { node, mr, nr, rowPanels, columnPanels, depth, partDepth } = product
  const [columns, part, rows] = [
    makeAxis('columns', columnPanels),
    makeAxis('part', Math.ceil(depth / partDepth)),
    makeAxis('rows', rowPanels),
  ]
  nest(builder, scope, [columns, part, rows], undefined, (inner) => {
    const at = (row: number, column: number, k: number): Affine =>
      add(add(scale(axisIndex(rows), row), scale(axisIndex(columns), column)), scale(axisIndex(part), k))
    builder.emit({
      op: 'tileMultiply',
      dtype: sumsOf(node),
      mr,
      nr,
      depth: partExtent(inner, part, product),
      aRow: left.rowStride,
      aStride: 1,
      bStride: nr,
      a: { memory: left.memory, index: inner.materialize(at(mr * left.rowStride, 0, partDepth)) },
      b: { memory: right, index: inner.materialize(at(0, depth * nr, partDepth * nr)) },
      c: {
        memory: result.memory,
        index: inner.materialize(at(mr * result.rowStride, nr, 0)),
        stride: indexLiteral(result.rowStride),
      },
      accumulate: inner.materialize(axisIndex(part)),
    })
  })
}

/** Depth of the part at hand. */
function partExtent(scope: Scope, part: Axis, { depth, partDepth }: Product) {
  if (depth % partDepth === 0) return indexLiteral(partDepth)
  const left = addScaled(constantIndex(depth), axisIndex(part), -partDepth)
  return indexAlu('min', indexLiteral(partDepth), scope.materialize(left))
}
