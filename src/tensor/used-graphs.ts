// Graphs whose gradients are spent: a second pass through one is an error, and nobody needs its history any more.
import { GradientError } from '../base/errors.ts'
import { type Node, topologicalOrder } from '../graph/node.ts'
import { forgetHistory } from '../runtime/session.ts'
import type { Storage } from '../runtime/storage.ts'
import type { StoredValue } from '../runtime/stored-value.ts'
import type { Tensor } from './tensor.ts'

/** A backward pass went through this root for the last time. */
export function spend(root: Node): void {
  if (root.op === 'buffer') return
  root.isSpent = true
  if ((root.value as StoredValue | undefined)?.isReady) forgetHistory(root)
}

/** The node that a storage stands for: its value once it is known, unless the history is needed to differentiate it. */
export function valueNode(storage: Storage, differentiates: boolean): Node {
  const { node } = storage
  const value = node.value as StoredValue | undefined
  if (!value?.isReady) return node
  if (storage.needsHistory && !node.isSpent) return differentiates ? node : value.node
  value.node.isSpent = node.isSpent
  storage.forgetHistory()
  return storage.node
}

/** The tensor whose leaf a node is, if that requires grad. */
export function leafTensorOf(node: Node): Tensor | undefined {
  if (node.op !== 'buffer') return undefined
  const home = (node.attrs.leaf as StoredValue).owner as Storage | undefined
  return home?.leafTensor as Tensor | undefined
}

/** Spends a computed node that no gradient can flow from any more: such chains, like running sums of losses, would grow for ever. */
export function closeGraph(node: Node): void {
  if (!topologicalOrder([node]).some(leafTensorOf)) spend(node)
}

/** Throws when a gradient would have to flow into a graph that is spent. */
export function refuseSpent(op: string, node: Node): void {
  if (!node.isSpent) return
  throw new GradientError(
    `${op}: expected a graph that was not used yet, got one that an earlier backward freed. ` +
      'Pass { retainGraph: true } to the first call, or detach() what is not to be differentiated again.',
  )
}
