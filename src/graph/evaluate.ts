// Evaluates nodes on host memory by the op table's reference semantics: the oracle that every device and pass is checked against.
import { expandComposite } from './composites/composite-table.ts'
import type { HostArray } from './host-array.ts'
import { isOp, type Leaf, type Node, type ScanBody } from './node.ts'
import { opTable } from './op-table.ts'
import { runScan } from './semantics/structure.ts'

/** Hears how long each op took; composites and leaves take none. */
export type Observer = (node: Node, milliseconds: number) => void

export interface Evaluation {
  /** how many nodes are computed */
  readonly steps: number
  /** Values of the roots, given those of the leaves in order. Results may share memory with each other and with the leaves. */
  run(leafValues: readonly HostArray[], observe?: Observer): HostArray[]
}

/** Values of `roots`, given those of the buffers (or of any other nodes) below them. */
export const evaluateNodes = (roots: readonly Node[], leafValues: ReadonlyMap<Node, HostArray>): HostArray[] =>
  prepareEvaluation(roots, [...leafValues.keys()]).run([...leafValues.values()])

/** Orders the nodes once for many runs. `leaves` are given, nothing below them is looked at. */
export function prepareEvaluation(roots: readonly Node[], leaves: readonly Node[]): Evaluation {
  const order = evaluationOrder(roots, new Set(leaves))
  return {
    steps: order.length,
    run(leafValues, observe) {
      const values = new Map<Node, HostArray>()
      const byLeaf = new Map<Leaf, HostArray>()
      leaves.forEach((leaf, slot) => {
        values.set(leaf, leafValues[slot])
        if (isOp(leaf, 'buffer')) byLeaf.set(leaf.attrs.leaf, leafValues[slot])
      })
      const scans: ScanRun[] = []
      for (const node of order) {
        const start = observe && performance.now()
        const inputs = dependencies(node).map((input) => values.get(input)!)
        const sameLeaf = isOp(node, 'buffer') ? byLeaf.get(node.attrs.leaf) : undefined
        values.set(node, sameLeaf ?? compute(node, inputs, scans))
        if (start !== undefined && !isOp(node, 'composite')) observe?.(node, performance.now() - start)
      }
      return roots.map((root) => values.get(root)!)
    },
  }
}

// nodes are immutable, so one expansion serves every evaluation
const expansions = new WeakMap<Node, Node>()

function expansionOf(node: Node<'composite'>): Node {
  let expansion = expansions.get(node)
  if (expansion === undefined) {
    expansion = expandComposite(node)
    expansions.set(node, expansion)
  }
  return expansion
}

const dependencies = (node: Node): readonly Node[] => (isOp(node, 'composite') ? [expansionOf(node)] : node.inputs)

/** Every node that `roots` need and `given` lacks, each after what it needs; a composite needs its expansion only. */
function evaluationOrder(roots: readonly Node[], given: ReadonlySet<Node>): readonly Node[] {
  const order: Node[] = []
  const seen = new Set(given)
  const stack = [...roots].reverse()
  while (stack.length > 0) {
    const node = stack[stack.length - 1]
    const missing = seen.has(node) ? [] : dependencies(node).filter((input) => !seen.has(input))
    if (missing.length > 0) {
      stack.push(...missing)
      continue
    }
    stack.pop()
    if (!seen.has(node)) order.push(node)
    seen.add(node)
  }
  return order
}

interface ScanRun {
  readonly body: ScanBody
  readonly inputs: readonly HostArray[]
  readonly results: readonly HostArray[]
}

type Reference = (inputs: readonly HostArray[], node: Node) => HostArray

function compute(node: Node, inputs: readonly HostArray[], scans: ScanRun[]): HostArray {
  if (isOp(node, 'composite')) return inputs[0]
  if (isOp(node, 'scan')) return scanResults(scans, node.attrs.body, inputs)[node.attrs.result]
  return (opTable[node.op].reference as Reference)(inputs, node)
}

/** One run for all results of a loop that are asked for in one evaluation. */
function scanResults(runs: ScanRun[], body: ScanBody, inputs: readonly HostArray[]): readonly HostArray[] {
  const known = runs.find((run) => run.body === body && run.inputs.every((value, i) => value === inputs[i]))
  if (known !== undefined) return known.results
  const results = runScan(inputs, body)
  runs.push({ body, inputs, results })
  return results
}
