// What lies between a kernel's outputs and memory: the nodes that it computes and the ones that it reads.
import type { Node } from '../../graph/node.ts'

/** Everything between the outputs and memory: what is computed inside, inputs before users, and what is read. */
export function collect(
  outputs: readonly Node[],
  isOutside: (node: Node) => boolean,
): { inputs: Node[]; inner: Node[] } {
  const inputs: Node[] = []
  const inner: Node[] = []
  const seen = new Set<Node>()
  const visit = (node: Node): void => {
    if (seen.has(node)) return
    seen.add(node)
    if (isOutside(node)) {
      inputs.push(node)
      return
    }
    for (const input of node.inputs) visit(input)
    inner.push(node)
  }
  for (const output of outputs) visit(output)
  return { inputs, inner }
}
