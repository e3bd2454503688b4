// Stable order along an axis, its first elements, and elements by rank: composites that the compiler has kernels for. Their bodies order short
// axes by counting what comes before each element, long ones by a radix sort, 8 bits at a time (Cormen et al., Introduction to Algorithms, 8.3).
import { normalizeAxis } from '../../base/shape.ts'
import {
  add,
  and,
  cast,
  equal,
  full,
  gather,
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
  unsqueeze,
} from '../builders.ts'
import { elementsOf, type Node } from '../node.ts'
import type { ValuesAndIndices } from './arg-extremum.ts'
import { type CompositeBuilder, defineComposite } from './composite-table.ts'
import { positionsAlong } from './positions.ts'
import { padEnd, sumsBefore } from './running-sum.ts'
import { keyWords, sortKey } from './sort-keys.ts'

/** Longest axis whose places are counted: work grows with its square. */
const longestCounted = 2048

/** Elements in order along an axis, and where they stood. */
export function sort(x: Node, axis = -1, descending = false): ValuesAndIndices {
  return { values: inOrder(x, axis, { descending, result: 'values' }), indices: argsort(x, axis, descending) }
}

/** int64 positions of the elements in sorted order. */
export const argsort = (x: Node, axis = -1, descending = false): Node =>
  inOrder(x, axis, { descending, result: 'positions' })

function inOrder(x: Node, axis: number, attrs: SortAttrs): Node {
  const at = normalizeAxis('sort', axis, x.shape.length)
  if (elementsOf(x) <= 1) return attrs.result === 'values' ? x : full(x.shape, 0, 'int64')
  return alongRows(x, at, (rows) => sortRows([rows], attrs))
}

/** What a function of rows [rows, n] gives, laid out as the tensor whose rows along an axis they are. */
export function alongRows(x: Node, axis: number, of: (rows: Node) => Node): Node {
  const line = moveAxis(x, axis, -1)
  const extent = x.shape[axis]
  const result = of(reshape(line, [elementsOf(x) / extent, extent]))
  return moveAxis(reshape(result, [...line.shape.slice(0, -1), result.shape[1]]), -1, axis)
}

interface SortAttrs {
  readonly descending: boolean
  readonly result: 'positions' | 'values'
}

/** Inputs x [rows, n]; each row's order, or its values in that order. */
const sortRows: CompositeBuilder<SortAttrs> = defineComposite('sortRows', {
  infer: ([x], { result }) => ({ shape: x.shape, dtype: result === 'values' ? x.dtype : 'int64' }),
  body([x], { descending, result }) {
    if (result === 'values') return gather(x, 1, sortRows([x], { descending, result: 'positions' }), 'sort')
    const keys = keyWords(sortKey(x, descending))
    return cast(x.shape[1] <= longestCounted ? countedOrder(keys) : radixOrder(keys), 'int64')
  },
})

interface TopAttrs {
  readonly count: number
  readonly descending: boolean
}

/** Inputs x [rows, n]; the first `count` positions of each row's order. */
const topPositions = defineComposite<TopAttrs>('topPositions', {
  infer: ([x], { count }) => ({ shape: [x.shape[0], count], dtype: 'int64' }),
  body: ([x], { count, descending }) => narrow(sortRows([x], { descending, result: 'positions' }), 1, 0, count),
})

/** The first `count` elements of the order along an axis, and where they stood. */
export function topk(x: Node, count: number, axis: number, descending: boolean): ValuesAndIndices {
  const at = normalizeAxis('topk', axis, x.shape.length)
  if (count === 0 || elementsOf(x) <= 1) {
    const indices = narrow(argsort(x, at, descending), at, 0, count)
    return { values: gather(x, at, indices, 'topk'), indices }
  }
  const indices = alongRows(x, at, (rows) => topPositions([rows], { count, descending }))
  return { values: gather(x, at, indices, 'topk'), indices }
}

/** Inputs x [rows, n] and ranks [rows, q] of int64; positions of the elements that have these places in the ascending order. */
const rankedPositions = defineComposite<Readonly<Record<never, never>>>('rankedPositions', {
  infer: ([, ranks]) => ({ shape: ranks.shape, dtype: 'int64' }),
  body: ([x, ranks]) => gather(sortRows([x], { descending: false, result: 'positions' }), 1, ranks, 'sort'),
})

/** Positions of the elements with the given ranks, from 0, among the n of each row. */
export const positionsOfRanks = (rows: Node, ranks: Node): Node =>
  elementsOf(rows) <= 1 ? full(ranks.shape, 0, 'int64') : rankedPositions([rows, ranks], {})

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
