// Recurrent networks over sequences: one scan a layer and direction; and their cells, one step at a time.
import * as composites from '../../graph/composites/recurrent.ts'
import type { Node } from '../../graph/node.ts'
import { castOperand } from '../autocast.ts'
import { resultOf } from '../core.ts'
import { sameDevice } from '../operands.ts'
import type { Tensor } from '../tensor.ts'
import type { Optional } from './neural.ts'
import { dropout } from './sampling.ts'

export { type CellName, gateCount, stateCount } from '../../graph/composites/recurrent.ts'

/** One direction of one layer; rows are in PyTorch's order of gates. */
export interface RecurrentWeights {
  /** [gates × hidden, features] */
  readonly weightIh: Tensor
  /** [gates × hidden, hidden] */
  readonly weightHh: Tensor
  /** [gates × hidden] */
  readonly biasIh?: Optional
  readonly biasHh?: Optional
  /** [state, hidden]: projects what an LSTM puts out; weightHh is then [gates × hidden, state] */
  readonly weightHr?: Optional
}

export interface RecurrentOptions {
  readonly bidirectional?: boolean
  /** probability of dropping an output between layers, when training */
  readonly dropout?: number
  readonly training?: boolean
}

/** The tensors as nodes, and how nodes become tensors of the same device. */
function unwrap(name: composites.CellName, x: Tensor, states: readonly Tensor[], weights: readonly RecurrentWeights[]) {
  const own = weights.flatMap((each) => [each.weightIh, each.weightHh, each.biasIh, each.biasHh, each.weightHr])
  const inputs = [x, ...states, ...own].filter((each): each is Tensor => each !== null && each !== undefined)
  sameDevice(name, inputs)
  const nodeOf = (tensor: Tensor): Node => castOperand(name, tensor.node)
  return {
    x: nodeOf(x),
    states: states.map(nodeOf),
    weights: weights.map(({ weightIh, weightHh, biasIh, biasHh, weightHr }) => ({
      weightIh: nodeOf(weightIh),
      weightHh: nodeOf(weightHh),
      ...(biasIh && { biasIh: nodeOf(biasIh) }),
      ...(biasHh && { biasHh: nodeOf(biasHh) }),
      ...(weightHr && { weightHr: nodeOf(weightHr) }),
    })),
    wrap: (node: Node): Tensor => resultOf(x.session, node, inputs),
  }
}

/**
 * x [steps, batch, features] and states [layers × directions, batch, hidden] to the last layer's outputs and the last states.
 * Weights come layer by layer, the reverse direction of a layer after its forward one.
 */
export function recurrent(
  name: composites.CellName,
  x: Tensor,
  states: readonly Tensor[],
  weights: readonly RecurrentWeights[],
  { bidirectional = false, dropout: p = 0, training = true }: RecurrentOptions = {},
): { output: Tensor; states: Tensor[] } {
  const { wrap, ...nodes } = unwrap(name, x, states, weights)
  const between = p > 0 && training ? (output: Node) => dropout(wrap(output), { p }).node : undefined
  const options = { bidirectional, ...(between && { between }) }
  const result = composites.recurrent(name, nodes.x, nodes.states, nodes.weights, options)
  return { output: wrap(result.output), states: result.states.map(wrap) }
}

/** One step: x [batch, features] and states [batch, hidden] to the next states. */
export function recurrentCell(
  name: composites.CellName,
  x: Tensor,
  states: readonly Tensor[],
  weights: RecurrentWeights,
): Tensor[] {
  const nodes = unwrap(name, x, states, [weights])
  return composites.recurrentCell(name, nodes.x, nodes.states, nodes.weights[0]).map(nodes.wrap)
}
