// Functions of several tensors: joining, choosing, products named by letters.
import { ArgumentError } from '../../base/errors.ts'
import * as build from '../../graph/builders.ts'
import { oneHot as oneHotNode } from '../../graph/composites/embedding.ts'
import type { Node } from '../../graph/node.ts'
import { expectInteger, isScalar, type Operand } from '../arguments.ts'
import { resultOf } from '../core.ts'
import { sameDevice } from '../operands.ts'
import type { Tensor } from '../tensor.ts'

/** Joins along an axis that exists; dtypes are promoted. */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  const nodes = sameDevice('cat', tensors)
  // PyTorch leaves out empty vectors, whatever the other shapes
  const filled = nodes.filter((node) => !(node.shape.length === 1 && node.shape[0] === 0))
  const joined = build.concat(
    build.promoteOperands(filled.length > 0 ? withDTypeOf(filled, nodes) : nodes.slice(0, 1)),
    dim,
  )
  return resultOf(tensors[0].session, joined, tensors)
}

/** Promotes with the dtypes of the nodes that were left out, too. */
function withDTypeOf(filled: readonly Node[], all: readonly Node[]): Node[] {
  const [{ dtype }] = build.promoteOperands(all)
  return filled.map((node) => build.cast(node, dtype))
}

export const concat = cat

/** Joins along a new axis. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  return resultOf(tensors[0]?.session, build.stack(sameDevice('stack', tensors), dim), tensors)
}

/** `x` where the condition is true, `other` elsewhere; all broadcast. Of a condition alone: where it is true, one tensor for each axis. */
export function where(condition: Tensor): Promise<Tensor[]>
export function where(condition: Tensor, x: Operand, other: Operand): Tensor
export function where(condition: Tensor, x?: Operand, other?: Operand): Tensor | Promise<Tensor[]> {
  if (x === undefined || other === undefined) {
    sameDevice('where', [condition])
    return condition.nonzero({ asTuple: true })
  }
  const tensors = [condition, x, other].filter((each): each is Tensor => !isScalar(each))
  sameDevice('where', tensors)
  const [a, b] = [x, other].map((each) => (isScalar(each) ? each : each.node))
  return resultOf(condition.session, build.where(condition.node, a, b), tensors)
}

/** All tensors in the shape that they broadcast to. */
export function broadcastTensors(...tensors: readonly Tensor[]): Tensor[] {
  const [{ shape }] = build.broadcastAll('broadcastTensors', sameDevice('broadcastTensors', tensors))
  return tensors.map((each) => each.expand(shape))
}

/** int64 classes to rows of 0 and 1, on a new last axis; how many classes there are, unless given, is read from the values. */
export function oneHot(classes: Tensor, numClasses?: -1): Promise<Tensor>
export function oneHot(classes: Tensor, numClasses: number): Tensor
export function oneHot(classes: Tensor, numClasses = -1): Tensor | Promise<Tensor> {
  sameDevice('oneHot', [classes])
  const rows = (count: number): Tensor => resultOf(classes.session, oneHotNode(classes.node, count), [])
  return numClasses === -1 ? countClasses(classes).then(rows) : rows(numClasses)
}

async function countClasses(classes: Tensor): Promise<number> {
  expectInteger('oneHot', 'classes', classes.dtype)
  const values = Array.from(await classes.data(), Number)
  if (values.length === 0 || Math.min(...values) < 0)
    throw new ArgumentError('oneHot: expected classes from 0 to count, got none or a negative one. Pass numClasses.', {
      op: 'oneHot',
    })
  return values.reduce((a, b) => Math.max(a, b), 0) + 1
}
