// Long short-term memory (Hochreiter and Schmidhuber 1997) over axis 0: inputs [steps, batch, features] and initial states go in,
// the top layer's outputs and the last states of all layers come out. The products with the inputs of all steps are one product.
// https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape, sameShape } from '../../base/shape.ts'
import { add, concat, contract, mul, narrow, scan, select, stack } from '../builders.ts'
import type { Node } from '../node.ts'
import { sigmoid, tanh } from './special.ts'

/** Rows of the weights are in PyTorch's order: input, forget, cell and output gates. */
export interface LstmWeights {
  /** [4 hidden, features] */
  readonly weightIh: Node
  /** [4 hidden, hidden] */
  readonly weightHh: Node
  /** [4 hidden] */
  readonly biasIh?: Node
  readonly biasHh?: Node
}

/** [batch, hidden], or [layers × directions, batch, hidden] for a whole network. */
export interface LstmState {
  readonly h: Node
  readonly c: Node
}

export interface LstmResult extends LstmState {
  /** [steps, batch, directions × hidden] */
  readonly output: Node
}

/** The next state, from what the inputs contribute to the gates, [batch, 4 hidden]. */
export function lstmStep(fromInput: Node, { h, c }: LstmState, weightHh: Node): LstmState {
  const gates = add(fromInput, contract(h, weightHh, 0, 1))
  const hidden = h.shape[h.shape.length - 1]
  const [input, forget, cell, output] = [0, 1, 2, 3].map((i) => narrow(gates, -1, i * hidden, hidden))
  const next = add(mul(sigmoid(forget), c), mul(sigmoid(input), tanh(cell)))
  return { h: mul(sigmoid(output), tanh(next)), c: next }
}

/** What the inputs contribute to the gates: x W_ihᵀ and both biases. */
function inputGates(x: Node, { weightIh, biasIh, biasHh }: LstmWeights): Node {
  const product = contract(x, weightIh, 0, 1)
  const biased = biasIh === undefined ? product : add(product, biasIh)
  return biasHh === undefined ? biased : add(biased, biasHh)
}

/** One step as a layer: x [batch, features]. */
export function lstmCell(x: Node, state: LstmState, weights: LstmWeights): LstmState {
  expectWeights('lstmCell', x, state.h.shape[state.h.shape.length - 1], weights)
  return lstmStep(inputGates(x, weights), state, weights.weightHh)
}

function expectWeights(op: string, x: Node, hidden: number, weights: LstmWeights): void {
  const features = x.shape[x.shape.length - 1]
  const expected: readonly (readonly [string, Node | undefined, Shape])[] = [
    ['weightIh', weights.weightIh, [4 * hidden, features]],
    ['weightHh', weights.weightHh, [4 * hidden, hidden]],
    ['biasIh', weights.biasIh, [4 * hidden]],
    ['biasHh', weights.biasHh, [4 * hidden]],
  ]
  for (const [name, node, shape] of expected)
    if (node !== undefined && !sameShape(node.shape, shape))
      throw new ShapeError(
        `${op}: expected ${name} to be ${formatShape(shape)} (${hidden} hidden, ${features} features), got ${formatShape(node.shape)}.`,
        { op, [name]: node.shape, expected: shape },
      )
}

/** One layer in one direction. */
function lstmPass(x: Node, state: LstmState, weights: LstmWeights, reverse: boolean): LstmResult {
  expectWeights('lstm', x, state.h.shape[1], weights)
  const { carries, outputs } = scan(
    { carries: [state.h, state.c], sequences: [inputGates(x, weights)], reverse },
    ([h, c], [fromInput]) => {
      const next = lstmStep(fromInput, { h, c }, weights.weightHh)
      return { carries: [next.h, next.c], outputs: [next.h] }
    },
  )
  return { output: outputs[0], h: carries[0], c: carries[1] }
}

export interface LstmOptions {
  readonly bidirectional?: boolean
  /** applied to the outputs of every layer but the last */
  readonly between?: (output: Node, layer: number) => Node
}

/**
 * x [steps, batch, features], states [layers × directions, batch, hidden], weights in PyTorch's order: layer by layer, and the
 * reverse direction of a layer after its forward one.
 */
export function lstm(
  x: Node,
  state: LstmState,
  weights: readonly LstmWeights[],
  options: LstmOptions = {},
): LstmResult {
  const directions = options.bidirectional ? 2 : 1
  expectStates(x, state, weights.length, directions)
  const finals: LstmState[] = []
  let output = x
  for (let layer = 0; layer * directions < weights.length; layer++) {
    const input = layer === 0 || options.between === undefined ? output : options.between(output, layer - 1)
    const passes = Array.from({ length: directions }, (_, direction) => {
      const at = layer * directions + direction
      return lstmPass(input, { h: select(state.h, 0, at), c: select(state.c, 0, at) }, weights[at], direction === 1)
    })
    finals.push(...passes)
    output = concat(
      passes.map((pass) => pass.output),
      2,
    )
  }
  return { output, h: stack(finals.map(({ h }) => h)), c: stack(finals.map(({ c }) => c)) }
}

function expectStates(x: Node, { h, c }: LstmState, passes: number, directions: number): void {
  if (passes === 0 || passes % directions !== 0)
    throw new ArgumentError(
      `lstm: expected weights for each layer and direction (${directions}), got ${passes} sets.`,
      { op: 'lstm', passes, directions },
    )
  const fits = x.shape.length === 3 && h.shape.length === 3 && h.shape[0] === passes && h.shape[1] === x.shape[1]
  if (!fits || !sameShape(h.shape, c.shape))
    throw new ShapeError(
      `lstm: expected x [steps, batch, features] and states [${passes}, batch, hidden], got x ${formatShape(x.shape)}, ` +
        `h ${formatShape(h.shape)} and c ${formatShape(c.shape)}.`,
      { op: 'lstm', shapes: [x.shape, h.shape, c.shape] },
    )
}
