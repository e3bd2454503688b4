// simplify: a program's graph -> the same in primitives and composites that have a kernel, over placeholder leaves, with equal nodes one and trivial ones gone.
import { type RewriteOptions, type Rule, rewrite } from '../../base/rewrite.ts'
import { makeScanBody } from '../../graph/builders/scan.ts'
import * as build from '../../graph/builders.ts'
import { isOp, makeNode, type Node, type ScanBody } from '../../graph/node.ts'
import { substitute, withInputs } from '../../graph/substitute.ts'
import type { Graph } from '../graph.ts'
import { makeIntern } from './intern.ts'
import { expandRules, type KeepsComposite, simplifyRules } from './rules.ts'

export interface SimpleGraph {
  /** placeholders, by leaf slot */
  readonly leaves: readonly Node[]
  /** one root for each output; never a leaf, and no two alike */
  readonly roots: readonly Node[]
  readonly fired: ReadonlyMap<string, number>
}

const keepsNone: KeepsComposite = () => false

export function simplify(graph: Graph, enabled = true, keeps = keepsNone): SimpleGraph {
  const leaves = graph.leaves.map((leaf) => build.placeholder(leaf.shape, leaf.dtype))
  const over = substitute(
    graph.outputs.map((output) => output.node),
    new Map(graph.leaves.map((leaf, slot) => [leaf, leaves[slot]])),
  )
  const fired = new Map<string, number>()
  const intern = enabled ? makeIntern() : undefined
  const optionsFor = (kept: KeepsComposite): RewriteOptions<Node> => ({
    opOf: (node) => node.op,
    inputsOf: (node) => node.inputs,
    rebuild: withInputs,
    rules: { ...(enabled ? simplifyRules : {}), ...expandRules(kept), scan: [ofSteps] },
    intern,
    counts: fired,
  })
  // the steps of a loop are all in one kernel
  const ofSteps = stepRule((steps) => rewrite(steps, optionsFor(keepsNone)))
  const simple = rewrite(over, optionsFor(keeps))
  return { leaves, roots: distinctRoots(simple, leaves), fired }
}

/** The step of a loop is a graph of its own. All results of one loop go on sharing one body. */
function stepRule(simplifySteps: (outputs: readonly Node[]) => Node[]): Rule<Node> {
  const bodies = new Map<ScanBody, ScanBody>()
  const simpleBody = (body: ScanBody): ScanBody => {
    let simple = bodies.get(body)
    if (simple === undefined) {
      simple = makeScanBody({ ...body, outputs: simplifySteps(body.outputs) })
      bodies.set(body, simple).set(simple, simple)
    }
    return simple
  }
  return {
    name: 'step of a loop',
    apply(node) {
      if (!isOp(node, 'scan')) return undefined
      const body = simpleBody(node.attrs.body)
      if (body === node.attrs.body) return undefined
      return makeNode('scan', node.inputs, { ...node.attrs, body }, node.shape, node.dtype)
    },
  }
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
