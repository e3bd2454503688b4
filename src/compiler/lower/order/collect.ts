// Collects elements of a row: those that can be among its first k, and of these the first k themselves.
import { castTo, indexAlu, indexLiteral, loadOf, storeTo } from '../../../kernel/builders.ts'
import type { Expression, Memory } from '../../../kernel/kernel-node.ts'
import { blockExtent, lanesFor } from '../loops.ts'
import { findKey } from './find-rank.ts'
import { compute, elementOf, extremes, indexOfLoop, int32, type Keys, sumOf } from './rows.ts'

/** Keys and where they stand in the row; without positions, at their own. */
export interface Elements {
  readonly run: Keys
  readonly keys: Memory
  readonly positions?: Memory
}

/** Memory for elements that are collected: `most` of them, and one more that is written over and over. */
export const makeElements = (run: Keys, name: string, most: number, room = 0): Required<Elements> => ({
  run,
  keys: run.makeMemory(name, run.dtype, Math.max(room, most + 1)),
  positions: run.makeMemory('stood', 'int32', most + 1),
})

interface Block {
  readonly index: Expression
  readonly start: Expression
  readonly size: Expression
}

/** A loop over blocks of so many keys, the last one perhaps smaller. */
function overBlocks({ builder, extent, count }: Keys, size: number, body: (block: Block) => void): void {
  const blocks = count
    ? indexAlu('div', indexAlu('add', count, indexLiteral(size - 1)), indexLiteral(size))
    : indexLiteral(Math.ceil(extent / size))
  builder.loop({ name: 'block', extent: blocks, kind: 'serial' }, (variable) => {
    const index = indexOfLoop(variable)
    const start = indexAlu('mul', index, indexLiteral(size))
    const left = count && indexAlu('min', indexLiteral(size), indexAlu('sub', count, start))
    body({ index, start, size: left ?? blockExtent(extent, size, index) })
  })
}

interface Wanted {
  readonly blockSize: number
  /** whether any element of a block is wanted */
  readonly mayHold: (block: Block) => Expression
  readonly isWanted: (key: Expression, at: Expression) => Expression
}

/** The elements that are wanted, in their order; gives their number, an int32. */
export function collect(from: Elements, to: Required<Elements>, { blockSize, mayHold, isWanted }: Wanted): Expression {
  const { run, keys, positions } = from
  const { builder } = run
  const taken = builder.assigned('taken', 'int32', int32(0))
  overBlocks(run, blockSize, (block) => {
    const condition = mayHold(block)
    const body = builder.collect(() =>
      builder.loop({ name: 'element', extent: block.size, kind: 'serial' }, (element) => {
        const at = builder.bind('at', sumOf([block.start, indexOfLoop(element)]))
        const key = builder.bind('key', loadOf(keys, at))
        const place = builder.bind('place', castTo(builder.read(taken), 'index'))
        builder.emit(storeTo(to.keys, place, key))
        builder.emit(storeTo(to.positions, place, positions ? loadOf(positions, at) : castTo(at, 'int32')))
        builder.accumulate(taken, compute('add', builder.read(taken), castTo(isWanted(key, at), 'int32')))
      }),
    )
    builder.emit({ op: 'if', condition, body })
  })
  return builder.bind('taken', builder.read(taken))
}

/** What the least key of a block costs beside its elements, and an element that is looked at alone, in elements of a vector loop. */
const blockWork = 60
const elementWork = 14
const smallestBlock = 16

/** The size of blocks that makes finding candidates cheapest; undefined where that does not pay. */
export function candidateBlocks(extent: number, count: number): number | undefined {
  const size = 2 ** Math.round(Math.log2(Math.sqrt((blockWork * extent) / (elementWork * count))))
  return size < smallestBlock || extent / size < 2 * count ? undefined : size
}

/**
 * The elements that can be among the first `count`: of as many blocks the least keys are at most the count-th of all blocks' least keys, so
 * nothing greater is wanted, and no other block is looked through.
 */
export function collectCandidates(all: Elements, to: Required<Elements>, count: number, size: number): Elements {
  const { run, keys } = all
  const { builder, target, dtype, extent } = run
  const blocks: Keys = { ...run, extent: Math.ceil(extent / size) }
  const leasts = run.makeMemory('leasts', dtype, blocks.extent)
  const lanes = lanesFor(target, 4, 0, size)
  overBlocks(run, size, (block) => {
    const least = builder.accumulator('least', dtype, 'min', lanes)
    builder.loop({ name: 'element', extent: block.size, kind: 'vector', lanes }, (element) =>
      builder.accumulate(least, elementOf(keys, block.start, indexOfLoop(element))),
    )
    builder.emit(storeTo(leasts, block.index, builder.read(least)))
  })
  const { key: limit } = findKey(blocks, leasts, int32(count - 1), extremes(blocks, leasts))
  const taken = collect(all, to, {
    blockSize: size,
    mayHold: ({ index }) => compute('lessEqual', loadOf(leasts, index), limit),
    isWanted: (key) => compute('lessEqual', key, limit),
  })
  const most = indexAlu('min', castTo(taken, 'index'), indexLiteral(extent))
  return { ...to, run: { ...run, count: builder.bind('candidates', most) } }
}
