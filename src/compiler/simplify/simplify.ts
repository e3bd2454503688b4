// simplify: a program's graph -> the same in primitives, over placeholder leaves, with equal nodes one and trivial ones gone.
import { rewrite } from '../../base/rewrite.ts'
import * as build from '../../graph/builders.ts'
import type { Node } from '../../graph/node.ts'
import { substitute, withInputs } from '../../graph/substitute.ts'
import type { Graph } from '../graph.ts'
import { makeIntern } from './intern.ts'
import { expandRules, simplifyRules } from './rules.ts'

export interface SimpleGraph {
  /** placeholders, by leaf slot */
  readonly leaves: readonly Node[]
  /** one root for each output; never a leaf, and no two alike */
  readonly roots: readonly Node[]
  readonly fired: ReadonlyMap<string, number>
}

export function simplify(graph: Graph, enabled = true): SimpleGraph {
  const leaves = graph.leaves.map((leaf) => build.placeholder(leaf.shape, leaf.dtype))
  const over = substitute(
    graph.outputs.map((output) => output.node),
    new Map(graph.leaves.map((leaf, slot) => [leaf, leaves[slot]])),
  )
  const fired = new Map<string, number>()
  const simple = rewrite(over, {
    opOf: (node: Node) => node.op,
    inputsOf: (node: Node) => node.inputs,
    rebuild: withInputs,
    rules: enabled ? simplifyRules : expandRules,
    intern: enabled ? makeIntern() : undefined,
    counts: fired,
  })
  return { leaves, roots: distinctRoots(simple, leaves), fired }
}

/** Outputs that are leaves, or the same node as another output, get copies of their own. */
function distinctRoots(roots: readonly Node[], leaves: readonly Node[]): Node[] {
  const taken = new Set<Node>(leaves)
  return roots.map((root) => {
    const own = taken.has(root) ? build.copy(root) : root
    taken.add(own)
    return own
  })
}
