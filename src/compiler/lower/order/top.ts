// Lowers `topPositions`: of each row, the positions of the first k elements of an order. What can be among them is collected where that is
// little, the k-th key is found, what does not come after it is collected, and only that is put in order.
import type { Node } from '../../../graph/node.ts'
import { alu, castTo, loadOf, storeTo } from '../../../kernel/builders.ts'
import type { Expression } from '../../../kernel/kernel-node.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import { axisIndex, linearIndex, makeAxis } from '../index-algebra.ts'
import { lanesFor } from '../loops.ts'
import type { LoweredKernel } from '../lowered-kernel.ts'
import { candidateBlocks, collect, collectCandidates, type Elements, makeElements } from './collect.ts'
import { findKey, findPosition } from './find-rank.ts'
import { keysRoom, orderKeys } from './order-keys.ts'
import {
  clampedIndex,
  compute,
  countKeys,
  countOf,
  elementOf,
  extremes,
  int32,
  type Keys,
  makeRows,
  overRows,
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
  const { count } = attrs as unknown as TopAttrs
  return extent >= shortestSearched && extent < 2 ** 30 && count <= extent * largestPart
}

export function lowerTop(group: KernelGroup, target: Target): LoweredKernel {
  const { count, descending } = (group.anchorNode as Node<'composite'>).attrs.attrs as unknown as TopAttrs
  const rows = makeRows(group, target, descending)
  const { lowering, builder, dtype, row, extent } = rows
  const chosen: Keys = { ...rows, extent: count }
  const all: Elements = { run: rows, keys: rows.makeMemory('keys', dtype, extent) }
  const size = candidateBlocks(extent, count)
  const candidates = size === undefined ? undefined : makeElements(rows, 'candidates', extent)
  const winners = makeElements(chosen, 'winners', count, keysRoom(chosen))
  const output = group.outputs[0]
  overRows(rows, (scope) => {
    writeKeys(rows, scope, all.keys)
    collectWinners(candidates ? collectCandidates(all, candidates, count, size!) : all, winners, count)
    const order = orderKeys(chosen, winners.keys)
    const place = makeAxis('place', count)
    const lanes = lanesFor(target, 8, 0, count)
    builder.loop({ name: place.name, extent: count, kind: 'vector', lanes }, (variable) => {
      const inside = scope.enter(place, variable, true)
      const winner = elementOf(order.memory, order.from, inside.materialize(axisIndex(place)))
      const position = loadOf(winners.positions, clampedIndex(winner, count))
      const at = inside.materialize(linearIndex([axisIndex(row), axisIndex(place)], output.shape))
      builder.emit(storeTo(lowering.outputs.get(output)!, at, castTo(position, 'int64')))
    })
  })
  return lowering.finish()
}

/** Keys looked at together: where none comes before the last one wanted, all are passed over. */
const blockSize = 64

function collectWinners(from: Elements, to: Required<Elements>, count: number): void {
  const { run, keys } = from
  const { builder } = run
  const { key: limit, below, upTo } = findKey(run, keys, int32(count - 1), extremes(run, keys))
  const last = builder.assigned('last', 'int32', countOf(run))
  const findLast = builder.collect(() =>
    builder.accumulate(last, findPosition(run, keys, limit, compute('sub', int32(count - 1), below))),
  )
  // more keys equal the last one than are wanted
  builder.emit({ op: 'if', condition: compute('less', int32(count), upTo), body: findLast })
  const isTaken = (key: Expression, at: Expression): Expression => {
    const isEarly = compute('lessEqual', castTo(at, 'int32'), builder.read(last))
    return alu('or', 'bool', compute('less', key, limit), alu('and', 'bool', compute('equal', key, limit), isEarly))
  }
  collect(from, to, {
    blockSize,
    mayHold: ({ start, size }) => {
      const any = countKeys(run, keys, (key) => compute('lessEqual', key, limit), size, start)
      return compute('less', int32(0), any)
    },
    isWanted: isTaken,
  })
}
