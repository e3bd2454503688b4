// Where values would stand in sorted sequences, by binary search: one gather a step, as many steps as the sequence's length has bits.
// https://docs.pytorch.org/docs/stable/generated/torch.searchsorted.html
import { DTypeError, ShapeError } from '../../base/errors.ts'
import { formatShape, sameShape, sizeOf } from '../../base/shape.ts'
import { add, cast, full, gather, less, lessEqual, reshape, where } from '../builders.ts'
import { elementsOf, type Node } from '../node.ts'
import { defineComposite } from './composite-table.ts'

/**
 * A binary search moves on by a step if the element just before the place that it leads to comes before the value. These steps reach every
 * place from 0 to `extent`, and no element outside is looked at, whichever are taken.
 */
export function searchSteps(extent: number): number[] {
  const steps: number[] = []
  let left = extent
  for (; left > 1; left -= steps[steps.length - 1]) steps.push(Math.floor(left / 2))
  return left === 1 ? [...steps, 1] : steps
}

interface SearchAttrs {
  readonly right: boolean
  readonly dtype: 'int32' | 'int64'
}

/**
 * Inputs rows in order [rows, n] and values [rows, m]: how many elements of its row come before each value (with `right`: are not above it).
 */
const searchRows = defineComposite<SearchAttrs>('searchRows', {
  infer: ([, values], { dtype }) => ({ shape: values.shape, dtype }),
  body([sorted, values], { right, dtype }) {
    let place = full(values.shape, 0, 'int64')
    for (const by of searchSteps(sorted.shape[1])) {
      const element = gather(sorted, 1, add(place, by - 1), 'searchsorted')
      const isAbove = right ? less(values, element) : lessEqual(values, element)
      place = add(place, where(isAbove, 0, by))
    }
    return cast(place, dtype)
  },
})

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
  const dtype = outInt32 ? 'int32' : 'int64'
  if (elementsOf(values) === 0 || elementsOf(sorted) === 0) return full(values.shape, 0, dtype)
  const rows = sizeOf(leads)
  const alike = [reshape(inOrder, [rows, -1]), reshape(values, [rows, -1])]
  return reshape(searchRows(alike, { right, dtype }), values.shape)
}
