// What a loss does with the losses of single elements.
import { ArgumentError } from '../../base/errors.ts'
import { mean, sum } from '../builders.ts'
import type { Node } from '../node.ts'

export type Reduction = 'mean' | 'sum' | 'none'

export function reduced(losses: Node, reduction: Reduction): Node {
  switch (reduction) {
    case 'mean':
      return mean(losses)
    case 'sum':
      return sum(losses)
    case 'none':
      return losses
    default:
      throw new ArgumentError(`loss: expected reduction to be 'mean', 'sum' or 'none', got '${String(reduction)}'.`, {
        reduction,
      })
  }
}
