// Rows of reductions and contraction.
import {
  broadcastTo,
  cast,
  contract,
  div,
  equal,
  logicalAnd,
  mul,
  permute,
  prod,
  reduce,
  sum,
  where,
} from '../builders.ts'
import { inferAggregate } from '../infer/aggregate.ts'
import type { Node } from '../node.ts'
import type { OpTable } from '../op-row.ts'
import { aggregateSemantics } from '../semantics/aggregate.ts'

function reduceGradient(node: Node<'reduce'>, grad: Node): Node {
  const [x] = node.inputs
  const { kind, axes } = node.attrs
  if (kind === 'sum') return broadcastTo(grad, x.shape)
  return kind === 'prod' ? prodGradient(x, axes, grad) : extremumGradient(node, grad)
}

/** PyTorch's amax and amin: equal elements share the gradient evenly. */
function extremumGradient(node: Node<'reduce'>, grad: Node): Node {
  const [x] = node.inputs
  const mask = cast(equal(x, broadcastTo(node, x.shape)), x.dtype)
  const share = div(grad, reduce('sum', mask, node.attrs.axes))
  return mul(mask, broadcastTo(share, x.shape))
}

/**
 * The product of the other elements: a division where no element is zero; where exactly one is, only that one has a gradient.
 * (Second derivatives across a single zero are lost with it.)
 */
function prodGradient(x: Node, axes: readonly number[], grad: Node): Node {
  const isZero = equal(x, 0)
  const safe = where(isZero, 1, x)
  const zeros = sum(cast(isZero, 'int32'), axes, true)
  const scaled = broadcastTo(mul(grad, prod(safe, axes, true)), x.shape)
  const none = broadcastTo(equal(zeros, 0), x.shape)
  const single = logicalAnd(isZero, broadcastTo(equal(zeros, 1), x.shape))
  return where(none, div(scaled, safe), where(single, scaled, 0))
}

/** `first` leading axes stay; the `middle` ones and those after them change places. */
function swapBlocks(x: Node, first: number, middle: number): Node {
  const axes = x.shape.map((_, axis) => axis)
  return permute(x, [...axes.slice(0, first), ...axes.slice(first + middle), ...axes.slice(first, first + middle)])
}

/** out = a·bᵀ over blocks: the gradient of a is g·b, that of b is gᵀ·a, each with its contracted axes put last. */
function contractGradients(node: Node<'contract'>, grad: Node, wanted: readonly boolean[]): (Node | undefined)[] {
  const [a, b] = node.inputs
  const { batch, contracted } = node.attrs
  const rows = a.shape.length - batch - contracted
  const columns = b.shape.length - batch - contracted
  return [
    wanted[0] ? contract(grad, swapBlocks(b, batch, columns), batch, columns) : undefined,
    wanted[1] ? contract(swapBlocks(grad, batch, rows), swapBlocks(a, batch, rows), batch, rows) : undefined,
  ]
}

export const aggregateOps = {
  reduce: {
    family: 'aggregate',
    infer: inferAggregate.reduce,
    vjp: (node, grad) => [reduceGradient(node, grad)],
    reference: aggregateSemantics.reduce,
  },
  contract: {
    family: 'aggregate',
    infer: inferAggregate.contract,
    vjp: contractGradients,
    reference: aggregateSemantics.contract,
  },
} satisfies Partial<OpTable>
