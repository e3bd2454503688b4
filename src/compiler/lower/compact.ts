// Lowers `compact`: picked elements move to the front. Blocks count theirs, then each knows where its own begin; it gathers them in scratch, where
// every element is written and only a picked one moves the place on, so that nothing branches on the mask, and copies what it has.
import { bytesOf } from '../../base/dtype.ts'
import { elementsOf, type Node } from '../../graph/node.ts'
import {
  alu,
  castTo,
  indexAlu,
  indexLiteral,
  lessThan,
  literal,
  loadOf,
  storeTo,
  zeroOf,
} from '../../kernel/builders.ts'
import type { Accumulator, Expression, Memory } from '../../kernel/kernel-node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { toStored } from './evaluate.ts'
import { type Axis, add, axisIndex, makeAxis, scale } from './index-algebra.ts'
import { blockExtent, registerLanes } from './loops.ts'
import { type LoweredKernel, Lowering } from './lowered-kernel.ts'
import { Scope } from './scope.ts'

export const suitsCompact = (node: Node<'composite'>): boolean => elementsOf(node) > 0

/** Elements of a block, and of the part of it that is gathered at once. */
const blockSize = 16384
const chunkSize = 1024

interface Context {
  readonly lowering: Lowering
  readonly mask: Node
  readonly values: Node
  readonly target: Target
  readonly size: number
  readonly block: Axis
  readonly element: Axis
  /** picked elements of each block, then of all blocks before it; last of all blocks */
  readonly counts: Memory
}

export function lowerCompact(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group)
  const { builder } = lowering
  const [mask, values] = (group.anchorNode as Node<'composite'>).inputs
  const size = elementsOf(values)
  const blocks = Math.ceil(size / blockSize)
  const counts = builder.temporary('counts', 'int32', blocks + 1)
  const axes = { block: makeAxis('block', blocks), element: makeAxis('i', size) }
  const context = { lowering, mask, values, target, size, ...axes, counts }
  countBlocks(context)
  builder.emit({ op: 'barrier' })
  startBlocks(context)
  builder.emit({ op: 'barrier' })
  moveBlocks(context)
  return lowering.finish()
}

const isPicked = ({ lowering, mask, element }: Context, scope: Scope): Expression =>
  castTo(lowering.evaluation(scope).evaluate(mask, [axisIndex(element)]), 'int32')

function overBlocks({ lowering, size, block }: Context, body: (scope: Scope, extent: Expression) => void): void {
  lowering.builder.loop({ name: block.name, extent: block.extent, kind: 'parallel' }, (variable) => {
    const scope = new Scope().enter(block, variable)
    body(scope, blockExtent(size, Math.min(size, blockSize), scope.materialize(axisIndex(block))))
  })
}

function countBlocks(context: Context): void {
  const { lowering, target, block, element, counts } = context
  const { builder } = lowering
  const lanes = registerLanes(target, bytesOf('int32')) * 4
  const within = makeAxis('i', blockSize)
  overBlocks(context, (scope, extent) => {
    const count = builder.accumulator('count', 'int32', 'sum', lanes)
    builder.loop({ name: 'i', extent, kind: 'vector', lanes }, (variable) => {
      const at = add(scale(axisIndex(block), blockSize), axisIndex(within))
      builder.accumulate(count, isPicked(context, scope.enter(within, variable, true).bind(element, at)))
    })
    builder.emit(storeTo(counts, scope.materialize(axisIndex(block)), builder.read(count)))
  })
}

function startBlocks({ lowering, block, counts }: Context): void {
  const { builder } = lowering
  builder.loop({ name: 'all', extent: 1, kind: 'parallel' }, () => {
    const total = builder.assigned('total', 'int32', literal('int32', 0))
    builder.loop({ name: block.name, extent: block.extent, kind: 'serial' }, (variable) => {
      const at = new Scope().enter(block, variable).materialize(axisIndex(block))
      const sum = builder.bind('sum', alu('add', 'int32', builder.read(total), loadOf(counts, at)))
      builder.emit(storeTo(counts, at, builder.read(total)))
      builder.accumulate(total, sum)
    })
    builder.emit(storeTo(counts, indexLiteral(block.extent), builder.read(total)))
  })
}

/** A loaded count as an index from 0 to `most`. */
const clamped = (count: Expression, most: number): Expression =>
  indexAlu('max', indexAlu('min', castTo(count, 'index'), indexLiteral(most)), indexLiteral(0))

function moveBlocks(context: Context): void {
  const { lowering, values, size, block, counts } = context
  const { builder } = lowering
  const chunk = makeAxis('chunk', Math.ceil(Math.min(size, blockSize) / chunkSize))
  const gathered = builder.makeScratch('gathered', values.dtype, chunkSize)
  overBlocks(context, (scope, extent) => {
    const start = loadOf(counts, scope.materialize(axisIndex(block)))
    const cursor = builder.assigned('cursor', 'int32', start)
    const chunks = indexAlu('div', indexAlu('add', extent, indexLiteral(chunkSize - 1)), indexLiteral(chunkSize))
    builder.loop({ name: chunk.name, extent: chunks, kind: 'serial' }, (variable) => {
      const inside = scope.enter(chunk, variable)
      const first = inside.materialize(scale(axisIndex(chunk), chunkSize))
      const left = indexAlu('min', indexLiteral(chunkSize), indexAlu('sub', extent, first))
      const count = gatherChunk(context, inside, chunk, left, gathered)
      copyChunk(context, cursor, count, gathered)
    })
    clearBehind(context, scope, extent)
  })
}

/** Gathers the picked elements of a chunk; gives their number. */
function gatherChunk(
  { lowering, mask, values, block, element }: Context,
  scope: Scope,
  chunk: Axis,
  extent: Expression,
  gathered: Memory,
): Accumulator {
  const { builder } = lowering
  const within = makeAxis('i', chunkSize)
  const count = builder.assigned('count', 'int32', literal('int32', 0))
  builder.loop({ name: 'i', extent, kind: 'serial' }, (variable) => {
    const position = add(scale(axisIndex(block), blockSize), add(scale(axisIndex(chunk), chunkSize), axisIndex(within)))
    const inside = scope.enter(within, variable).bind(element, position)
    const evaluation = lowering.evaluation(inside)
    const [picks, value] = [mask, values].map((node) => evaluation.evaluate(node, [axisIndex(element)]))
    // the modulus changes nothing: it says that the place is inside
    const place = indexAlu('mod', castTo(builder.read(count), 'index'), indexLiteral(chunkSize))
    builder.emit(storeTo(gathered, place, toStored(value, values.dtype)))
    builder.accumulate(count, alu('add', 'int32', builder.read(count), castTo(picks, 'int32')))
  })
  return count
}

function copyChunk({ lowering, values, target, size }: Context, cursor: Accumulator, count: Accumulator, from: Memory) {
  const { builder } = lowering
  const start = builder.bind('start', clamped(builder.read(cursor), size))
  const end = indexAlu('min', clamped(builder.read(count), chunkSize), indexAlu('sub', indexLiteral(size), start))
  const lanes = registerLanes(target, bytesOf(values.dtype)) * 4
  const [output] = lowering.outputs.values()
  builder.loop({ name: 'j', extent: builder.bind('end', end), kind: 'vector', lanes }, (variable) => {
    const at: Expression = { op: 'index', dtype: 'index', variable }
    builder.emit(storeTo(output, indexAlu('add', start, at), loadOf(from, at)))
  })
  builder.accumulate(cursor, alu('add', 'int32', builder.read(cursor), builder.read(count)))
}

/** Zeros where a block has none of all that were picked. */
function clearBehind({ lowering, values, target, size, block, counts }: Context, scope: Scope, extent: Expression) {
  const { builder } = lowering
  const total = clamped(loadOf(counts, indexLiteral(block.extent)), size)
  const first = scope.materialize(scale(axisIndex(block), blockSize))
  const start = builder.bind('first', indexAlu('max', total, first))
  const end = builder.bind('last', indexAlu('add', first, extent))
  const clear = builder.collect(() => {
    const lanes = registerLanes(target, bytesOf(values.dtype)) * 4
    const [output] = lowering.outputs.values()
    builder.loop({ name: 'j', extent: indexAlu('sub', end, start), kind: 'vector', lanes }, (variable) => {
      const at = indexAlu('add', start, { op: 'index', dtype: 'index', variable })
      builder.emit(storeTo(output, at, zeroOf(values.dtype)))
    })
  })
  builder.emit({ op: 'if', condition: lessThan(start, end), body: clear })
}
