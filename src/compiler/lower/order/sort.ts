// Lowers `sortRows`: rows are dealt to participants; the keys of each are ordered in scratch, by counting or by digits, and positions, values
// or both are written from there.
import { isFloat } from '../../../base/dtype.ts'
import type { Node } from '../../../graph/node.ts'
import { castTo, loadOf, storeTo } from '../../../kernel/builders.ts'
import type { Expression } from '../../../kernel/kernel-node.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import { type Axis, axisIndex, linearIndex, makeAxis, opaqueIndex } from '../index-algebra.ts'
import { lanesFor } from '../loops.ts'
import { type LoweredKernel, resultOf } from '../lowered-kernel.ts'
import type { Scope } from '../scope.ts'
import { keysRoom, orderKeys } from './order-keys.ts'
import type { Order } from './radix.ts'
import { clampedIndex, compute, type KeyDType, makeRows, overRows, type Rows, sumOf, whole, writeKeys } from './rows.ts'

export const suitsSort = ({ inputs: [x] }: Node<'composite'>): boolean => x.shape[1] < 2 ** 30

export function lowerSort(group: KernelGroup, target: Target): LoweredKernel {
  const { descending } = (group.anchorNode as Node<'composite'>).attrs.attrs as { descending: boolean }
  const rows = makeRows(group, target, descending)
  const keys = rows.makeMemory('keys', rows.dtype, keysRoom(rows))
  overRows(rows, (scope) => {
    writeKeys(rows, scope, keys)
    writeResults(rows, scope, orderKeys(rows, keys), group)
  })
  return rows.lowering.finish()
}

function writeResults(rows: Rows, scope: Scope, order: Order, group: KernelGroup): void {
  const { lowering, builder, target, x, row, extent } = rows
  const [positions, values] = [resultOf(group, 'positions'), resultOf(group, 'values')]
  const place = makeAxis('place', extent)
  const lanes = lanesFor(target, 8, 0, extent)
  builder.loop({ name: place.name, extent, kind: 'vector', lanes }, (variable) => {
    const inside = scope.enter(place, variable, true)
    const at = inside.materialize(linearIndex([axisIndex(row), axisIndex(place)], x.shape))
    const from = sumOf([order.from, inside.materialize(axisIndex(place))])
    const position = builder.bind('position', loadOf(order.memory, from))
    const value = (): Expression => keyValue(rows, order, from) ?? valueAt(rows, inside, place, position)
    if (values) builder.emit(storeTo(lowering.outputs.get(values)!, at, castTo(value(), x.dtype)))
    if (positions) builder.emit(storeTo(lowering.outputs.get(positions)!, at, castTo(position, 'int64')))
  })
}

/** Whole numbers are told by their keys; zeros of a float are not. */
function keyValue({ x, descending }: Rows, { keys }: Order, from: Expression): Expression | undefined {
  if (keys === undefined || isFloat(x.dtype)) return undefined
  const key = compute('add', loadOf(keys.memory, from), keys.least)
  return descending ? compute('xor', key, whole(key.dtype as KeyDType, -1)) : key
}

function valueAt({ lowering, builder, x, row, extent }: Rows, inside: Scope, place: Axis, position: Expression) {
  const from = builder.bind('at', clampedIndex(position, extent))
  const element = opaqueIndex(from, 'position', extent, [axisIndex(place)])
  return lowering.evaluation(inside).evaluate(x, [axisIndex(row), element])
}
