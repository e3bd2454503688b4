// Cuts a value into the pieces that different expressions compute: parts of a concatenation, or of a sum of padded parts (the gradient of
// slices), so that no loop computes what it then masks out.
import { sizeOf } from '../../../base/shape.ts'
import { isOp, type Node } from '../../../graph/node.ts'
import { type Affine, offset } from '../index-algebra.ts'
import { isElementwise } from '../index-map.ts'

/** A box of a node's elements. */
export interface Piece {
  readonly node: Node
  /** its first element */
  readonly start: readonly number[]
  readonly shape: readonly number[]
}

/** More pieces than this are computed together. */
const mostPieces = 16

export const wholeOf = (node: Node): Piece => ({ node, start: node.shape.map(() => 0), shape: node.shape })

/** The pieces that a node's own expressions fall into, where they have one shape. */
export function piecesOf(node: Node): Piece[] {
  const cuts = node.shape.map(() => new Set([0]))
  collectCuts(node, cuts, new Set())
  const starts = node.shape.map((extent, axis) =>
    [...cuts[axis]].filter((cut) => cut === 0 || cut < extent).sort((a, b) => a - b),
  )
  const shape = node.shape.map((extent, axis) => extent / starts[axis].length)
  const isEven = starts.every((list, axis) => list.every((start, i) => start === i * shape[axis]))
  if (!isEven || sizeOf(starts.map((list) => list.length)) > mostPieces) return [wholeOf(node)]
  const corners = starts.reduce<readonly (readonly number[])[]>(
    (all, list) => all.flatMap((corner) => list.map((start) => [...corner, start])),
    [[]],
  )
  return corners.map((start) => ({ node, start, shape }))
}

/** Index vector of a piece's node, over one axis for each dimension. */
export const pieceIndices = ({ start }: Piece, axes: readonly Affine[]): Affine[] =>
  axes.map((axis, i) => offset(axis, start[i]))

/** Where along each axis another expression takes over, through elementwise nodes, which keep places. */
function collectCuts(node: Node, cuts: readonly Set<number>[], seen: Set<Node>): void {
  if (seen.has(node)) return
  seen.add(node)
  if (isOp(node, 'concat')) {
    let end = 0
    for (const input of node.inputs) cuts[node.attrs.axis].add((end += input.shape[node.attrs.axis]))
  } else if (isOp(node, 'pad')) {
    const { before, after } = node.attrs
    for (const [axis, extent] of node.shape.entries()) cuts[axis].add(before[axis]).add(extent - after[axis])
  } else if (isElementwise(node)) for (const input of node.inputs) collectCuts(input, cuts, seen)
}
