// LSTM, GRU and Elman's RNN over sequences, several layers, one or two directions.
// https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers
import type { DType } from '../../base/dtype.ts'
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import {
  type CellName,
  gateCount,
  type RecurrentWeights,
  recurrent,
  stateCount,
} from '../../tensor/functions/recurrent.ts'
import { type Tensor, zeros } from '../../tensor/index.ts'
import { fanInUniform_ } from '../initialise.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'
import { elmanCell, type LSTMState } from './recurrent-cell.ts'

export interface RecurrentOptions {
  /** layers on top of each other; may also be given as the third argument */
  readonly numLayers?: number
  readonly bias?: boolean
  /** sequences are [batch, length, features] rather than [length, batch, features] */
  readonly batchFirst?: boolean
  /** probability of dropping an output between layers while training */
  readonly dropout?: number
  readonly bidirectional?: boolean
  readonly dtype?: DType
}

export interface LSTMOptions extends RecurrentOptions {
  /** size that the hidden state is projected to; 0 for no projection */
  readonly projSize?: number
}

export interface RNNOptions extends RecurrentOptions {
  readonly nonlinearity?: 'tanh' | 'relu'
}

/** What the layers share: weights under PyTorch's names, layouts of sequences, states that start at zero. */
abstract class RecurrentLayer extends Module {
  readonly inputSize: number
  readonly hiddenSize: number
  readonly numLayers: number
  /** 0 for no projection */
  readonly projSize: number
  readonly options: Omit<Required<RecurrentOptions>, 'numLayers'>
  readonly #cell: CellName

  constructor(cell: CellName, inputSize: number, hiddenSize: number, given: RecurrentOptions, projSize = 0) {
    super()
    const { bias = true, batchFirst = false, dropout = 0, bidirectional = false, dtype = 'float32' } = given
    this.inputSize = inputSize
    this.hiddenSize = hiddenSize
    this.numLayers = given.numLayers ?? 1
    this.options = { bias, batchFirst, dropout, bidirectional, dtype }
    this.projSize = projSize
    this.#cell = cell
    const rows = gateCount(cell) * hiddenSize
    for (let layer = 0; layer < this.numLayers; layer++)
      for (const suffix of this.#suffixes(layer)) {
        this.#addWeight(`weight_ih_${suffix}`, [rows, layer === 0 ? inputSize : this.#outputSize * this.#directions])
        this.#addWeight(`weight_hh_${suffix}`, [rows, this.#outputSize])
        if (bias) for (const name of ['bias_ih', 'bias_hh']) this.#addWeight(`${name}_${suffix}`, [rows])
        if (projSize > 0) this.#addWeight(`weight_hr_${suffix}`, [projSize, hiddenSize])
      }
  }

  get #outputSize(): number {
    return this.projSize || this.hiddenSize
  }

  get #directions(): number {
    return this.options.bidirectional ? 2 : 1
  }

  #suffixes(layer: number): string[] {
    return this.options.bidirectional ? [`l${layer}`, `l${layer}_reverse`] : [`l${layer}`]
  }

  /** Weights are fields of PyTorch's names, since their number depends on the layers. */
  get #fields(): Record<string, Tensor | undefined> {
    return this as unknown as Record<string, Tensor | undefined>
  }

  #addWeight(name: string, shape: readonly number[]): void {
    this.#fields[name] = parameter(fanInUniform_(zeros(shape, { dtype: this.options.dtype }), this.hiddenSize))
  }

  #weights(suffix: string): RecurrentWeights {
    return {
      weightIh: this.#fields[`weight_ih_${suffix}`]!,
      weightHh: this.#fields[`weight_hh_${suffix}`]!,
      biasIh: this.#fields[`bias_ih_${suffix}`],
      biasHh: this.#fields[`bias_hh_${suffix}`],
      weightHr: this.#fields[`weight_hr_${suffix}`],
    }
  }

  /** The last layer's output for each step, and each state after the last step. */
  protected run(x: Tensor, given: readonly Tensor[] | undefined): { output: Tensor; states: Tensor[] } {
    const { batchFirst, bidirectional, dropout } = this.options
    this.#expectSequence(x)
    const isBatched = x.ndim === 3
    const batched = isBatched ? x : x.unsqueeze(batchFirst ? 0 : 1)
    const sequence = batchFirst ? batched.transpose(0, 1) : batched
    const states = given?.map((state) => (isBatched ? state : state.unsqueeze(1))) ?? this.#zeroStates(sequence)
    const suffixes = Array.from({ length: this.numLayers }, (_, layer) => this.#suffixes(layer)).flat()
    const weights = suffixes.map((suffix) => this.#weights(suffix))
    const result = recurrent(this.#cell, sequence, states, weights, { bidirectional, dropout, training: this.training })
    if (!isBatched) return { output: result.output.squeeze(1), states: result.states.map((state) => state.squeeze(1)) }
    return { ...result, output: batchFirst ? result.output.transpose(0, 1) : result.output }
  }

  #expectSequence(x: Tensor): void {
    if ((x.ndim === 2 || x.ndim === 3) && x.shape[x.ndim - 1] === this.inputSize) return
    throw new ShapeError(
      `${this.constructor.name}: expected x of 3 dimensions, or 2 without a batch, the last ${this.inputSize}, ` +
        `got ${formatShape(x.shape)}.`,
      { shape: x.shape, inputSize: this.inputSize },
    )
  }

  #zeroStates(sequence: Tensor): Tensor[] {
    const passes = this.numLayers * this.#directions
    const zero = (size: number): Tensor =>
      zeros([passes, sequence.shape[1], size], { dtype: sequence.dtype, device: sequence.device })
    return Array.from({ length: stateCount(this.#cell) }, (_, i) => zero(i === 0 ? this.#outputSize : this.hiddenSize))
  }

  override extraRepr(): string {
    const { bias, batchFirst, dropout: p, bidirectional } = this.options
    const rest = {
      projSize: this.projSize || undefined,
      bias: bias ? undefined : false,
      batchFirst: batchFirst || undefined,
      dropout: p || undefined,
    }
    return `${this.inputSize}, ${this.hiddenSize}, ${describe({ numLayers: this.numLayers, ...rest, bidirectional: bidirectional || undefined })}`
  }
}

/** Options with the number of layers in its place, whether it came as the third argument or among them. */
const withLayers = <O extends RecurrentOptions>(numLayers: number | O | undefined, options: O): O =>
  typeof numLayers === 'object' ? numLayers : { ...options, numLayers: numLayers ?? options.numLayers }

/** https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html */
export class LSTM extends RecurrentLayer {
  constructor(inputSize: number, hiddenSize: number, numLayers?: number | LSTMOptions, options: LSTMOptions = {}) {
    const given = withLayers(numLayers, options)
    const { projSize = 0 } = given
    if (!Number.isInteger(projSize) || projSize < 0 || projSize >= hiddenSize)
      throw new ArgumentError(
        `LSTM: expected projSize from 0, for none, to hiddenSize - 1 (${hiddenSize - 1}), got ${projSize}.`,
        { projSize, hiddenSize },
      )
    super('lstm', inputSize, hiddenSize, given, projSize)
  }

  /** Returns the last layer's output for each step, and the state after the last step. The state starts at zero. */
  forward(x: Tensor, state?: LSTMState): [Tensor, [Tensor, Tensor]] {
    const { output, states } = this.run(x, state)
    return [output, [states[0], states[1]]]
  }
}

/** https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html */
export class GRU extends RecurrentLayer {
  constructor(
    inputSize: number,
    hiddenSize: number,
    numLayers?: number | RecurrentOptions,
    options: RecurrentOptions = {},
  ) {
    super('gru', inputSize, hiddenSize, withLayers(numLayers, options))
  }

  /** Returns the last layer's output for each step, and the state after the last step. The state starts at zero. */
  forward(x: Tensor, state?: Tensor): [Tensor, Tensor] {
    const { output, states } = this.run(x, state && [state])
    return [output, states[0]]
  }
}

/** h' = tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh), or relu of it. https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html */
export class RNN extends RecurrentLayer {
  readonly nonlinearity: 'tanh' | 'relu'

  constructor(inputSize: number, hiddenSize: number, numLayers?: number | RNNOptions, options: RNNOptions = {}) {
    const given = withLayers(numLayers, options)
    super(elmanCell('RNN', given.nonlinearity), inputSize, hiddenSize, given)
    this.nonlinearity = given.nonlinearity ?? 'tanh'
  }

  /** Returns the last layer's output for each step, and the state after the last step. The state starts at zero. */
  forward(x: Tensor, state?: Tensor): [Tensor, Tensor] {
    const { output, states } = this.run(x, state && [state])
    return [output, states[0]]
  }
}
