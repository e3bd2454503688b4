// LSTM over sequences, several layers, one or two directions. https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
import type { DType } from '../../base/dtype.ts'
import { ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import { type LstmWeights, lstm } from '../../tensor/functions/recurrent.ts'
import { type Tensor, zeros } from '../../tensor/index.ts'
import { fanInUniform_ } from '../initialise.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'

export interface LSTMOptions {
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

/** Hidden and cell state, each [layers * directions, batch, hiddenSize]. */
export type LSTMState = readonly [Tensor, Tensor]

export class LSTM extends Module {
  readonly inputSize: number
  readonly hiddenSize: number
  readonly numLayers: number
  readonly options: Omit<Required<LSTMOptions>, 'numLayers'>

  constructor(inputSize: number, hiddenSize: number, numLayers?: number | LSTMOptions, options: LSTMOptions = {}) {
    super()
    const given = typeof numLayers === 'object' ? numLayers : { numLayers, ...options }
    const { bias = true, batchFirst = false, dropout = 0, bidirectional = false, dtype = 'float32' } = given
    this.inputSize = inputSize
    this.hiddenSize = hiddenSize
    this.numLayers = given.numLayers ?? 1
    this.options = { bias, batchFirst, dropout, bidirectional, dtype }
    for (let layer = 0; layer < this.numLayers; layer++)
      for (const suffix of this.#suffixes(layer)) {
        const features = layer === 0 ? inputSize : hiddenSize * this.#directions
        this.#addWeight(`weight_ih_${suffix}`, [4 * hiddenSize, features], dtype)
        this.#addWeight(`weight_hh_${suffix}`, [4 * hiddenSize, hiddenSize], dtype)
        if (!bias) continue
        this.#addWeight(`bias_ih_${suffix}`, [4 * hiddenSize], dtype)
        this.#addWeight(`bias_hh_${suffix}`, [4 * hiddenSize], dtype)
      }
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

  #addWeight(name: string, shape: readonly number[], dtype: DType): void {
    this.#fields[name] = parameter(fanInUniform_(zeros(shape, { dtype }), this.hiddenSize))
  }

  #weights(suffix: string): LstmWeights {
    return {
      weightIh: this.#fields[`weight_ih_${suffix}`]!,
      weightHh: this.#fields[`weight_hh_${suffix}`]!,
      biasIh: this.#fields[`bias_ih_${suffix}`],
      biasHh: this.#fields[`bias_hh_${suffix}`],
    }
  }

  /** Returns the last layer's output for each step, and the state after the last step. The state starts at zero. */
  forward(x: Tensor, state?: LSTMState): [Tensor, [Tensor, Tensor]] {
    const { batchFirst, bidirectional, dropout } = this.options
    if (x.ndim !== 3 || x.shape[2] !== this.inputSize)
      throw new ShapeError(
        `LSTM: expected x of 3 dimensions, the last ${this.inputSize}, got ${formatShape(x.shape)}.`,
        { shape: x.shape, inputSize: this.inputSize },
      )
    const sequence = batchFirst ? x.transpose(0, 1) : x
    const weights = Array.from({ length: this.numLayers }, (_, layer) => this.#suffixes(layer)).flat()
    const [output, last] = lstm(
      sequence,
      state ?? this.#zeroState(sequence),
      weights.map((suffix) => this.#weights(suffix)),
      { bidirectional, dropout, training: this.training },
    )
    return [batchFirst ? output.transpose(0, 1) : output, last]
  }

  #zeroState(sequence: Tensor): LSTMState {
    const shape = [this.numLayers * this.#directions, sequence.shape[1], this.hiddenSize]
    const zero = zeros(shape, { dtype: sequence.dtype, device: sequence.device })
    return [zero, zero]
  }

  override extraRepr(): string {
    const { bias, batchFirst, dropout: p, bidirectional } = this.options
    const rest = { bias: bias ? undefined : false, batchFirst: batchFirst || undefined, dropout: p || undefined }
    return `${this.inputSize}, ${this.hiddenSize}, ${describe({ numLayers: this.numLayers, ...rest, bidirectional: bidirectional || undefined })}`
  }
}
