// Lowers `rankedPositions`: of each row, the positions of the elements with some ranks, each found by itself.
import type { Node } from '../../../graph/node.ts'
import { castTo, storeTo } from '../../../kernel/builders.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import { axisIndex, linearIndex, makeAxis } from '../index-algebra.ts'
import type { LoweredKernel } from '../lowered-kernel.ts'
import { findKey, findPosition } from './find-rank.ts'
import { compute, extremes, makeRows, overRows, writeKeys } from './rows.ts'

/** A rank costs some 15 passes over the keys, of a tenth of a nanosecond each, where an order of all costs ten nanoseconds. */
const mostRanks = 6
/** Shorter rows are counted whole. */
export const shortestSearched = 64

export const suitsSelect = ({ inputs: [x, ranks] }: Node<'composite'>): boolean =>
  x.shape[1] >= shortestSearched && x.shape[1] < 2 ** 30 && ranks.shape[1] <= mostRanks

export function lowerSelect(group: KernelGroup, target: Target): LoweredKernel {
  const rows = makeRows(group, target, false)
  const { lowering, builder, row, extent } = rows
  const [, ranks] = group.anchorNode!.inputs
  const which = makeAxis('which', ranks.shape[1])
  const keys = rows.makeMemory('keys', rows.dtype, extent)
  overRows(rows, (scope) => {
    writeKeys(rows, scope, keys)
    const limits = extremes(rows, keys)
    builder.loop({ name: which.name, extent: which.extent, kind: 'serial' }, (variable) => {
      const inside = scope.enter(which, variable)
      const indices = [axisIndex(row), axisIndex(which)]
      const checked = lowering.evaluation(inside).checkedIndex(ranks, indices, extent, 'sort')
      const rank = builder.bind('rank', castTo(inside.materialize(checked), 'int32'))
      const found = findKey(rows, keys, rank, limits)
      const position = findPosition(rows, keys, found.key, compute('sub', rank, found.below))
      const at = inside.materialize(linearIndex(indices, ranks.shape))
      builder.emit(storeTo(lowering.outputs.get(group.outputs[0])!, at, castTo(position, 'int64')))
    })
  })
  return lowering.finish()
}
