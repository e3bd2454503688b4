// Lowers a tile group: a contract by the five BLIS loops, prologues in packing, epilogues on the finished block.
// Phases of one kernel, with barriers between: pack what all tasks share; the tasks; when k was split, add the parts in order.
import { alu, indexAlu, indexLiteral, literal, storeTo } from '../../../kernel/builders.ts'
import type { Expression, Memory, Param } from '../../../kernel/kernel-node.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import {
  type Affine,
  type Axis,
  add,
  addScaled,
  axisIndex,
  linearIndex,
  makeAxis,
  scale,
  unravel,
  zero,
} from '../index-algebra.ts'
import { loopOverBlock, type Vector } from '../loops.ts'
import { type LoweredKernel, Lowering } from '../lowered-kernel.ts'
import { Scope } from '../scope.ts'
import { chooseBlocking } from './blocking.ts'
import { makeContext, type TileContext } from './context.ts'
import { lowerDot } from './dot.ts'
import { loadProduct, resultPosition, writeOutputs } from './epilogue.ts'
import { chooseFactors, liesAlongDepth } from './factors.ts'
import { layoutOf } from './layout.ts'
import { multiplyBlocks, type Operand, type Operands, operandInPlace, resultInPlace } from './multiply.ts'
import { columnIndex, overColumns, packLeft, packRight } from './pack.ts'
import { columnRun, depthRun } from './runs.ts'
import { type ContractNode, makeTileAxes } from './tile-axes.ts'
import { findWindows } from './windows.ts'

export function lowerTile(group: KernelGroup, target: Target): LoweredKernel {
  const contract = group.anchorNode as ContractNode
  if (!suitsTiles(contract, target)) return lowerDot(group, target)
  const plan = new Lowering(group)
  const factors = chooseFactors(plan, target, contract)
  const layout = layoutOf(plan, contract, factors)
  const runs = { k: depthRun(plan, contract), n: columnRun(plan, contract, factors) }
  const windows = findWindows(plan, contract, factors, layout, target)
  const blocking = chooseBlocking(contract, factors, target, layout, runs, windows)
  // sums that grow block by block of k are read where they are written
  const lowering = blocking.direct ? new Lowering(group, 'readwrite') : plan
  const packsRows = !blocking.inPlace.a && liesAlongDepth(plan, target, factors.left, contract.attrs.contracted)
  const axes = makeTileAxes(blocking)
  const context = makeContext({ lowering, target, contract, factors, blocking, axes, layout, packsRows })
  const parts = runTasks(context, placeOperands(context))
  if (parts) addParts(context, parts)
  return context.lowering.finish()
}

/** Below this many products packing costs more than it saves. */
const smallestTile = 2048

function suitsTiles(contract: ContractNode, target: Target): boolean {
  const { dtype, shape, inputs, attrs } = contract
  const sums = dtype === 'float64' ? 'float64' : dtype.includes('float') ? 'float32' : undefined
  if (!sums || !target.tiles[sums]) return false
  const depth = inputs[0].shape.slice(-attrs.contracted).reduce((a, b) => a * b, 1)
  const results = shape.reduce((a, b) => a * b, 1)
  return results > 0 && depth > 0 && results * depth >= smallestTile
}

/** Declares where operands are, and packs the shared ones: one parallel iteration for each block. */
function placeOperands(context: TileContext): Pick<Operands, 'a' | 'b'> {
  const { blocking, axes, lowering, dtype, aBlock, bBlock } = context
  const { builder } = lowering
  const { shared, inPlace } = blocking
  const aBlocks = [axes.batch, axes.mBlock, axes.kBlock]
  const bBlocks = [axes.batch, axes.n.slab, axes.nBlock, axes.kBlock]
  const placed = (which: 0 | 1, name: string, blocks: readonly Axis[], size: number): Operand => {
    if (which === 0 ? inPlace.a : inPlace.b) return operandInPlace(context, which)
    if (!(which === 0 ? shared.a : shared.b))
      return { memory: builder.makeScratch(name, dtype, size), start: zero, byTask: true }
    const extents = blocks.map((axis) => axis.extent)
    const memory = builder.temporary(
      name,
      dtype,
      extents.reduce((x, y) => x * y, size),
    )
    return { memory, start: scale(linearIndex(blocks.map(axisIndex), extents), size), byTask: false }
  }
  const a = placed(0, 'packedA', aBlocks, aBlock)
  const b = placed(1, 'packedB', bBlocks, bBlock)
  if (shared.a) parallelOver(context, 'pack', aBlocks, (scope) => packLeft(context, scope, a))
  if (shared.b) parallelOver(context, 'pack', bBlocks, (scope) => packRight(context, scope, b))
  if (shared.a || shared.b) builder.emit({ op: 'barrier' })
  return { a, b }
}

/** One parallel loop over the product of axes. */
function parallelOver(
  { lowering }: TileContext,
  name: string,
  axes: readonly Axis[],
  body: (scope: Scope) => void,
): void {
  const { builder } = lowering
  const extents = axes.map((axis) => axis.extent)
  const all = makeAxis(
    name,
    extents.reduce((x, y) => x * y, 1),
  )
  builder.loop({ name, extent: all.extent, kind: 'parallel' }, (variable) => {
    let scope = new Scope().enter(all, variable)
    const digits = unravel(axisIndex(all), extents)
    axes.forEach((axis, i) => {
      const value = scope.materialize(digits[i])
      scope = scope.fix(axis, value.op === 'alu' ? builder.bind(axis.name, value) : value)
    })
    body(scope)
  })
}

/** The tasks: each multiplies blocks, then writes outputs, or its part of the sums when k is split; gives the parts' memory. */
function runTasks(context: TileContext, operands: Pick<Operands, 'a' | 'b'>): Param | undefined {
  const { blocking, axes } = context
  const tasks = [axes.batch, axes.n.slab, axes.split, axes.mBlock, axes.nGroup]
  if (blocking.direct) {
    const c = resultInPlace(context)
    parallelOver(context, 'task', tasks, (scope) => multiplyBlocks(context, scope, { ...operands, c }))
    return undefined
  }
  return runBlocks(context, operands, tasks)
}

function runBlocks(
  context: TileContext,
  operands: Pick<Operands, 'a' | 'b'>,
  tasks: readonly Axis[],
): Param | undefined {
  const { blocking, axes, lowering, dtype, cStride } = context
  const { builder } = lowering
  const rows = Math.ceil(blocking.mRuns / blocking.mr) * blocking.mr
  const block = builder.makeScratch('products', dtype, rows * cStride)
  const size = axes.batch.extent * blocking.m.size * blocking.n.size * blocking.n.slabs
  const parts = blocking.splits > 1 ? builder.temporary('parts', dtype, size * blocking.splits) : undefined
  const c = { memory: block, start: zero, byTask: true }
  parallelOver(context, 'task', tasks, (task) => {
    multiplyBlocks(context, task, { ...operands, c })
    // a task finishes one block of columns
    const scope = task.bind(axes.nBlock, axisIndex(axes.nGroup))
    if (parts) storePart(context, scope, block, parts, size)
    else
      writeOutputs(context, scope, {
        product: (inside, nInner) => loadProduct(block, inside, blockPosition(context, nInner)),
        access: (nInner) => blockPosition(context, nInner),
        rows: (s, vector, body) => overRows(context, s, vector, body),
      })
  })
  return parts
}

/** Position of (m, n) in the task's block of products. */
const blockPosition = (context: TileContext, nInner: Affine): Affine => {
  const { axes, blocking, cStride } = context
  const row = addScaled(axisIndex(axes.m.outer), axisIndex(axes.mBlock), -blocking.mRuns)
  return add(scale(row, cStride), columnIndex(context, nInner))
}

function overRows(
  { lowering, axes, blocking }: TileContext,
  scope: Scope,
  vector: Vector | undefined,
  body: (scope: Scope) => void,
): void {
  loopOverBlock(lowering.builder, scope, axes.m.outer, blocking.mRuns, axisIndex(axes.mBlock), vector, body)
}

function storePart(context: TileContext, scope: Scope, block: Memory, parts: Param, size: number): void {
  const { axes, lowering, target, dtype, blocking } = context
  const lanes = target.vectorBytes / (dtype === 'float64' ? 8 : 4)
  const nInner = axisIndex(axes.n.inner)
  const along = blocking.n.inner > 1 ? axes.n.inner : axes.n.outer
  const position = add(scale(axisIndex(axes.split), size), resultPosition(context, nInner))
  const store = (s: Scope): void => {
    const value = loadProduct(block, s, blockPosition(context, nInner))
    lowering.builder.emit(storeTo(parts, s.materialize(position), value))
  }
  overRows(context, scope, undefined, (s) => {
    if (along === axes.n.outer) return overColumns(context, s, { axis: along, lanes }, store)
    overColumns(context, s, undefined, (t) =>
      lowering.builder.loop({ name: along.name, extent: along.extent, kind: 'vector', lanes }, (variable) =>
        store(t.enter(along, variable)),
      ),
    )
  })
}

/** Adds the parts of every result in the order of k and writes the outputs. */
function addParts(context: TileContext, parts: Param): void {
  const { axes, lowering, blocking } = context
  const size = axes.batch.extent * blocking.m.size * blocking.n.size * blocking.n.slabs
  lowering.builder.emit({ op: 'barrier' })
  parallelOver(context, 'sum', [axes.batch, axes.n.slab, axes.m.outer, axes.nBlock], (scope) => {
    writeOutputs(context, scope, {
      product: (inside, nInner) => sumOfParts(context, parts, size, inside, nInner),
      access: (nInner) => resultPosition(context, nInner),
      rows: (s, _, body) => body(s),
    })
  })
}

function sumOfParts(context: TileContext, parts: Param, size: number, scope: Scope, nInner: Affine): Expression {
  const { blocking, dtype } = context
  const position = scope.materialize(resultPosition(context, nInner))
  let sum: Expression = literal(dtype, 0)
  for (let part = 0; part < blocking.splits; part++) {
    const value = {
      op: 'load',
      dtype,
      memory: parts,
      index: indexAlu('add', position, indexLiteral(part * size)),
    } as const
    sum = part === 0 ? value : alu('add', dtype, sum, value)
  }
  return sum
}
