// Running sums by blocks: sums within short blocks first, then the same over the sums of blocks, which every block adds to its own. Work grows
// with the length of the axis, and no element waits for more than a few others. Blelloch 1990, Prefix sums and their applications.
import { add, less, narrow, pad, reduce, reshape, unsqueeze, where, zerosLike } from '../builders.ts'
import type { Node } from '../node.ts'
import { positionsAlong } from './positions.ts'

const blockLength = 16

/** Sums of the elements up to and with each, in x's own dtype. */
export function runningSum(x: Node, axis: number): Node {
  const extent = x.shape[axis]
  if (extent <= blockLength) return sumsOfBlock(x, axis)
  const blocks = Math.ceil(extent / blockLength)
  const padded = padEnd(x, axis, blocks * blockLength - extent)
  const own = sumsOfBlock(reshape(padded, x.shape.toSpliced(axis, 1, blocks, blockLength)), axis + 1)
  const totals = reshape(narrow(own, axis + 1, blockLength - 1, 1), x.shape.with(axis, blocks))
  const all = add(own, unsqueeze(sumsBefore(totals, axis), axis + 1))
  return narrow(reshape(all, padded.shape), axis, 0, extent)
}

/** Sums of the elements before each. */
export function sumsBefore(x: Node, axis: number): Node {
  const last = x.shape[axis] - 1
  const inner = runningSum(narrow(x, axis, 0, last), axis)
  return pad(
    inner,
    x.shape.map((_, i) => [i === axis ? 1 : 0, 0] as const),
  )
}

/** Each element's own sum over the block, of which it takes what is not behind it: nothing that is not finite leaks forward. */
function sumsOfBlock(x: Node, axis: number): Node {
  const shape = x.shape.toSpliced(axis, 0, x.shape[axis])
  const other = unsqueeze(x, axis)
  const isBehind = less(positionsAlong(shape, axis), positionsAlong(shape, axis + 1))
  const taken = where(isBehind, unsqueeze(zerosLike(x), axis), other)
  return reshape(reduce('sum', taken, [axis + 1]), x.shape)
}

export function padEnd(x: Node, axis: number, count: number, value = 0): Node {
  return pad(
    x,
    x.shape.map((_, i) => [0, i === axis ? count : 0] as const),
    value,
  )
}
