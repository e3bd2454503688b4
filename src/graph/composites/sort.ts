// Stable order along an axis. Elements become whole numbers that compare alike, NaN as the largest; short axes are ordered by counting what
// comes before each element, long ones by a radix sort, 8 bits at a time (Cormen et al., Introduction to Algorithms, 8.3).
import { isFloat } from '../../base/dtype.ts'
import { normalizeAxis } from '../../base/shape.ts'
import {
  add,
  and,
  bitcast,
  cast,
  equal,
  full,
  gather,
  isNaN as holdsNaN,
  less,
  logicalAnd,
  logicalOr,
  moveAxis,
  mul,
  narrow,
  reduce,
  reshape,
  scalarLike,
  scatter,
  shiftRight,
  sub,
  unsqueeze,
  where,
  xor,
} from '../builders.ts'
import { elementsOf, type Node } from '../node.ts'
import { positionsAlong } from './positions.ts'
import { padEnd, sumsBefore } from './running-sum.ts'

/** Longest axis whose places are counted: work grows with its square. */
const longestCounted = 2048

/** int64 positions of the elements in sorted order. */
export function argsort(x: Node, axis = -1, descending = false): Node {
  const at = normalizeAxis('argsort', axis, x.shape.length)
  if (elementsOf(x) <= 1) return full(x.shape, 0, 'int64')
  const line = moveAxis(x, at, -1)
  const rows = reshape(line, [-1, x.shape[at]])
  const keys = keysOf(rows).map((key) => (descending ? xor(key, -1) : key))
  const order = rows.shape[1] <= longestCounted ? countedOrder(keys) : radixOrder(keys)
  return moveAxis(reshape(cast(order, 'int64'), line.shape), -1, at)
}

/** Keys of int32 that order elements as their values do, the least significant first: two where 32 bits do not hold one. */
function keysOf(x: Node): Node[] {
  if (!isFloat(x.dtype) && x.dtype !== 'int64') return [cast(x, 'int32')]
  if (x.dtype !== 'int64' && x.dtype !== 'float64') return [floatKey(cast(x, 'float32'), 'int32', 31)]
  const whole = x.dtype === 'int64' ? x : floatKey(x, 'int64', 63)
  // the lower half counts from 0: less half of its range, it is an int32
  const low = sub(and(whole, 2 ** 32 - 1), 2 ** 31)
  return [cast(low, 'int32'), cast(shiftRight(whole, 32), 'int32')]
}

/** A float's bits compare like whole numbers, but for the order of negative ones. Zeros are one, and NaN is above infinity. */
function floatKey(x: Node, dtype: 'int32' | 'int64', signBit: number): Node {
  const plain = where(holdsNaN(x), scalarLike(x, Number.NaN), where(equal(x, 0), scalarLike(x, 0), x))
  const bits = bitcast(plain, dtype)
  const sign = shiftRight(bits, signBit)
  const largest = dtype === 'int32' ? 2 ** 31 - 1 : 2n ** 63n - 1n
  return xor(bits, and(sign, scalarLike(bits, largest)))
}

/** How many elements with a smaller key, or the same key and an earlier position, there are for each; then who has which place. */
function countedOrder(keys: readonly Node[]): Node {
  const [rows, extent] = keys[0].shape
  const shape = [rows, extent, extent]
  let before = less(positionsAlong(shape, 2), positionsAlong(shape, 1))
  for (const key of keys) {
    const [own, other] = [unsqueeze(key, 2), unsqueeze(key, 1)]
    before = logicalOr(less(other, own), logicalAnd(equal(other, own), before))
  }
  const places = reshape(reduce('sum', cast(before, 'int32'), [2]), [rows, extent])
  return inPlaces(places, positionsAlong([rows, extent], 1))
}

/** Of each element of one axis, its place in an order. */
export const placesOf = (order: Node): Node =>
  scatter(scalarLike(order, 0), 0, order, cast(positionsAlong(order.shape, 0), order.dtype), 'set', 'sort')

/** Element i goes to place i of its row; places hold each number once. */
const inPlaces = (places: Node, elements: Node): Node =>
  scatter(scalarLike(elements, 0), 1, places, elements, 'set', 'sort')

const digitBits = 8
const digits = 2 ** digitBits
const blockLength = 128

function radixOrder(keys: readonly Node[]): Node {
  let order: Node | undefined
  for (const key of keys)
    for (let shift = 0; shift < 32; shift += digitBits) {
      const arranged = order === undefined ? key : gather(key, 1, order, 'sort')
      // the topmost bit is a sign: negative keys come first
      const shifted =
        shift + digitBits === 32 ? add(shiftRight(arranged, shift), digits / 2) : shiftRight(arranged, shift)
      const places = placesByDigit(and(shifted, digits - 1))
      order = inPlaces(places, order ?? positionsAlong(key.shape, 1))
    }
  return order!
}

/** Where each element of [rows, n] goes when they are ordered by their digits alone, equal ones in the order that they have. */
function placesByDigit(digit: Node): Node {
  const [rows, extent] = digit.shape
  const blocks = Math.ceil(extent / blockLength)
  // what fills the last block comes last
  const padded = padEnd(digit, 1, blocks * blockLength - extent, digits - 1)
  const blocked = reshape(padded, [rows, blocks, blockLength])
  const hits = equal(unsqueeze(blocked, 3), positionsAlong([rows, blocks, blockLength, digits], 3))
  const counts = reshape(reduce('sum', cast(hits, 'int32'), [2]), [rows, blocks, digits])
  const ofDigits = reshape(reduce('sum', counts, [1]), [rows, digits])
  const starts = add(sumsBefore(counts, 1), unsqueeze(sumsBefore(ofDigits, 1), 1))
  const place = add(startsOf(reshape(starts, [rows, blocks * digits]), blocked), rankInBlock(blocked))
  return narrow(reshape(place, [rows, blocks * blockLength]), 1, 0, extent)
}

/** Of each element, where those of its block with its digit begin; `starts` is laid out [rows, blocks * digits]. */
function startsOf(starts: Node, blocked: Node): Node {
  const [rows, blocks, length] = blocked.shape
  const slot = add(mul(positionsAlong(blocked.shape, 1), digits), blocked)
  return reshape(gather(starts, 1, reshape(slot, [rows, blocks * length]), 'sort'), blocked.shape)
}

/** How many earlier elements of its block have an element's digit. */
function rankInBlock(blocked: Node): Node {
  const shape = [...blocked.shape, blockLength]
  const isEarlier = less(positionsAlong(shape, 3), positionsAlong(shape, 2))
  const same = equal(unsqueeze(blocked, 2), unsqueeze(blocked, 3))
  return reshape(reduce('sum', cast(logicalAnd(same, isEarlier), 'int32'), [3]), blocked.shape)
}
