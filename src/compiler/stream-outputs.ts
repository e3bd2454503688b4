// Kernel groups in, the same with results marked that are to go past the caches: what the program gives away, reads no more, and no core's
// cache would hold. Writing them does not read their memory first, and leaves the caches to what is used again.
import type { Node } from '../graph/node.ts'
import { nodeBytes, type Place } from './plan-memory.ts'
import type { KernelGroup } from './schedule-types.ts'
import type { Target } from './target.ts'

export function streamOutputs(
  groups: readonly KernelGroup[],
  placeOf: ReadonlyMap<Node, Place>,
  { streamedBytes = Number.POSITIVE_INFINITY }: Target,
): KernelGroup[] {
  const read = new Set(groups.flatMap(({ inputs }) => inputs))
  const leaves = (node: Node): boolean =>
    nodeBytes(node) > streamedBytes && placeOf.get(node)!.kind === 'output' && !read.has(node)
  return groups.map((group) => ({ ...group, streamed: isFill(group) ? [] : group.outputs.filter(leaves) }))
}

/** What hardly reads: caches alone take its stores faster than memory does (measured: 80 to 50 GB/s by two cores). */
const isFill = ({ inputs, outputs }: KernelGroup): boolean => 2 * sumBytes(inputs) < sumBytes(outputs)
const sumBytes = (nodes: readonly Node[]): number => nodes.reduce((sum, node) => sum + nodeBytes(node), 0)
