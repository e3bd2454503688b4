// Lowers `compact`: picked elements move to the front. Blocks count theirs, then each knows where its own begin. Positions of picked elements are
// listed in scratch first: every position is written and only a picked one moves the place on, so that nothing branches on the mask.
import { bytesOf } from '../../base/dtype.ts'
import { elementsOf, type Node } from '../../graph/node.ts'
import { alu, castTo, indexAlu, indexLiteral, indexOf, literal, loadOf, storeTo } from '../../kernel/builders.ts'
import type { Accumulator, Expression, Memory } from '../../kernel/kernel-node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { toStored } from './evaluate.ts'
import { type Affine, type Axis, add, axisIndex, constantIndex, makeAxis, opaqueIndex, scale } from './index-algebra.ts'
import { blockExtent, registerLanes } from './loops.ts'
import { type LoweredKernel, Lowering, resultOf } from './lowered-kernel.ts'
import { Scope } from './scope.ts'

/** Rows are written out element by element. */
const widestRow = 8

export const suitsCompact = ({ inputs: [mask, ...given] }: Node<'composite'>): boolean =>
  elementsOf(mask) > 0 && given.every((node) => elementsOf(node) > 0 && widthOf(node) <= widestRow)

const widthOf = ({ shape }: Node): number => shape[1] ?? 1

/** Elements of a block, and of the part of it whose positions are listed at once. */
const blockSize = 16384
const chunkSize = 1024

interface Context {
  readonly lowering: Lowering
  readonly target: Target
  readonly mask: Node
  /** the mask's elements, where they are worth computing once */
  readonly known: Memory | undefined
  readonly moves: readonly Move[]
  readonly size: number
  readonly block: Axis
  readonly element: Axis
  /** picked elements of each block, then of all blocks before it; last of all blocks */
  readonly counts: Memory
}

/** What elements are picked from, and where they go. */
interface Move {
  readonly node: Node
  readonly output: Memory
}

export function lowerCompact(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group)
  const { builder, inputs } = lowering
  const [mask, ...given] = (group.anchorNode as Node<'composite'>).inputs
  const size = elementsOf(mask)
  const blocks = Math.ceil(size / blockSize)
  const counts = builder.temporary('counts', 'int32', blocks + 1)
  const known = inputs.has(mask) ? undefined : builder.temporary('mask', 'bool', size)
  const moves = given.flatMap((node, i): Move[] => {
    const result = resultOf(group, i)
    return result ? [{ node, output: lowering.outputs.get(result)! }] : []
  })
  const axes = { block: makeAxis('block', blocks), element: makeAxis('i', size) }
  const context = { lowering, target, mask, known, moves, size, ...axes, counts }
  countBlocks(context)
  builder.emit({ op: 'barrier' })
  startBlocks(context)
  if (moves.length > 0) {
    builder.emit({ op: 'barrier' })
    moveBlocks(context)
  }
  return lowering.finish()
}

function overBlocks({ lowering, size, block }: Context, body: (scope: Scope, extent: Expression) => void): void {
  lowering.builder.loop({ name: block.name, extent: block.extent, kind: 'parallel' }, (variable) => {
    const scope = new Scope().enter(block, variable)
    body(scope, blockExtent(size, Math.min(size, blockSize), scope.materialize(axisIndex(block))))
  })
}

function countBlocks(context: Context): void {
  const { lowering, target, mask, known, block, element, counts } = context
  const { builder } = lowering
  const lanes = registerLanes(target, bytesOf('int32')) * 4
  const within = makeAxis('i', blockSize)
  overBlocks(context, (scope, extent) => {
    const count = builder.accumulator('count', 'int32', 'sum', lanes)
    builder.loop({ name: 'i', extent, kind: 'vector', lanes }, (variable) => {
      const at = add(scale(axisIndex(block), blockSize), axisIndex(within))
      const inside = scope.enter(within, variable, true).bind(element, at)
      const isPicked = builder.bind('isPicked', lowering.evaluation(inside).evaluate(mask, [axisIndex(element)]))
      if (known) builder.emit(storeTo(known, inside.materialize(axisIndex(element)), isPicked))
      builder.accumulate(count, castTo(isPicked, 'int32'))
    })
    builder.emit(storeTo(counts, scope.materialize(axisIndex(block)), builder.read(count)))
  })
}

function startBlocks({ lowering, block, counts }: Context): void {
  const { builder, group, outputs } = lowering
  builder.loop({ name: 'all', extent: 1, kind: 'parallel' }, () => {
    const total = builder.assigned('total', 'int32', literal('int32', 0))
    builder.loop({ name: block.name, extent: block.extent, kind: 'serial' }, (variable) => {
      const at = new Scope().enter(block, variable).materialize(axisIndex(block))
      const sum = builder.bind('sum', alu('add', 'int32', builder.read(total), loadOf(counts, at)))
      builder.emit(storeTo(counts, at, builder.read(total)))
      builder.accumulate(total, sum)
    })
    builder.emit(storeTo(counts, indexLiteral(block.extent), builder.read(total)))
    const count = resultOf(group, 'count')
    if (count) builder.emit(storeTo(outputs.get(count)!, indexLiteral(0), castTo(builder.read(total), 'int64')))
  })
}

/** A loaded count as an index from 0 to `most`. */
const clamped = (count: Expression, most: number): Expression =>
  indexAlu('max', indexAlu('min', castTo(count, 'index'), indexLiteral(most)), indexLiteral(0))

function moveBlocks(context: Context): void {
  const { lowering, size, block, counts } = context
  const { builder } = lowering
  const chunk = makeAxis('chunk', Math.ceil(Math.min(size, blockSize) / chunkSize))
  const places = builder.makeScratch('places', 'int32', chunkSize)
  overBlocks(context, (scope, extent) => {
    const start = loadOf(counts, scope.materialize(axisIndex(block)))
    const cursor = builder.assigned('cursor', 'int32', start)
    const chunks = indexAlu('div', indexAlu('add', extent, indexLiteral(chunkSize - 1)), indexLiteral(chunkSize))
    builder.loop({ name: chunk.name, extent: chunks, kind: 'serial' }, (variable) => {
      const inside = scope.enter(chunk, variable)
      const first = add(scale(axisIndex(block), blockSize), scale(axisIndex(chunk), chunkSize))
      const done = inside.materialize(scale(axisIndex(chunk), chunkSize))
      const left = indexAlu('min', indexLiteral(chunkSize), indexAlu('sub', extent, done))
      const count = listPlaces(context, inside, first, left, places)
      movePicked(context, inside, first, { cursor, count, places })
    })
  })
}

/** Lists which elements of a chunk are picked; gives their number. */
function listPlaces(
  { lowering, mask, known, element }: Context,
  scope: Scope,
  first: Affine,
  extent: Expression,
  places: Memory,
): Accumulator {
  const { builder } = lowering
  const within = makeAxis('i', chunkSize)
  const count = builder.assigned('count', 'int32', literal('int32', 0))
  builder.loop({ name: 'i', extent, kind: 'serial' }, (variable) => {
    const inside = scope.enter(within, variable).bind(element, add(first, axisIndex(within)))
    const evaluation = lowering.evaluation(inside)
    const isPicked = known
      ? evaluation.load(known, axisIndex(element))
      : evaluation.evaluate(mask, [axisIndex(element)])
    const place = builder.bind('place', inChunk(builder.read(count)))
    builder.emit(storeTo(places, place, castTo(indexOf(variable), 'int32')))
    builder.accumulate(count, alu('add', 'int32', builder.read(count), castTo(isPicked, 'int32')))
  })
  return count
}

/** A number that is less than the size of a chunk, as an index: the modulus changes nothing, and says so. */
const inChunk = (value: Expression): Expression => indexAlu('mod', castTo(value, 'index'), indexLiteral(chunkSize))

interface Picked {
  /** elements that were moved before these, and the number of these */
  readonly cursor: Accumulator
  readonly count: Accumulator
  readonly places: Memory
}

function movePicked({ lowering, moves, size, element }: Context, scope: Scope, first: Affine, picked: Picked): void {
  const { builder } = lowering
  const { cursor, count, places } = picked
  const start = builder.bind('start', clamped(builder.read(cursor), size))
  const most = indexAlu('min', clamped(builder.read(count), chunkSize), indexAlu('sub', indexLiteral(size), start))
  builder.loop({ name: 'j', extent: builder.bind('moved', most), kind: 'serial' }, (variable) => {
    const place = indexAlu('add', scope.materialize(first), inChunk(loadOf(places, indexOf(variable))))
    const at = builder.bind('at', indexAlu('min', place, indexLiteral(size - 1)))
    const evaluation = lowering.evaluation(scope.bind(element, opaqueIndex(at, 'picked', size, [])))
    const to = indexAlu('add', start, indexOf(variable))
    for (const { node, output } of moves)
      for (let column = 0; column < widthOf(node); column++) {
        const indices = [axisIndex(element), constantIndex(column)].slice(0, node.shape.length)
        const position = indexAlu('add', indexAlu('mul', to, indexLiteral(widthOf(node))), indexLiteral(column))
        builder.emit(storeTo(output, position, toStored(evaluation.evaluate(node, indices), node.dtype)))
      }
  })
  builder.accumulate(cursor, alu('add', 'int32', builder.read(cursor), builder.read(count)))
}
