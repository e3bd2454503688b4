// Lowers `compact`: picked elements move to the front. Blocks count theirs, then each knows where its own begin; it gathers them in scratch, where
// every element is written and only a picked one moves the place on, so that nothing branches on the mask, and copies what it has.
import { bytesOf } from '../../base/dtype.ts'
import { elementsOf, type Node } from '../../graph/node.ts'
import {
  alu,
  castTo,
  indexAlu,
  indexLiteral,
  indexOf,
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
import { type Axis, add, axisIndex, constantIndex, makeAxis, scale } from './index-algebra.ts'
import type { KernelBuilder } from './kernel-builder.ts'
import { blockExtent, registerLanes } from './loops.ts'
import { type LoweredKernel, Lowering } from './lowered-kernel.ts'
import { Scope } from './scope.ts'

/** Rows are written out element by element. */
const widestRow = 8

export const suitsCompact = ({ inputs: [mask, ...given] }: Node<'composite'>): boolean =>
  elementsOf(mask) > 0 && given.every((node) => elementsOf(node) > 0 && widthOf(node) <= widestRow)

const widthOf = ({ shape }: Node): number => shape[1] ?? 1

/** Elements of a block, and of the part of it that is gathered at once. */
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

/** What elements are picked from, where a chunk of them is gathered, and where all of them go. */
interface Move {
  readonly node: Node
  readonly gathered: Memory
  readonly output: Memory
}

/** The result that a node of the group stands for. */
const resultOf = (node: Node): unknown => (node as Node<'composite'>).attrs.attrs.result

export function lowerCompact(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group)
  const { builder, inputs } = lowering
  const [mask, ...given] = (group.anchorNode as Node<'composite'>).inputs
  const size = elementsOf(mask)
  const blocks = Math.ceil(size / blockSize)
  const counts = builder.temporary('counts', 'int32', blocks + 1)
  const known = inputs.has(mask) ? undefined : builder.temporary('mask', 'bool', size)
  const moves = [...lowering.outputs].flatMap(([result, output]): Move[] => {
    const node = given[resultOf(result) as number]
    return node
      ? [{ node, gathered: builder.makeScratch('gathered', node.dtype, chunkSize * widthOf(node)), output }]
      : []
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
  const { builder, outputs } = lowering
  builder.loop({ name: 'all', extent: 1, kind: 'parallel' }, () => {
    const total = builder.assigned('total', 'int32', literal('int32', 0))
    builder.loop({ name: block.name, extent: block.extent, kind: 'serial' }, (variable) => {
      const at = new Scope().enter(block, variable).materialize(axisIndex(block))
      const sum = builder.bind('sum', alu('add', 'int32', builder.read(total), loadOf(counts, at)))
      builder.emit(storeTo(counts, at, builder.read(total)))
      builder.accumulate(total, sum)
    })
    builder.emit(storeTo(counts, indexLiteral(block.extent), builder.read(total)))
    for (const [node, output] of outputs)
      if (resultOf(node) === 'count')
        builder.emit(storeTo(output, indexLiteral(0), castTo(builder.read(total), 'int64')))
  })
}

/** A loaded count as an index from 0 to `most`. */
const clamped = (count: Expression, most: number): Expression =>
  indexAlu('max', indexAlu('min', castTo(count, 'index'), indexLiteral(most)), indexLiteral(0))

function moveBlocks(context: Context): void {
  const { lowering, size, block, counts } = context
  const { builder } = lowering
  const chunk = makeAxis('chunk', Math.ceil(Math.min(size, blockSize) / chunkSize))
  overBlocks(context, (scope, extent) => {
    const start = loadOf(counts, scope.materialize(axisIndex(block)))
    const cursor = builder.assigned('cursor', 'int32', start)
    const chunks = indexAlu('div', indexAlu('add', extent, indexLiteral(chunkSize - 1)), indexLiteral(chunkSize))
    builder.loop({ name: chunk.name, extent: chunks, kind: 'serial' }, (variable) => {
      const inside = scope.enter(chunk, variable)
      const first = inside.materialize(scale(axisIndex(chunk), chunkSize))
      const left = indexAlu('min', indexLiteral(chunkSize), indexAlu('sub', extent, first))
      const count = gatherChunk(context, inside, chunk, left)
      copyChunk(context, cursor, count)
    })
    clearBehind(context, scope, extent)
  })
}

/** Gathers the picked elements of a chunk; gives their number. */
function gatherChunk(context: Context, scope: Scope, chunk: Axis, extent: Expression): Accumulator {
  const { lowering, mask, known, moves, block, element } = context
  const { builder } = lowering
  const within = makeAxis('i', chunkSize)
  const position = add(scale(axisIndex(block), blockSize), add(scale(axisIndex(chunk), chunkSize), axisIndex(within)))
  const count = builder.assigned('count', 'int32', literal('int32', 0))
  builder.loop({ name: 'i', extent, kind: 'serial' }, (variable) => {
    const inside = scope.enter(within, variable).bind(element, position)
    const evaluation = lowering.evaluation(inside)
    const at = axisIndex(element)
    const isPicked = known ? evaluation.load(known, at) : evaluation.evaluate(mask, [at])
    // the modulus changes nothing: it says that the place is inside
    const modulus = indexAlu('mod', castTo(builder.read(count), 'index'), indexLiteral(chunkSize))
    const place = builder.bind('place', modulus)
    for (const { node, gathered } of moves)
      for (let column = 0; column < widthOf(node); column++) {
        const value = evaluation.evaluate(node, node.shape.length === 1 ? [at] : [at, constantIndex(column)])
        const to = indexAlu('add', indexAlu('mul', place, indexLiteral(widthOf(node))), indexLiteral(column))
        builder.emit(storeTo(gathered, to, toStored(value, node.dtype)))
      }
    builder.accumulate(count, alu('add', 'int32', builder.read(count), castTo(isPicked, 'int32')))
  })
  return count
}

function copyChunk({ lowering, moves, target, size }: Context, cursor: Accumulator, count: Accumulator): void {
  const { builder } = lowering
  const start = builder.bind('start', clamped(builder.read(cursor), size))
  const most = indexAlu('min', clamped(builder.read(count), chunkSize), indexAlu('sub', indexLiteral(size), start))
  const extent = builder.bind('end', most)
  for (const { node, gathered, output } of moves)
    overRows(builder, target, node, start, extent, (at, to) => {
      builder.emit(storeTo(output, to, loadOf(gathered, at)))
    })
  builder.accumulate(cursor, alu('add', 'int32', builder.read(cursor), builder.read(count)))
}

/** Zeros where a block has none of all that were picked. */
function clearBehind({ lowering, moves, target, size, block, counts }: Context, scope: Scope, extent: Expression) {
  const { builder } = lowering
  const total = clamped(loadOf(counts, indexLiteral(block.extent)), size)
  const first = scope.materialize(scale(axisIndex(block), blockSize))
  const start = builder.bind('first', indexAlu('max', total, first))
  const end = builder.bind('last', indexAlu('add', first, extent))
  const clear = builder.collect(() => {
    for (const { node, output } of moves)
      overRows(builder, target, node, start, indexAlu('sub', end, start), (_, to) => {
        builder.emit(storeTo(output, to, zeroOf(node.dtype)))
      })
  })
  builder.emit({ op: 'if', condition: lessThan(start, end), body: clear })
}

/** A loop over the elements of `count` rows, and where these are among those that begin with row `start`. */
function overRows(
  builder: KernelBuilder,
  target: Target,
  node: Node,
  start: Expression,
  count: Expression,
  body: (at: Expression, to: Expression) => void,
): void {
  const lanes = registerLanes(target, bytesOf(node.dtype)) * 4
  const width = indexLiteral(widthOf(node))
  const first = indexAlu('mul', start, width)
  builder.loop({ name: 'j', extent: indexAlu('mul', count, width), kind: 'vector', lanes }, (variable) =>
    body(indexOf(variable), indexAlu('add', first, indexOf(variable))),
  )
}
