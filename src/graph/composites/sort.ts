// Stable order along an axis, by counting: an element's place is the number of those that come before it. NaN counts as largest.
// Work grows with the square of the axis, in one reduction; long axes are refused rather than made to wait.
import { isFloat } from '../../base/dtype.ts'
import { ArgumentError } from '../../base/errors.ts'
import { normalizeAxis } from '../../base/shape.ts'
import {
  alongAxis,
  and,
  cast,
  equal,
  full,
  iota,
  less,
  logicalAnd,
  logicalNot,
  logicalOr,
  notEqual,
  reduce,
  reshape,
  scatter,
  squeeze,
  unsqueeze,
} from '../builders.ts'
import { elementsOf, type Node } from '../node.ts'

const longest = 1 << 14

const isMissing = (x: Node): Node => notEqual(x, x) // NaN

/** Whether a comes before b in ascending order. */
function precedes(a: Node, b: Node): Node {
  if (!isFloat(a.dtype)) return less(a, b)
  return logicalOr(less(a, b), logicalAnd(isMissing(b), logicalNot(isMissing(a))))
}

const ties = (a: Node, b: Node): Node => {
  const same = equal(a, b)
  return isFloat(a.dtype) ? logicalOr(same, and(isMissing(a), isMissing(b))) : same
}

/** int64 positions of the elements in sorted order. */
export function argsort(x: Node, axis = -1, descending = false): Node {
  const at = normalizeAxis('argsort', axis, x.shape.length)
  if (x.shape.length === 0) return full([], 0, 'int64')
  const extent = x.shape[at]
  if (extent > longest)
    throw new ArgumentError(`sort: expected at most ${longest} elements along the axis, got ${extent}.`, {
      op: 'sort',
      extent,
    })
  if (elementsOf(x) === 0) return full(x.shape, 0, 'int64')
  const values = x.dtype === 'bool' ? cast(x, 'int32') : x
  // axis `at` is the element, the axis after it those that it is compared with
  const [own, other] = [unsqueeze(values, at + 1), unsqueeze(values, at)]
  const comes = descending ? precedes(own, other) : precedes(other, own)
  const shape = comes.shape
  const earlier = less(alongAxis(iota(extent, 'int32'), at + 1, shape), alongAxis(iota(extent, 'int32'), at, shape))
  const before = logicalOr(comes, logicalAnd(ties(own, other), earlier))
  const places = squeeze(reduce('sum', cast(before, 'int32'), [at + 1]), at + 1)
  const positions = alongAxis(iota(extent, 'int64'), at, x.shape)
  return scatter(full(x.shape, 0, 'int64'), at, reshape(places, x.shape), positions)
}
