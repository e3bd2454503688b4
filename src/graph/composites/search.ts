// Where values would stand in sorted sequences, by binary search: one gather a step, as many steps as the sequence's length has bits.
// https://docs.pytorch.org/docs/stable/generated/torch.searchsorted.html
import { DTypeError, ShapeError } from '../../base/errors.ts'
import { formatShape, sameShape } from '../../base/shape.ts'
import {
  add,
  cast,
  full,
  gather,
  greater,
  greaterEqual,
  lessEqual,
  logicalAnd,
  logicalNot,
  min,
  reshape,
  sub,
  where,
} from '../builders.ts'
import type { Node } from '../node.ts'

/** Number of elements of each row of `sorted` that come before the value (with `right`: that are not above it), as int64. */
function countBefore(sorted: Node, values: Node, right: boolean): Node {
  const axis = sorted.shape.length - 1
  const extent = sorted.shape[axis]
  let place = full(values.shape, 0, 'int64')
  if (extent === 0 || values.shape.includes(0)) return place
  const isAbove = right ? greater : greaterEqual
  for (let step = 2 ** Math.floor(Math.log2(extent)); step >= 1; step /= 2) {
    const next = add(place, step)
    const at = min(sub(next, 1), extent - 1)
    const moves = logicalAnd(
      lessEqual(next, extent),
      logicalNot(isAbove(gather(sorted, axis, at, 'searchsorted'), values)),
    )
    place = where(moves, next, place)
  }
  return place
}

export interface SearchOptions {
  readonly right?: boolean
  readonly outInt32?: boolean
  /** positions that put the sequences in order */
  readonly sorter?: Node
}

/** Rows are the last axis; a single row serves values of any shape. */
export function searchsorted(sorted: Node, values: Node, options: SearchOptions = {}): Node {
  const { right = false, outInt32 = false, sorter } = options
  const op = 'searchsorted'
  if (sorted.dtype !== values.dtype)
    throw new DTypeError(`${op}: expected values of the sequence's dtype ${sorted.dtype}, got ${values.dtype}.`, { op })
  const leads = sorted.shape.slice(0, -1)
  if (sorted.shape.length === 0 || (leads.length > 0 && !sameShape(leads, values.shape.slice(0, -1))))
    throw new ShapeError(
      `${op}: expected one sequence, or sequences and values alike but for the last axis, got ${formatShape(sorted.shape)} ` +
        `and ${formatShape(values.shape)}.`,
      { op, shapes: [sorted.shape, values.shape] },
    )
  if (sorter !== undefined && (!sameShape(sorter.shape, sorted.shape) || sorter.dtype !== 'int64'))
    throw new ShapeError(
      `${op}: expected an int64 sorter of the sequence's shape ${formatShape(sorted.shape)}, got ${sorter.dtype} ${formatShape(sorter.shape)}.`,
      { op, sorter: sorter.shape },
    )
  const inOrder = sorter === undefined ? sorted : gather(sorted, -1, sorter, op)
  const aligned = leads.length > 0 ? values : reshape(values, [-1])
  const places = reshape(countBefore(inOrder, aligned, right), values.shape)
  return outInt32 ? cast(places, 'int32') : places
}
