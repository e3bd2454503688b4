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

/** The elements of `nodes`, each of one axis and the mask's size, where the mask is true. */
export async function picked(session: Session, mask: Node, nodes: readonly Node[]): Promise<Node[]> {
  const { count, moved } = compact(mask, nodes)
  const [number] = await readNumbers(session, [count], moved)
  return moved.map((node) => build.narrow(node, 0, 0, Number(number)))
}
