// MultiheadAttention. https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
import type { DType } from '../../base/dtype.ts'
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import { cat, dropout, full, linear, scaledDotProductAttention, type Tensor, zeros } from '../../tensor/index.ts'
import { xavierNormal_, xavierUniform_, zeros_ } from '../initialise.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'
import { Linear } from './linear.ts'

export interface MultiheadAttentionOptions {
  /** probability of dropping an attention weight while training */
  readonly dropout?: number
  readonly bias?: boolean
  /** inputs are [batch, length, embedDim] rather than [length, batch, embedDim] */
  readonly batchFirst?: boolean
  /** widths of keys and values, embedDim unless given */
  readonly kdim?: number
  readonly vdim?: number
  /** appends a learned key and value */
  readonly addBiasKv?: boolean
  /** appends a key and a value of zeros */
  readonly addZeroAttn?: boolean
  readonly dtype?: DType
}

export interface AttentionCallOptions {
  /** bool [length, sourceLength] or [batch * heads, length, sourceLength], true forbids; or floats that are added to the scores */
  readonly attnMask?: Tensor
  /** bool [batch, sourceLength]: true leaves a key out */
  readonly keyPaddingMask?: Tensor
  /** query i sees keys 0…i */
  readonly isCausal?: boolean
  /** whether to return the weights; without them attention is one fused kernel */
  readonly needWeights?: boolean
  /** whether the weights are the mean over heads */
  readonly averageAttnWeights?: boolean
}

export class MultiheadAttention extends Module {
  static override readonly stateNames = {
    inProjWeight: 'in_proj_weight',
    qProjWeight: 'q_proj_weight',
    kProjWeight: 'k_proj_weight',
    vProjWeight: 'v_proj_weight',
    inProjBias: 'in_proj_bias',
    biasK: 'bias_k',
    biasV: 'bias_v',
    outProj: 'out_proj',
  }

  readonly embedDim: number
  readonly numHeads: number
  readonly kdim: number
  readonly vdim: number
  readonly dropout: number
  readonly batchFirst: boolean
  readonly addZeroAttn: boolean
  /** [3 * embedDim, embedDim]: query, key, value; null when keys or values have another width */
  inProjWeight: Tensor | null = null
  /** [embedDim, embedDim], [embedDim, kdim] and [embedDim, vdim], when those differ */
  qProjWeight: Tensor | null = null
  kProjWeight: Tensor | null = null
  vProjWeight: Tensor | null = null
  inProjBias: Tensor | null
  /** [1, 1, embedDim] */
  biasK: Tensor | null
  biasV: Tensor | null
  outProj: Linear

  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}) {
    super()
    const { dropout = 0, bias = true, batchFirst = false, kdim = embedDim, vdim = embedDim } = options
    const { addBiasKv = false, addZeroAttn = false, dtype = 'float32' } = options
    if (embedDim % numHeads !== 0)
      throw new ArgumentError(
        `MultiheadAttention: expected embedDim to be a multiple of numHeads, got ${embedDim} and ${numHeads}.`,
        { embedDim, numHeads },
      )
    this.embedDim = embedDim
    this.numHeads = numHeads
    this.kdim = kdim
    this.vdim = vdim
    this.dropout = dropout
    this.batchFirst = batchFirst
    this.addZeroAttn = addZeroAttn
    const weight = (rows: number, width: number) => xavierUniform_(parameter(zeros([rows, width], { dtype })))
    if (kdim === embedDim && vdim === embedDim) this.inProjWeight = weight(3 * embedDim, embedDim)
    else
      [this.qProjWeight, this.kProjWeight, this.vProjWeight] = [embedDim, kdim, vdim].map((width) =>
        weight(embedDim, width),
      )
    this.inProjBias = bias ? parameter(zeros([3 * embedDim], { dtype })) : null
    const extra = () => (addBiasKv ? xavierNormal_(parameter(zeros([1, 1, embedDim], { dtype }))) : null)
    this.biasK = extra()
    this.biasV = extra()
    this.outProj = new Linear(embedDim, embedDim, { bias, dtype })
    if (this.outProj.bias) zeros_(this.outProj.bias)
  }

  /**
   * query [batch, length, embedDim], key [batch, sourceLength, kdim] and value [batch, sourceLength, vdim], or all without batch, to the
   * output and the weights [batch, length, sourceLength], which are null when they are not needed.
   */
  forward(query: Tensor, key: Tensor, value: Tensor, options: AttentionCallOptions = {}): [Tensor, Tensor | null] {
    const isSingle = query.ndim === 2
    this.#checkInputs({ query, key, value }, isSingle ? 2 : 3)
    const order = (x: Tensor) => (isSingle ? x.unsqueeze(0) : this.batchFirst ? x : x.transpose(0, 1))
    const [q, k, v] = this.#extended([query, key, value].map((x, index) => this.#project(order(x), index)))
    const [attended, weights] = this.#attend(q, k, v, options)
    const [batch, , length] = attended.shape
    const output = this.outProj(attended.transpose(1, 2).reshape(batch, length, this.embedDim))
    if (isSingle) return [output.squeeze(0), weights?.squeeze(0) ?? null]
    return [this.batchFirst ? output : output.transpose(0, 1), weights]
  }

  #checkInputs(inputs: Readonly<Record<'query' | 'key' | 'value', Tensor>>, rank: number): void {
    const widths = { query: this.embedDim, key: this.kdim, value: this.vdim }
    for (const [name, { shape }] of Object.entries(inputs))
      if (shape.length !== rank || shape[rank - 1] !== widths[name as keyof typeof widths])
        throw new ShapeError(
          `MultiheadAttention: expected ${name} of ${rank} dimensions, the last ${widths[name as keyof typeof widths]}, ` +
            `got ${formatShape(shape)}.`,
          { name, shape },
        )
  }

  /** x [batch, length, width] through part `index` of the input projection: [batch, length, embedDim]. */
  #project(x: Tensor, index: number): Tensor {
    const part = (all: Tensor): Tensor => all.narrow(0, index * this.embedDim, this.embedDim)
    const own = [this.qProjWeight, this.kProjWeight, this.vProjWeight][index]
    return linear(x, own ?? part(this.inProjWeight!), this.inProjBias && part(this.inProjBias))
  }

  /** Appends the learned key and value, and those of zeros; then [batch, heads, length, embedDim / heads] of each. */
  #extended([query, key, value]: Tensor[]): Tensor[] {
    const appended = (x: Tensor, learned: Tensor | null): Tensor => {
      const one = [x.shape[0], 1, this.embedDim]
      const extras = [
        ...(learned ? [learned.expand(one)] : []),
        ...(this.addZeroAttn ? [zeros(one, { dtype: x.dtype })] : []),
      ]
      return extras.length > 0 ? cat([x, ...extras], 1) : x
    }
    return [query, appended(key, this.biasK), appended(value, this.biasV)].map((x) =>
      x.reshape(x.shape[0], x.shape[1], this.numHeads, this.embedDim / this.numHeads).transpose(1, 2),
    )
  }

  #attend(q: Tensor, k: Tensor, v: Tensor, options: AttentionCallOptions): [Tensor, Tensor | null] {
    const { needWeights = true, averageAttnWeights = true, isCausal = false } = options
    const extra = Number(this.biasK !== null) + Number(this.addZeroAttn)
    const given = scoreMask(options, { heads: this.numHeads, batch: q.shape[0], extra })
    // attention itself can be causal where nothing else masks: then it never sees the other half of the scores
    const inside = isCausal && given === undefined && extra === 0 && !needWeights
    const mask = isCausal && !inside ? withFuture(given, q.shape[2], k.shape[2], extra, q.dtype) : given
    const dropoutP = this.training ? this.dropout : 0
    if (!needWeights) return [scaledDotProductAttention(q, k, v, { attnMask: mask, dropoutP, isCausal: inside }), null]
    const [attended, weights] = attendWithWeights(q, k, v, mask, dropoutP)
    return [attended, averageAttnWeights ? weights.mean(1) : weights]
  }

  override extraRepr(): string {
    const { embedDim, numHeads, dropout, batchFirst } = this
    return describe({ embedDim, numHeads, dropout, batchFirst })
  }
}

function attendWithWeights(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | undefined, p: number): [Tensor, Tensor] {
  const scores = q.mul(1 / Math.sqrt(q.shape[3])).matmul(k.transpose(-2, -1))
  const weights = dropout((mask ? scores.add(mask) : scores).softmax(-1), { p, training: p > 0 })
  return [weights.matmul(v), weights]
}

/** `mask` that also forbids keys after the query; appended ones are always seen. */
function withFuture(mask: Tensor | undefined, queries: number, keys: number, extra: number, dtype: DType): Tensor {
  const future = full([queries, keys - extra], Number.NEGATIVE_INFINITY, { dtype })
    .triu(1)
    .pad([0, extra])
  return mask ? mask.add(future) : future
}

interface ScoreSizes {
  readonly heads: number
  readonly batch: number
  /** keys that were appended */
  readonly extra: number
}

/** Both masks as one that is added to scores [batch, heads, length, sourceLength + extra]. */
function scoreMask(options: AttentionCallOptions, { heads, batch, extra }: ScoreSizes): Tensor | undefined {
  const { attnMask, keyPaddingMask } = options
  const forScores = attnMask?.ndim === 3 ? attnMask.reshape(batch, heads, ...attnMask.shape.slice(1)) : attnMask
  const forKeys = keyPaddingMask?.reshape(batch, 1, 1, keyPaddingMask.shape.at(-1)!)
  const [a, b] = [forScores, forKeys].map((mask) => mask && asAdded(mask).pad([0, extra]))
  return a && b ? a.add(b) : (a ?? b)
}

const asAdded = (mask: Tensor): Tensor =>
  mask.dtype === 'bool' ? zeros(mask.shape).maskedFill(mask, Number.NEGATIVE_INFINITY) : mask
