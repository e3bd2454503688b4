// Floating point operations of a graph, as torch.utils.flop_counter counts them: two for each multiply-add of a product, nothing else.
import { sizeOf } from '../base/shape.ts'
import { expandComposite } from './composites/composite-table.ts'
import { isOp, type Node } from './node.ts'

/** Flops of the nodes below `roots`, each once, down to but without `known`. */
export function countFlops(roots: readonly Node[], known: Iterable<Node> = []): number {
  const seen = new Set<Node>(known)
  const loops = new Set<object>()
  const pending = [...roots]
  let total = 0
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    if (isOp(node, 'contract')) {
      const { shape } = node.inputs[0]
      total += 2 * sizeOf(node.shape) * sizeOf(shape.slice(shape.length - node.attrs.contracted))
    } else if (isOp(node, 'scan') && !loops.has(node.attrs.body)) {
      const { body } = node.attrs
      loops.add(body)
      total += body.length * countFlops(body.outputs, body.placeholders)
    } else if (isOp(node, 'composite')) total += countFlops([expandComposite(node)], node.inputs)
    pending.push(...node.inputs)
  }
  return total
}
