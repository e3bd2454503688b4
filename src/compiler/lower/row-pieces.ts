// The loops of a reduction: pieces of axes, cut so that no lane adds up too much in sequence.
import { type Affine, type Axis, axisIndex, makeAxis } from './index-algebra.ts'
import type { KernelBuilder } from './kernel-builder.ts'
import { loopOverBlock, nest, type Vector } from './loops.ts'
import type { Scope } from './scope.ts'

/** Additions in sequence, in one lane, before a sum is put aside: keeps float32 sums of millions accurate. */
export const longestSum = 512

/** A loop over an axis, or over one part of it. */
export interface Piece {
  readonly axis: Axis
  readonly part?: { readonly size: number; readonly index: Affine }
}

/** Inner pieces hold at most `longestSum` steps a lane; a longer innermost one is cut into parts. */
export function cutSums(pieces: readonly Piece[], lanes: number): { outer: readonly Piece[]; inner: readonly Piece[] } {
  const extentOf = ({ axis, part }: Piece) => part?.size ?? axis.extent
  const last = pieces.at(-1)
  if (last === undefined) return { outer: [], inner: [] }
  const limit = longestSum * lanes
  if (last.part === undefined && last.axis.extent > limit) {
    const chunk = makeAxis('chunk', Math.ceil(last.axis.extent / limit))
    const part = { size: limit, index: axisIndex(chunk) }
    return { outer: [...pieces.slice(0, -1), { axis: chunk }], inner: [{ axis: last.axis, part }] }
  }
  let first = pieces.length - 1
  let steps = extentOf(last)
  while (first > 0 && steps * extentOf(pieces[first - 1]) <= limit) steps *= extentOf(pieces[--first])
  return { outer: pieces.slice(0, first), inner: pieces.slice(first) }
}

/** Loops over pieces, outermost first. */
export function nestPieces(
  builder: KernelBuilder,
  scope: Scope,
  pieces: readonly Piece[],
  vector: Vector | undefined,
  body: (scope: Scope) => void,
): void {
  if (pieces.length === 0) {
    body(scope)
    return
  }
  const [{ axis, part }, ...rest] = pieces
  const next = (inner: Scope): void => {
    nestPieces(builder, inner, rest, vector, body)
  }
  if (part) loopOverBlock(builder, scope, axis, part.size, part.index, vector, next)
  else nest(builder, scope, [axis], vector, next)
}
