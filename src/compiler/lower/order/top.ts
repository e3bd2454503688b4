// Lowers `topPositions`: of each row, the positions of the first k elements of an order. The k-th key is found, what does not come after it is
// collected, and only that is put in order.
import type { Node } from '../../../graph/node.ts'
import { alu, castTo, indexAlu, indexLiteral, loadOf, storeTo } from '../../../kernel/builders.ts'
import type { Accumulator, Expression, Scratch } from '../../../kernel/kernel-node.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import { axisIndex, linearIndex, makeAxis } from '../index-algebra.ts'
import { blockExtent, lanesFor } from '../loops.ts'
import type { LoweredKernel } from '../lowered-kernel.ts'
import { findKey, findPosition } from './find-rank.ts'
import { keysRoom, orderKeys } from './order-keys.ts'
import {
  clampedIndex,
  compute,
  countKeys,
  elementOf,
  extremes,
  indexOfLoop,
  int32,
  type Keys,
  makeRows,
  overRows,
  type Rows,
  sumOf,
  writeKeys,
} from './rows.ts'
import { shortestSearched } from './select.ts'

interface TopAttrs {
  readonly count: number
  readonly descending: boolean
}

/** Of more than this part of a row, an order of all is cheaper. */
const largestPart = 0.75

export function suitsTop({ inputs: [x], attrs: { attrs } }: Node<'composite'>): boolean {
  const extent = x.shape[1]
  return extent >= shortestSearched && extent < 2 ** 30 && (attrs as unknown as TopAttrs).count <= extent * largestPart
}

/** The elements of a row that are wanted, as they stand in it; one more element is written over and over. */
interface Winners {
  readonly keys: Scratch
  readonly positions: Scratch
}

export function lowerTop(group: KernelGroup, target: Target): LoweredKernel {
  const { count, descending } = (group.anchorNode as Node<'composite'>).attrs.attrs as unknown as TopAttrs
  const rows = makeRows(group, target, descending)
  const { lowering, builder, dtype, row } = rows
  const chosen: Keys = { ...rows, extent: count }
  const keys = builder.makeScratch('keys', dtype, rows.extent)
  const winners = {
    keys: builder.makeScratch('winners', dtype, Math.max(keysRoom(chosen), count + 1)),
    positions: builder.makeScratch('stood', 'int32', count + 1),
  }
  overRows(rows, (scope) => {
    writeKeys(rows, scope, keys)
    collectWinners(rows, keys, winners, count)
    const order = orderKeys(chosen, winners.keys)
    const place = makeAxis('place', count)
    const lanes = lanesFor(target, 8, 0, count)
    builder.loop({ name: place.name, extent: count, kind: 'vector', lanes }, (variable) => {
      const inside = scope.enter(place, variable, true)
      const winner = elementOf(order.memory, order.from, inside.materialize(axisIndex(place)))
      const position = loadOf(winners.positions, clampedIndex(winner, count))
      const at = inside.materialize(linearIndex([axisIndex(row), axisIndex(place)], group.outputs[0].shape))
      builder.emit(storeTo(lowering.outputs.get(group.outputs[0])!, at, castTo(position, 'int64')))
    })
  })
  return lowering.finish()
}

/** Keys looked at together: where none comes before the last one wanted, all are passed over. */
const blockSize = 64

function collectWinners(rows: Rows, keys: Scratch, winners: Winners, count: number): void {
  const { builder, extent } = rows
  const { key: limit, below, upTo } = findKey(rows, keys, int32(count - 1), extremes(rows, keys))
  const last = builder.assigned('last', 'int32', int32(extent - 1))
  const findLast = builder.collect(() =>
    builder.accumulate(last, findPosition(rows, keys, limit, compute('sub', int32(count - 1), below))),
  )
  // more keys equal the last one than are wanted
  builder.emit({ op: 'if', condition: compute('less', int32(count), upTo), body: findLast })
  const taken = builder.assigned('taken', 'int32', int32(0))
  builder.loop({ name: 'block', extent: Math.ceil(extent / blockSize), kind: 'serial' }, (variable) => {
    const start = indexAlu('mul', indexOfLoop(variable), indexLiteral(blockSize))
    const size = blockExtent(extent, blockSize, indexOfLoop(variable))
    const any = countKeys(rows, keys, size, (key) => compute('lessEqual', key, limit), start)
    const body = builder.collect(() =>
      builder.loop({ name: 'element', extent: size, kind: 'serial' }, (element) => {
        const at = builder.bind('at', sumOf([start, indexOfLoop(element)]))
        const key = builder.bind('key', loadOf(keys, at))
        const to = builder.bind('to', castTo(builder.read(taken), 'index'))
        builder.emit(storeTo(winners.keys, to, key))
        builder.emit(storeTo(winners.positions, to, castTo(at, 'int32')))
        builder.accumulate(taken, compute('add', builder.read(taken), castTo(isWanted(key, at, limit, last), 'int32')))
      }),
    )
    builder.emit({ op: 'if', condition: compute('less', int32(0), any), body })
  })

  function isWanted(key: Expression, at: Expression, limit: Expression, last: Accumulator): Expression {
    const isTie = alu(
      'and',
      'bool',
      compute('equal', key, limit),
      compute('lessEqual', castTo(at, 'int32'), builder.read(last)),
    )
    return alu('or', 'bool', compute('less', key, limit), isTie)
  }
}
