// One step of a recurrent network: LSTMCell, GRUCell and RNNCell. https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers
import type { DType } from '../../base/dtype.ts'
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import { type CellName, gateCount, recurrentCell, stateCount } from '../../tensor/functions/recurrent.ts'
import { type Tensor, zeros } from '../../tensor/index.ts'
import { fanInUniform_ } from '../initialise.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'

export interface CellOptions {
  readonly bias?: boolean
  readonly dtype?: DType
}

export interface RNNCellOptions extends CellOptions {
  readonly nonlinearity?: 'tanh' | 'relu'
}

/**
 * Hidden and cell state: of a cell [batch, hiddenSize] each, of a layer [layers * directions, batch, hiddenSize]; without `batch` when the
 * input has none.
 */
export type LSTMState = readonly [Tensor, Tensor]

abstract class RecurrentCell extends Module {
  static override readonly stateNames: Readonly<Record<string, string>> = {
    weightIh: 'weight_ih',
    weightHh: 'weight_hh',
    biasIh: 'bias_ih',
    biasHh: 'bias_hh',
  }

  readonly inputSize: number
  readonly hiddenSize: number
  /** [gates × hiddenSize, inputSize], rows in PyTorch's order of gates */
  weightIh: Tensor
  /** [gates × hiddenSize, hiddenSize] */
  weightHh: Tensor
  /** [gates × hiddenSize] */
  biasIh: Tensor | null
  biasHh: Tensor | null
  readonly #cell: CellName

  constructor(cell: CellName, inputSize: number, hiddenSize: number, { bias = true, dtype = 'float32' }: CellOptions) {
    super()
    this.inputSize = inputSize
    this.hiddenSize = hiddenSize
    this.#cell = cell
    const rows = gateCount(cell) * hiddenSize
    const weight = (shape: readonly number[]): Tensor => parameter(fanInUniform_(zeros(shape, { dtype }), hiddenSize))
    this.weightIh = weight([rows, inputSize])
    this.weightHh = weight([rows, hiddenSize])
    this.biasIh = bias ? weight([rows]) : null
    this.biasHh = bias ? weight([rows]) : null
  }

  /** The next states: x [batch, inputSize], or [inputSize] with states [hiddenSize]. States start at zero. */
  protected step(x: Tensor, given: readonly Tensor[] | undefined): Tensor[] {
    if ((x.ndim !== 1 && x.ndim !== 2) || x.shape[x.ndim - 1] !== this.inputSize)
      throw new ShapeError(
        `${this.constructor.name}: expected x [batch, ${this.inputSize}] or [${this.inputSize}], got ${formatShape(x.shape)}.`,
        { shape: x.shape, inputSize: this.inputSize },
      )
    const isBatched = x.ndim === 2
    const batched = isBatched ? x : x.unsqueeze(0)
    const states = given?.map((state) => (isBatched ? state : state.unsqueeze(0))) ?? this.#zeroStates(batched)
    const next = recurrentCell(this.#cell, batched, states, this)
    return isBatched ? next : next.map((state) => state.squeeze(0))
  }

  #zeroStates(x: Tensor): Tensor[] {
    const zero = zeros([x.shape[0], this.hiddenSize], { dtype: x.dtype, device: x.device })
    return Array.from({ length: stateCount(this.#cell) }, () => zero)
  }

  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh ? '' : `, ${describe({ bias: false })}`}`
  }
}

export class LSTMCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super('lstm', inputSize, hiddenSize, options)
  }

  /** The next hidden and cell state. */
  forward(x: Tensor, state?: LSTMState): [Tensor, Tensor] {
    const [h, c] = this.step(x, state)
    return [h, c]
  }
}

export class GRUCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super('gru', inputSize, hiddenSize, options)
  }

  forward(x: Tensor, state?: Tensor): Tensor {
    return this.step(x, state && [state])[0]
  }
}

export class RNNCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}) {
    super(elmanCell('RNNCell', options.nonlinearity), inputSize, hiddenSize, options)
  }

  forward(x: Tensor, state?: Tensor): Tensor {
    return this.step(x, state && [state])[0]
  }
}

/** The cell of Elman's network with a nonlinearity, for a layer of that name. */
export function elmanCell(layer: string, nonlinearity: 'tanh' | 'relu' = 'tanh'): CellName {
  if (nonlinearity === 'tanh') return 'rnnTanh'
  if (nonlinearity === 'relu') return 'rnnRelu'
  throw new ArgumentError(`${layer}: expected nonlinearity 'tanh' or 'relu', got '${String(nonlinearity)}'.`, {
    nonlinearity,
  })
}
