// Recurrent networks over sequences: one scan a layer and direction.
import * as recurrent from '../../graph/composites/lstm.ts'
import type { Node } from '../../graph/node.ts'
import { resultOf } from '../core.ts'
import { sameDevice } from '../operands.ts'
import { dropout } from '../random.ts'
import type { Tensor } from '../tensor.ts'
import type { Optional } from './neural.ts'

/** One direction of one layer; rows are in PyTorch's order: input, forget, cell and output gates. */
export interface LstmWeights {
  /** [4 hidden, features] */
  readonly weightIh: Tensor
  /** [4 hidden, hidden] */
  readonly weightHh: Tensor
  /** [4 hidden] */
  readonly biasIh?: Optional
  readonly biasHh?: Optional
}

export interface LstmOptions {
  readonly bidirectional?: boolean
  /** probability of dropping an output between layers, when training */
  readonly dropout?: number
  readonly training?: boolean
}

/**
 * x [steps, batch, features] and states [layers × directions, batch, hidden] to the last layer's outputs and the last states.
 * Weights come layer by layer, the reverse direction of a layer after its forward one.
 */
export function lstm(
  x: Tensor,
  [h, c]: readonly [Tensor, Tensor],
  weights: readonly LstmWeights[],
  { bidirectional = false, dropout: p = 0, training = true }: LstmOptions = {},
): [Tensor, [Tensor, Tensor]] {
  const own = weights.flatMap(({ weightIh, weightHh, biasIh, biasHh }) => [weightIh, weightHh, biasIh, biasHh])
  const inputs = [x, h, c, ...own].filter((each): each is Tensor => each !== null && each !== undefined)
  sameDevice('lstm', inputs)
  const wrap = (node: Node): Tensor => resultOf(x.session, node, inputs)
  const nodes = weights.map(({ weightIh, weightHh, biasIh, biasHh }) => ({
    weightIh: weightIh.node,
    weightHh: weightHh.node,
    ...(biasIh && { biasIh: biasIh.node }),
    ...(biasHh && { biasHh: biasHh.node }),
  }))
  const between = p > 0 && training ? (output: Node) => dropout(wrap(output), { p }).node : undefined
  const result = recurrent.lstm(x.node, { h: h.node, c: c.node }, nodes, { bidirectional, ...(between && { between }) })
  return [wrap(result.output), [wrap(result.h), wrap(result.c)]]
}
