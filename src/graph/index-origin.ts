// Where an index that was laid out for a gather or scatter came from, so that errors name a place in what the user passed.
import { stridesOf } from '../base/shape.ts'
import { isOp, type Node } from './node.ts'

/** Row-major position in the index before it was repeated and reshaped, of element `position` of the index itself. */
export function positionInOrigin(index: Node, position: number): number {
  let at = position
  for (let node = index; isOp(node, 'expand') || isOp(node, 'reshape'); node = node.inputs[0])
    if (isOp(node, 'expand')) at = positionBelowExpand(node, at)
  return at
}

function positionBelowExpand(node: Node<'expand'>, position: number): number {
  const [input] = node.inputs
  const [outer, inner] = [stridesOf(node.shape), stridesOf(input.shape)]
  let rest = position
  let below = 0
  for (let axis = 0; axis < node.shape.length; axis++) {
    const index = Math.floor(rest / outer[axis])
    rest -= index * outer[axis]
    if (input.shape[axis] !== 1) below += index * inner[axis]
  }
  return below
}
