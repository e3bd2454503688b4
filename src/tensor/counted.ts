// Nodes that are as long as their values say: computed whole, by one program for any values, then cut where a count that was read says so.
import * as build from '../graph/builders.ts'
import { compact } from '../graph/composites/compact.ts'
import type { Node } from '../graph/node.ts'
import type { Session } from '../runtime/session.ts'
import { makeTensor } from './core.ts'

/** Values of nodes with one element each, computed by one program, beside `kept` nodes that the caller is going to need. */
export async function readNumbers(
  session: Session,
  nodes: readonly Node[],
  kept: readonly Node[] = [],
): Promise<(number | bigint)[]> {
  for (const node of [...kept, ...nodes]) session.keep(node)
  const values = await Promise.all(nodes.map((node) => makeTensor(session, node).data()))
  return values.map(([value]) => value)
}

/**
 * What `finish` makes of the elements of `nodes`, each of one axis (or rows) and the mask's size, where the mask is true. It is computed at
 * once, so that the memory of all that might have been picked can go.
 */
export async function picked(
  session: Session,
  mask: Node,
  nodes: readonly Node[],
  finish: (node: Node) => Node = (node) => node,
): Promise<Node[]> {
  const { count, moved } = compact(mask, nodes)
  const [number] = await readNumbers(session, [count], moved)
  const results = moved.map((node) => finish(build.narrow(node, 0, 0, Number(number))))
  session.submit(results)
  for (const node of moved) if (!results.includes(node)) session.discard(node)
  return results
}
