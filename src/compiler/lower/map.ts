// Lowers a map group: every output element computed where it is stored. The space starts as one axis of all elements, is cut only where index
// maps need digits, and runs vectorised along the axis that most accesses follow; where that axis passes from one source to the next, or
// digits do not come out even, the parts are loops of their own.
import { CompileError } from '../../base/errors.ts'
import { formatShape, sizeOf } from '../../base/shape.ts'
import type { Node } from '../../graph/node.ts'
import type { Memory } from '../../kernel/kernel-node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { widestBytes } from './evaluate.ts'
import {
  type Affine,
  type Axis,
  addScaled,
  axisIndex,
  extentOf,
  makeAxis,
  offset,
  substitute,
  unravel,
} from './index-algebra.ts'
import {
  blocksFor,
  chooseVectorAxis,
  lanesFor,
  loopOverBlock,
  nest,
  parallelNest,
  registerLanes,
  type Vector,
} from './loops.ts'
import { type LoweredKernel, Lowering, traceAccesses } from './lowered-kernel.ts'
import { refine } from './refine.ts'
import { maximumRegions, piecesOf, type Range, type Turns, wholeTurns } from './regions.ts'
import { Scope } from './scope.ts'
import { isCopy, side, type Transposition, transposedNest, transpositionOf } from './transpose.ts'

export function lowerMap(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group)
  const stores = group.outputs.map((node) => ({ node, memory: lowering.outputs.get(node)! }))
  writeMap(lowering, target, stores, lowering.inputs)
  return lowering.finish()
}

/** A node's value and the memory that receives it. */
export interface MapStore {
  readonly node: Node
  readonly memory: Memory
}

/** Writes the loops that compute nodes of one size, element by element, from what `memory` holds. */
export function writeMap(
  lowering: Lowering,
  target: Target,
  stores: readonly MapStore[],
  memory: ReadonlyMap<Node, Memory>,
): void {
  if (commonSize(stores) > 0) new MapWriter(lowering, target, stores, memory).write()
}

/** Elements that are stored together where the vector axis is not the finest: they stay in a core's own cache. */
const stripElements = 16384

class MapWriter {
  readonly #lowering: Lowering
  readonly #target: Target
  readonly #stores: readonly MapStore[]
  readonly #memory: ReadonlyMap<Node, Memory>
  readonly #bytes: number
  readonly #isCopy: boolean

  constructor(lowering: Lowering, target: Target, stores: readonly MapStore[], memory: ReadonlyMap<Node, Memory>) {
    this.#lowering = lowering
    this.#target = target
    this.#stores = stores
    this.#memory = memory
    this.#bytes = widestBytes([...lowering.group.inputs, ...lowering.group.outputs])
    this.#isCopy = stores.length === 1 && isCopy(lowering.group.inner)
  }

  write(): void {
    const { axes, roots } = refine([makeAxis('i', commonSize(this.#stores))], ([position]) => {
      const { positions, bounds } = this.#trace(position)
      return [...positions, ...bounds.map(({ index }) => index)]
    })
    this.#region(axes[0], roots[0], 1)
  }

  #rootsAt(position: Affine) {
    return this.#stores.map(({ node, memory }) => ({
      node,
      memory,
      indices: unravel(position, node.shape),
      stored: true,
    }))
  }

  #trace(position: Affine) {
    const { group, uses } = this.#lowering
    return traceAccesses(group, this.#memory, uses, undefined, this.#rootsAt(position))
  }

  /** The positions over axes: in parts of their own where digits come out even, and where what is read changes along the vector axis. */
  #region(axes: readonly Axis[], position: Affine, count: number): void {
    const { positions, bounds } = this.#trace(position)
    const accesses = [...positions, ...bounds.map(({ index }) => index)]
    const turns = 3 * count <= maximumRegions ? wholeTurns(accesses, axes) : undefined
    if (turns) {
      this.#turns(axes, position, turns, 3 * count)
      return
    }
    const axis = chooseVectorAxis(axes, accesses, registerLanes(this.#target, this.#bytes))
    const parts = axis ? piecesOf(axis, bounds) : []
    const isMove = this.#isCopy && bounds.length === 0 && positions.length === 2
    const across = isMove ? transpositionOf(axes, positions[0], positions[1]) : undefined
    if (across) this.#transposed(axes, position, across)
    else if (axis === undefined || parts.length < 2 || parts.length * count > maximumRegions)
      this.#nest(axes, axis, position)
    else for (const part of parts) this.#part(axes, position, axis, part, count * parts.length)
  }

  /** What comes before the first whole turn, whole turns as two axes, and what comes after the last. */
  #turns(axes: readonly Axis[], position: Affine, { axis, by, whole }: Turns, count: number): void {
    const end = whole.start + whole.extent
    const [turn, digit] = [makeAxis(axis.name, whole.extent / by), makeAxis(axis.name, by)]
    const index = offset(addScaled(axisIndex(digit), axisIndex(turn), by), whole.start)
    if (whole.start > 0) this.#part(axes, position, axis, { start: 0, extent: whole.start }, count)
    this.#replaced(axes, position, axis, [turn, digit], index, count)
    if (end < axis.extent) this.#part(axes, position, axis, { start: end, extent: axis.extent - end }, count)
  }

  /** The positions at which an axis is in a range. */
  #part(axes: readonly Axis[], position: Affine, axis: Axis, { start, extent }: Range, count: number): void {
    const part = makeAxis(axis.name, extent)
    this.#replaced(axes, position, axis, [part], offset(axisIndex(part), start), count)
  }

  #replaced(
    axes: readonly Axis[],
    position: Affine,
    axis: Axis,
    by: readonly Axis[],
    index: Affine,
    count: number,
  ): void {
    const inner = axes.flatMap((one) => (one === axis ? by : [one])).filter((one) => one.extent > 1)
    const moved = substitute(position, (one) => (one === axis ? index : undefined))
    this.#region(inner, moved, count)
  }

  /** Whole squares, and what is left below and beside them. */
  #transposed(axes: readonly Axis[], position: Affine, across: Transposition): void {
    const lanes = registerLanes(this.#target, this.#bytes)
    transposedNest(this.#lowering.builder, axes, across, lanes, (scope, replaced) =>
      this.#store(scope, substitute(position, replaced)),
    )
    const { rows, columns } = across
    const [low, near] = [rows, columns].map(({ extent }) => extent - (extent % side))
    if (low < rows.extent) this.#part(axes, position, rows, { start: low, extent: rows.extent - low }, 1)
    if (near === columns.extent) return
    const beside = across.backwards
      ? { start: 0, extent: columns.extent - near }
      : { start: near, extent: columns.extent - near }
    const above = makeAxis(rows.name, low)
    const upper = axes.map((axis) => (axis === rows ? above : axis))
    const moved = substitute(position, (axis) => (axis === rows ? axisIndex(above) : undefined))
    this.#part(upper, moved, columns, beside, 1)
  }

  #nest(axes: readonly Axis[], axis: Axis | undefined, position: Affine): void {
    const { group, weight, builder } = this.#lowering
    const bytes = this.#bytes
    const vector = axis && { axis, lanes: lanesFor(this.#target, bytes, weight, axis.extent) }
    const blocks = blocksFor(extentOf(axes), bytes * (group.inputs.length + group.outputs.length) + weight)
    const [outer, finer] = axis ? [axes.slice(0, axes.indexOf(axis)), axes.slice(axes.indexOf(axis) + 1)] : [axes, []]
    if (vector && finer.length > 0) this.#strips(outer, finer, vector, blocks, position)
    else
      parallelNest(builder, new Scope(), axis ? [...outer, axis] : outer, blocks, vector, (scope) =>
        this.#store(scope, position),
      )
  }

  /** What finer axes put between two elements of the vector axis is stored soon, and by the same participant. */
  #strips(outer: readonly Axis[], finer: readonly Axis[], { axis, lanes }: Vector, blocks: number, position: Affine) {
    const { builder } = this.#lowering
    const strips = Math.max(
      Math.ceil(blocks / extentOf(outer)),
      Math.ceil((axis.extent * extentOf(finer)) / stripElements),
    )
    const size = Math.ceil(axis.extent / strips / lanes) * lanes
    const strip = makeAxis(axis.name, Math.ceil(axis.extent / size))
    parallelNest(
      builder,
      new Scope(),
      [...outer, strip].filter((one) => one.extent > 1),
      blocks,
      undefined,
      (scope) =>
        nest(builder, scope, finer, undefined, (within) =>
          loopOverBlock(builder, within, axis, size, axisIndex(strip), { axis, lanes }, (inner) =>
            this.#store(inner, position),
          ),
        ),
    )
  }

  #store(scope: Scope, position: Affine): void {
    const evaluation = this.#lowering.evaluation(scope, undefined, this.#memory)
    this.#lowering.storeAll(scope, evaluation, this.#rootsAt(position))
  }
}

function commonSize(stores: readonly MapStore[]): number {
  const size = sizeOf(stores[0].node.shape)
  const shapes = stores.map(({ node }) => node.shape)
  if (shapes.some((shape) => sizeOf(shape) !== size))
    throw new CompileError(
      `lower: expected what one map kernel computes to have one size, got ${shapes.map(formatShape).join(' and ')}.`,
    )
  return size
}
