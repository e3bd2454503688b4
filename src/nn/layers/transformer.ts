// Transformer encoder and decoder (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762), normalised after each part or before it.
// https://docs.pytorch.org/docs/stable/nn.html#transformer-layers
import type { DType } from '../../base/dtype.ts'
import { ArgumentError } from '../../base/errors.ts'
import { gelu, type Tensor } from '../../tensor/index.ts'
import { Module } from '../module.ts'
import { type AttentionCallOptions, MultiheadAttention } from './attention.ts'
import { Dropout } from './dropout.ts'
import { Linear } from './linear.ts'
import { LayerNorm } from './normalisation.ts'

export interface TransformerLayerOptions {
  readonly dimFeedforward?: number
  readonly dropout?: number
  readonly activation?: 'relu' | 'gelu' | ((x: Tensor) => Tensor)
  readonly layerNormEps?: number
  /** inputs are [batch, length, width] rather than [length, batch, width] */
  readonly batchFirst?: boolean
  /** normalises before attention and feed-forward instead of after the sum */
  readonly normFirst?: boolean
  readonly bias?: boolean
  readonly dtype?: DType
}

/** What a layer of the encoder may see. Masks: bool, true forbids; float, added to the scores. */
export interface EncoderMasks {
  /** [length, length] or [batch * heads, length, length] */
  readonly srcMask?: Tensor
  /** [batch, length]: true leaves a key out */
  readonly srcKeyPaddingMask?: Tensor
  /** position i sees positions 0…i */
  readonly isCausal?: boolean
}

/** What a layer of the decoder may see, of the target and of the encoder's output. */
export interface DecoderMasks {
  readonly tgtMask?: Tensor
  readonly memoryMask?: Tensor
  readonly tgtKeyPaddingMask?: Tensor
  readonly memoryKeyPaddingMask?: Tensor
  /** position i of the target sees positions 0…i of it */
  readonly tgtIsCausal?: boolean
}

const activationOf = (given: TransformerLayerOptions['activation'] = 'relu'): ((x: Tensor) => Tensor) => {
  if (typeof given === 'function') return given
  if (given === 'relu') return (x) => x.relu()
  if (given === 'gelu') return (x) => gelu(x)
  throw new ArgumentError(`TransformerLayer: expected activation to be 'relu', 'gelu' or a function, got '${given}'.`)
}

/** The parts that encoder and decoder layers share. */
abstract class TransformerLayer extends Module {
  readonly #settings: readonly [dModel: number, nhead: number, options: TransformerLayerOptions]
  readonly #activation: (x: Tensor) => Tensor

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions) {
    super()
    this.#settings = [dModel, nhead, options]
    this.#activation = activationOf(options.activation)
  }

  /** A layer of the same settings with the same weights. */
  copy(): this {
    const twin = new (this.constructor as new (...args: unknown[]) => this)(...this.#settings)
    twin.loadStateDict(this.stateDict())
    return twin.train(this.training)
  }

  protected activate(x: Tensor): Tensor {
    return this.#activation(x)
  }

  /** x plus what `part` makes of it, with dropout, and `norm` before the part or after the sum. */
  protected residual(x: Tensor, norm: LayerNorm, drop: Dropout, part: (x: Tensor) => Tensor): Tensor {
    return this.#settings[2].normFirst ? x.add(drop(part(norm(x)))) : norm(x.add(drop(part(x))))
  }
}

const attend = (attention: MultiheadAttention, x: Tensor, memory: Tensor, masks: AttentionCallOptions): Tensor =>
  attention(x, memory, memory, { ...masks, needWeights: false })[0]

/** Self-attention and a feed-forward network. */
export class TransformerEncoderLayer extends TransformerLayer {
  static override readonly stateNames = { selfAttn: 'self_attn' }

  selfAttn: MultiheadAttention
  linear1: Linear
  dropout: Dropout
  linear2: Linear
  norm1: LayerNorm
  norm2: LayerNorm
  dropout1: Dropout
  dropout2: Dropout

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(dModel, nhead, options)
    const { dimFeedforward = 2048, dropout = 0.1, layerNormEps: eps = 1e-5, batchFirst, bias, dtype } = options
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, batchFirst, bias, dtype })
    this.linear1 = new Linear(dModel, dimFeedforward, { bias, dtype })
    this.dropout = new Dropout(dropout)
    this.linear2 = new Linear(dimFeedforward, dModel, { bias, dtype })
    this.norm1 = new LayerNorm(dModel, { eps, bias, dtype })
    this.norm2 = new LayerNorm(dModel, { eps, bias, dtype })
    this.dropout1 = new Dropout(dropout)
    this.dropout2 = new Dropout(dropout)
  }

  forward(src: Tensor, { srcMask, srcKeyPaddingMask, isCausal }: EncoderMasks = {}): Tensor {
    const masks = { attnMask: srcMask, keyPaddingMask: srcKeyPaddingMask, isCausal }
    const x = this.residual(src, this.norm1, this.dropout1, (value) => attend(this.selfAttn, value, value, masks))
    return this.residual(x, this.norm2, this.dropout2, (value) =>
      this.linear2(this.dropout(this.activate(this.linear1(value)))),
    )
  }
}

/** Self-attention, attention to an encoder's output, and a feed-forward network. */
export class TransformerDecoderLayer extends TransformerLayer {
  static override readonly stateNames = { selfAttn: 'self_attn', multiheadAttn: 'multihead_attn' }

  selfAttn: MultiheadAttention
  multiheadAttn: MultiheadAttention
  linear1: Linear
  dropout: Dropout
  linear2: Linear
  norm1: LayerNorm
  norm2: LayerNorm
  norm3: LayerNorm
  dropout1: Dropout
  dropout2: Dropout
  dropout3: Dropout

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super(dModel, nhead, options)
    const { dimFeedforward = 2048, dropout = 0.1, layerNormEps: eps = 1e-5, batchFirst, bias, dtype } = options
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, batchFirst, bias, dtype })
    this.multiheadAttn = new MultiheadAttention(dModel, nhead, { dropout, batchFirst, bias, dtype })
    this.linear1 = new Linear(dModel, dimFeedforward, { bias, dtype })
    this.dropout = new Dropout(dropout)
    this.linear2 = new Linear(dimFeedforward, dModel, { bias, dtype })
    this.norm1 = new LayerNorm(dModel, { eps, bias, dtype })
    this.norm2 = new LayerNorm(dModel, { eps, bias, dtype })
    this.norm3 = new LayerNorm(dModel, { eps, bias, dtype })
    this.dropout1 = new Dropout(dropout)
    this.dropout2 = new Dropout(dropout)
    this.dropout3 = new Dropout(dropout)
  }

  forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    const { tgtMask, memoryMask, tgtKeyPaddingMask, memoryKeyPaddingMask, tgtIsCausal } = masks
    const ofTarget = { attnMask: tgtMask, keyPaddingMask: tgtKeyPaddingMask, isCausal: tgtIsCausal }
    const ofMemory = { attnMask: memoryMask, keyPaddingMask: memoryKeyPaddingMask }
    const own = this.residual(tgt, this.norm1, this.dropout1, (x) => attend(this.selfAttn, x, x, ofTarget))
    const seen = this.residual(own, this.norm2, this.dropout2, (x) => attend(this.multiheadAttn, x, memory, ofMemory))
    return this.residual(seen, this.norm3, this.dropout3, (x) =>
      this.linear2(this.dropout(this.activate(this.linear1(x)))),
    )
  }
}

/** `count` layers with copies of one layer's parameters, or made one by one. */
function layersOf<L extends TransformerLayer>(layer: L | ((index: number) => L), count: number): L[] {
  const make = layer instanceof TransformerLayer ? () => layer.copy() as L : (layer as (index: number) => L)
  return Array.from({ length: count }, (_, index) => make(index))
}

/** `numLayers` copies of `layer` one after the other, then `norm`. A function of the index may make each layer instead. */
export class TransformerEncoder extends Module {
  layers: TransformerEncoderLayer[]
  norm: LayerNorm | null

  constructor(
    layer: TransformerEncoderLayer | ((index: number) => TransformerEncoderLayer),
    numLayers: number,
    norm: LayerNorm | null = null,
  ) {
    super()
    this.layers = layersOf<TransformerEncoderLayer>(layer, numLayers)
    this.norm = norm
  }

  forward(src: Tensor, { mask, ...masks }: Omit<EncoderMasks, 'srcMask'> & { readonly mask?: Tensor } = {}): Tensor {
    const x = this.layers.reduce((value, layer) => layer(value, { srcMask: mask, ...masks }), src)
    return this.norm ? this.norm(x) : x
  }
}

/** `numLayers` copies of `layer` one after the other, each attending to `memory`, then `norm`. */
export class TransformerDecoder extends Module {
  layers: TransformerDecoderLayer[]
  norm: LayerNorm | null

  constructor(
    layer: TransformerDecoderLayer | ((index: number) => TransformerDecoderLayer),
    numLayers: number,
    norm: LayerNorm | null = null,
  ) {
    super()
    this.layers = layersOf<TransformerDecoderLayer>(layer, numLayers)
    this.norm = norm
  }

  forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    const x = this.layers.reduce((value, layer) => layer(value, memory, masks), tgt)
    return this.norm ? this.norm(x) : x
  }
}
