// Builders of structural nodes: composites by name, copies, assignments and collectives.
import { compositeRow } from '../composites/composite-table.ts'
import { inferStructure } from '../infer/structure.ts'
import { type CompositeAttrs, makeNode, type Node } from '../node.ts'

/** A composite by name, for callers that have the name as data; others call the builder that `defineComposite` gave. */
export function composite(name: string, inputs: readonly Node[], attrs: CompositeAttrs = {}): Node {
  const { shape, dtype } = compositeRow(name).infer(inputs, attrs)
  return makeNode('composite', inputs, { name, attrs, shape, dtype }, shape, dtype)
}

/** A contiguous copy in memory of its own. */
export const copy = (x: Node): Node => makeNode('copy', [x], {}, x.shape, x.dtype)

/** Writes `value` to the buffer `target` when the program ends. */
export function assign(target: Node, value: Node): Node {
  const inputs = [target, value]
  const { shape, dtype } = inferStructure.assign(inputs)
  return makeNode('assign', inputs, {}, shape, dtype)
}

/** The sum of `x` over all members of a group. */
export function collectiveSum(x: Node, group: string): Node {
  const { shape, dtype } = inferStructure.collective([x])
  return makeNode('collective', [x], { kind: 'sum', group }, shape, dtype)
}
