// Recurrent networks over axis 0: inputs [steps, batch, features] and initial states go in, the top layer's outputs and the last states of
// all layers come out. The products with the inputs of all steps are one product before the loop. Cells: long short-term memory (Hochreiter
// and Schmidhuber 1997), gated recurrent units (Cho et al. 2014) and Elman's; https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape, sameShape } from '../../base/shape.ts'
import { add, concat, contract, mul, narrow, scan, select, stack, sub } from '../builders.ts'
import type { Node } from '../node.ts'
import { relu } from './basics.ts'
import { sigmoid, tanh } from './special.ts'

/**
 * Rows of the weights are in PyTorch's order: LSTM input, forget, cell and output gates; GRU reset, update and new gates. `state` is the
 * hidden size, or that of the LSTM's projection.
 */
export interface RecurrentWeights {
  /** [gates × hidden, features] */
  readonly weightIh: Node
  /** [gates × hidden, state] */
  readonly weightHh: Node
  /** [gates × hidden] */
  readonly biasIh?: Node
  readonly biasHh?: Node
  /** [state, hidden]: projects what an LSTM puts out */
  readonly weightHr?: Node
}

interface Cell {
  readonly gates: number
  /** names of the states; the first is the output */
  readonly states: readonly string[]
  /** whether the second bias must be added in the step, since a gate multiplies it */
  readonly addsBiasInStep: boolean
  /** The next states, from what input and state contribute to the gates, [batch, gates × hidden]. */
  step(fromInput: Node, fromState: Node, states: readonly Node[]): readonly Node[]
}

/** The gates' parts of [batch, gates × hidden]. */
const gatesOf = (x: Node, count: number): Node[] => {
  const hidden = x.shape[x.shape.length - 1] / count
  return Array.from({ length: count }, (_, i) => narrow(x, -1, i * hidden, hidden))
}

const lstmCell: Cell = {
  gates: 4,
  states: ['h', 'c'],
  addsBiasInStep: false,
  step(fromInput, fromState, [, c]) {
    const [input, forget, cell, output] = gatesOf(add(fromInput, fromState), 4)
    const next = add(mul(sigmoid(forget), c), mul(sigmoid(input), tanh(cell)))
    return [mul(sigmoid(output), tanh(next)), next]
  },
}

const gruCell: Cell = {
  gates: 3,
  states: ['h'],
  addsBiasInStep: true,
  step(fromInput, fromState, [h]) {
    const [inputs, states] = [gatesOf(fromInput, 3), gatesOf(fromState, 3)]
    const [reset, update] = [0, 1].map((gate) => sigmoid(add(inputs[gate], states[gate])))
    const next = tanh(add(inputs[2], mul(reset, states[2])))
    return [add(next, mul(update, sub(h, next)))]
  },
}

const elmanCell = (activation: (x: Node) => Node): Cell => ({
  gates: 1,
  states: ['h'],
  addsBiasInStep: false,
  step: (fromInput, fromState) => [activation(add(fromInput, fromState))],
})

const cells = { lstm: lstmCell, gru: gruCell, rnnTanh: elmanCell(tanh), rnnRelu: elmanCell(relu) } as const
export type CellName = keyof typeof cells

/** Rows of a cell's weights over the hidden size. */
export const gateCount = (name: CellName): number => cells[name].gates

/** The states a cell carries, [h] or [h, c]: how many. */
export const stateCount = (name: CellName): number => cells[name].states.length

/** What the inputs contribute to the gates: x W_ihᵀ and the biases that are added once. */
function inputGates(x: Node, { weightIh, biasIh, biasHh }: RecurrentWeights, { addsBiasInStep }: Cell): Node {
  const product = contract(x, weightIh, 0, 1)
  const biased = biasIh === undefined ? product : add(product, biasIh)
  return biasHh === undefined || addsBiasInStep ? biased : add(biased, biasHh)
}

function stepOf(
  cell: Cell,
  fromInput: Node,
  states: readonly Node[],
  { weightHh, biasHh, weightHr }: RecurrentWeights,
): readonly Node[] {
  const product = contract(states[0], weightHh, 0, 1)
  const fromState = biasHh === undefined || !cell.addsBiasInStep ? product : add(product, biasHh)
  const [output, ...others] = cell.step(fromInput, fromState, states)
  return [weightHr === undefined ? output : contract(output, weightHr, 0, 1), ...others]
}

/** One step as a layer: x [batch, features] and states [batch, hidden] to the next states. */
export function recurrentCell(
  name: CellName,
  x: Node,
  states: readonly Node[],
  weights: RecurrentWeights,
): readonly Node[] {
  const [h] = states
  if (h.shape[0] !== x.shape[0] || states.some((state) => state.shape.length !== 2 || !sameShape(state.shape, h.shape)))
    throw new ShapeError(
      `${name}Cell: expected x [batch, features] and states [batch, hidden], got ${formatShape(x.shape)} and ` +
        `${states.map(({ shape }) => formatShape(shape)).join(' and ')}.`,
      { op: `${name}Cell`, shapes: [x.shape, ...states.map(({ shape }) => shape)] },
    )
  expectWeights(`${name}Cell`, cells[name], x, states, weights)
  return stepOf(cells[name], inputGates(x, weights, cells[name]), states, weights)
}

/** The last state is as wide as the cell, the first as what it puts out. */
function expectWeights(op: string, { gates }: Cell, x: Node, states: readonly Node[], weights: RecurrentWeights): void {
  const [features, hidden, state] = [x, states[states.length - 1], states[0]].map(
    ({ shape }) => shape[shape.length - 1],
  )
  const expected: readonly (readonly [string, Node | undefined, Shape])[] = [
    ['weightIh', weights.weightIh, [gates * hidden, features]],
    ['weightHh', weights.weightHh, [gates * hidden, state]],
    ['biasIh', weights.biasIh, [gates * hidden]],
    ['biasHh', weights.biasHh, [gates * hidden]],
    ['weightHr', weights.weightHr, [state, hidden]],
  ]
  for (const [name, node, shape] of expected)
    if (node !== undefined && !sameShape(node.shape, shape))
      throw new ShapeError(
        `${op}: expected ${name} to be ${formatShape(shape)} (${hidden} hidden, ${features} features), got ${formatShape(node.shape)}.`,
        { op, [name]: node.shape, expected: shape },
      )
}

interface Pass {
  readonly output: Node
  readonly states: readonly Node[]
}

/** One layer in one direction. */
function passOf(name: CellName, x: Node, states: readonly Node[], weights: RecurrentWeights, reverse: boolean): Pass {
  const cell = cells[name]
  expectWeights(name, cell, x, states, weights)
  const { carries, outputs } = scan(
    { carries: states, sequences: [inputGates(x, weights, cell)], reverse },
    (current, [fromInput]) => {
      const next = stepOf(cell, fromInput, current, weights)
      return { carries: next, outputs: [next[0]] }
    },
  )
  return { output: outputs[0], states: carries }
}

export interface RecurrentOptions {
  readonly bidirectional?: boolean
  /** applied to the outputs of every layer but the last */
  readonly between?: (output: Node, layer: number) => Node
}

export interface RecurrentResult {
  /** [steps, batch, directions × hidden] */
  readonly output: Node
  /** each [layers × directions, batch, hidden] */
  readonly states: readonly Node[]
}

/**
 * x [steps, batch, features], states [layers × directions, batch, hidden] each, weights in PyTorch's order: layer by layer, and the
 * reverse direction of a layer after its forward one.
 */
export function recurrent(
  name: CellName,
  x: Node,
  states: readonly Node[],
  weights: readonly RecurrentWeights[],
  options: RecurrentOptions = {},
): RecurrentResult {
  const directions = options.bidirectional ? 2 : 1
  const isProjected = weights.some(({ weightHr }) => weightHr !== undefined)
  expectStates(name, x, states, weights.length, directions, isProjected)
  const finals: (readonly Node[])[] = []
  let output = x
  for (let layer = 0; layer * directions < weights.length; layer++) {
    const input = layer === 0 || options.between === undefined ? output : options.between(output, layer - 1)
    const passes = Array.from({ length: directions }, (_, direction) => {
      const at = layer * directions + direction
      const initial = states.map((state) => select(state, 0, at))
      return passOf(name, input, initial, weights[at], direction === 1)
    })
    finals.push(...passes.map((pass) => pass.states))
    output = concat(
      passes.map((pass) => pass.output),
      2,
    )
  }
  return { output, states: states.map((_, i) => stack(finals.map((final) => final[i]))) }
}

function expectStates(
  name: CellName,
  x: Node,
  states: readonly Node[],
  passes: number,
  directions: number,
  isProjected: boolean,
): void {
  if (passes === 0 || passes % directions !== 0)
    throw new ArgumentError(
      `${name}: expected weights for each layer and direction (${directions}), got ${passes} sets.`,
      { op: name, passes, directions },
    )
  const [h] = states
  const hasRows = ({ shape }: Node): boolean => shape.length === 3 && shape[0] === passes && shape[1] === x.shape[1]
  const hasWidth = ({ shape }: Node): boolean => isProjected || shape[2] === h.shape[2]
  if (x.shape.length === 3 && states.every((state) => hasRows(state) && hasWidth(state))) return
  const got = states.map((state, i) => `${cells[name].states[i]} ${formatShape(state.shape)}`).join(' and ')
  const expected = `x [steps, batch, features] and states [${passes}, batch, hidden]`
  throw new ShapeError(
    `${name}: expected ${expected}, got x ${formatShape(x.shape)}${states.length > 1 ? ', ' : ' and '}${got}.`,
    {
      op: name,
      shapes: [x.shape, ...states.map(({ shape }) => shape)],
    },
  )
}
