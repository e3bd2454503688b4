// Sums over the rows of a row kernel (gradients of a norm's weight and bias): each block of rows adds to sums of its own while it passes
// over them, and the sums of blocks are added in order afterwards. Blocks depend on the shape only, so results do not vary with threads.
import type { Node } from '../../graph/node.ts'
import { alu, loadOf, storeTo, zeroOf } from '../../kernel/builders.ts'
import type { Expression, Memory } from '../../kernel/kernel-node.ts'
import { computeDType, toStored } from './evaluate.ts'
import { type Affine, type Axis, axisIndex, extentOf, linearIndex, makeAxis, unravel } from './index-algebra.ts'
import type { KernelBuilder } from './kernel-builder.ts'
import { loopOverBlock, nest, parallelNest, type Vector } from './loops.ts'
import type { Lowering } from './lowered-kernel.ts'
import { longestSum } from './row-pieces.ts'
import { Scope } from './scope.ts'

/** Where each sum of the block in hand is. */
export type Sums = ReadonlyMap<Node, Memory>

export interface SumsOverRows {
  readonly kept: readonly Axis[]
  readonly reduced: readonly Axis[]
  readonly vector: Vector | undefined
  readonly across: readonly Node<'reduce'>[]
  readonly outputs: readonly {
    readonly node: Node<'reduce'>
    readonly output: Node
    /** over the reduced axes */
    readonly indices: readonly Affine[]
  }[]
  /** writes one row, adding to `sums` what it has for them */
  readonly writeRow: (scope: Scope, sums: Sums) => void
}

/** Blocks that keep many participants busy, and rows that make a block worth sums of its own; more blocks only add to what is combined. */
const usualBlocks = 64
const usualRows = 16
const maximumBlocks = 1024

export function addTo(builder: KernelBuilder, memory: Memory, position: Expression, value: Expression): void {
  builder.emit(storeTo(memory, position, alu('add', memory.dtype, loadOf(memory, position), value)))
}

export function writeSumsOverRows(lowering: Lowering, sums: SumsOverRows): void {
  const { builder } = lowering
  const { reduced, vector, across, kept } = sums
  const [rows, width] = [extentOf(kept), extentOf(reduced)]
  const busy = Math.min(usualBlocks, Math.ceil(rows / usualRows))
  const wanted = Math.min(maximumBlocks, Math.max(busy, Math.ceil(rows / longestSum)))
  const size = Math.ceil(rows / wanted)
  const block = makeAxis('block', Math.ceil(rows / size))
  const ofBlock = new Map(
    across.map((node) => [node, builder.makeScratch('across', computeDType(node.dtype), width)] as const),
  )
  const partials = new Map(
    across.map((node) => [node, builder.temporary('partial', computeDType(node.dtype), block.extent * width)] as const),
  )
  const position = linearIndex(
    reduced.map(axisIndex),
    reduced.map(({ extent }) => extent),
  )
  const forEachSum = (scope: Scope, write: (inner: Scope, node: Node<'reduce'>) => void) =>
    nest(builder, scope, reduced, vector, (inner) => {
      for (const node of across) write(inner, node)
    })
  builder.loop({ name: 'block', extent: block.extent, kind: 'parallel' }, (variable) => {
    const scope = new Scope().enter(block, variable)
    forEachSum(scope, (inner, node) => {
      const memory = ofBlock.get(node)!
      builder.emit(storeTo(memory, inner.materialize(position), zeroOf(memory.dtype)))
    })
    forEachRow(builder, scope, kept, axisIndex(block), size, (row) => sums.writeRow(row, ofBlock))
    forEachSum(scope, (inner, node) => {
      const own = loadOf(ofBlock.get(node)!, inner.materialize(position))
      const at = inner.materialize(linearIndex([axisIndex(block), position], [block.extent, width]))
      builder.emit(storeTo(partials.get(node)!, at, own))
    })
  })
  builder.emit({ op: 'barrier' })
  combine(lowering, sums, partials, block, position)
}

function forEachRow(
  builder: KernelBuilder,
  scope: Scope,
  kept: readonly Axis[],
  block: Affine,
  size: number,
  body: (scope: Scope) => void,
): void {
  const row = makeAxis('row', extentOf(kept))
  loopOverBlock(builder, scope, row, size, block, undefined, (within) => {
    const digits = unravel(
      axisIndex(row),
      kept.map(({ extent }) => extent),
    )
    let inner = within
    kept.forEach((axis, i) => {
      const value = inner.materialize(digits[i])
      inner = inner.fix(axis, value.op === 'alu' ? builder.bind(axis.name, value) : value)
    })
    body(inner)
  })
}

function combine(
  { builder, outputs: params }: Lowering,
  { reduced, vector, outputs }: SumsOverRows,
  partials: ReadonlyMap<Node, Memory>,
  block: Axis,
  position: Affine,
): void {
  const width = extentOf(reduced)
  parallelNest(builder, new Scope(), reduced, Math.ceil((width * block.extent) / 16384), vector, (scope) => {
    for (const { node, output, indices } of outputs) {
      const memory = partials.get(node)!
      const total = builder.accumulator('sum', memory.dtype as Parameters<KernelBuilder['accumulator']>[1], 'sum', 1)
      nest(builder, scope, [block], undefined, (inner) => {
        const at = inner.materialize(linearIndex([axisIndex(block), position], [block.extent, width]))
        builder.accumulate(total, loadOf(memory, at))
      })
      const at = scope.materialize(linearIndex(indices, output.shape))
      builder.emit(storeTo(params.get(output)!, at, toStored(builder.read(total), output.dtype)))
    }
  })
}
