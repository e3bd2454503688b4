// The same graph over other nodes: roots and replacements go in, roots rebuilt above every replaced node come out.
import { makeNode, type Node, type OpName, topologicalOrder } from './node.ts'

/** The same op over other inputs of the same types; the node itself when nothing changed. */
export function withInputs(node: Node, inputs: readonly Node[]): Node {
  if (inputs.every((input, i) => input === node.inputs[i])) return node
  return makeNode<OpName>(node.op, inputs, node.attrs, node.shape, node.dtype)
}

/** `roots` with every key of `replacements` standing for its value, of the same shape and dtype. */
export function substitute(roots: readonly Node[], replacements: ReadonlyMap<Node, Node>): Node[] {
  const result = new Map<Node, Node>(replacements)
  for (const node of topologicalOrder(roots, (node) => replacements.has(node)))
    if (!result.has(node))
      result.set(
        node,
        withInputs(
          node,
          node.inputs.map((input) => result.get(input)!),
        ),
      )
  return roots.map((root) => result.get(root)!)
}
