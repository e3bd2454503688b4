// MultiheadAttention. https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
import type { DType } from '../../base/dtype.ts'
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import { dropout, full, linear, scaledDotProductAttention, type Tensor, zeros } from '../../tensor/index.ts'
import { xavierUniform_, zeros_ } from '../initialise.ts'
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
  readonly dtype?: DType
}

export interface AttentionCallOptions {
  /** bool [length, sourceLength] or [batch * heads, length, sourceLength], true forbids; or floats that are added to the scores */
  readonly attnMask?: Tensor
  /** bool [batch, sourceLength]: true leaves a key out */
  readonly keyPaddingMask?: Tensor
  /** query i sees keys 0…i */
  readonly isCausal?: boolean
  /** whether to return the weights, averaged over heads; without them attention is one fused kernel */
  readonly needWeights?: boolean
}

export class MultiheadAttention extends Module {
  static override readonly stateNames = {
    inProjWeight: 'in_proj_weight',
    inProjBias: 'in_proj_bias',
    outProj: 'out_proj',
  }

  readonly embedDim: number
  readonly numHeads: number
  readonly dropout: number
  readonly batchFirst: boolean
  /** [3 * embedDim, embedDim]: query, key, value */
  inProjWeight: Tensor
  inProjBias: Tensor | null
  outProj: Linear

  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}) {
    super()
    const { dropout = 0, bias = true, batchFirst = false, dtype = 'float32' } = options
    if (embedDim % numHeads !== 0)
      throw new ArgumentError(
        `MultiheadAttention: expected embedDim to be a multiple of numHeads, got ${embedDim} and ${numHeads}.`,
        { embedDim, numHeads },
      )
    this.embedDim = embedDim
    this.numHeads = numHeads
    this.dropout = dropout
    this.batchFirst = batchFirst
    this.inProjWeight = parameter(zeros([3 * embedDim, embedDim], { dtype }))
    this.inProjBias = bias ? parameter(zeros([3 * embedDim], { dtype })) : null
    this.outProj = new Linear(embedDim, embedDim, { bias, dtype })
    xavierUniform_(this.inProjWeight)
    if (this.outProj.bias) zeros_(this.outProj.bias)
  }

  /** Returns the output and the attention weights [batch, length, sourceLength], or null when they are not needed. */
  forward(query: Tensor, key: Tensor, value: Tensor, options: AttentionCallOptions = {}): [Tensor, Tensor | null] {
    for (const [name, { shape }] of Object.entries({ query, key, value }))
      if (shape.length !== 3 || shape[2] !== this.embedDim)
        throw new ShapeError(
          `MultiheadAttention: expected ${name} of 3 dimensions, the last ${this.embedDim}, got ${formatShape(shape)}.`,
          { name, shape },
        )
    const batched = this.batchFirst ? [query, key, value] : [query, key, value].map((x) => x.transpose(0, 1))
    const [q, k, v] = batched.map((x, index) => this.#project(x, index))
    const needsWeights = options.needWeights ?? true
    const isCausal = options.isCausal ?? false
    const given = scoreMask(options, this.numHeads, q.shape[0])
    // attention itself can be causal where nothing else masks: then it never sees the other half of the scores
    const inside = isCausal && given === undefined && !needsWeights
    const mask = isCausal && !inside ? withFuture(given, q.shape[2], k.shape[2], q.dtype) : given
    const dropoutP = this.training ? this.dropout : 0
    const [attended, weights] = needsWeights
      ? attendWithWeights(q, k, v, mask, dropoutP)
      : [scaledDotProductAttention(q, k, v, { attnMask: mask, dropoutP, isCausal: inside }), null]
    const [batch, , length] = attended.shape
    const output = this.outProj(attended.transpose(1, 2).reshape(batch, length, this.embedDim))
    return [this.batchFirst ? output : output.transpose(0, 1), weights]
  }

  /** [batch, length, embedDim] to [batch, heads, length, embedDim / heads] through third `index` of the input projection. */
  #project(x: Tensor, index: number): Tensor {
    const { embedDim, numHeads } = this
    const third = (all: Tensor): Tensor => all.narrow(0, index * embedDim, embedDim)
    const projected = linear(x, third(this.inProjWeight), this.inProjBias && third(this.inProjBias))
    const [batch, length] = x.shape
    return projected.reshape(batch, length, numHeads, embedDim / numHeads).transpose(1, 2)
  }

  override extraRepr(): string {
    const { embedDim, numHeads, dropout, batchFirst } = this
    return describe({ embedDim, numHeads, dropout, batchFirst })
  }
}

function attendWithWeights(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | undefined, p: number): [Tensor, Tensor] {
  const scores = q.mul(1 / Math.sqrt(q.shape[3])).matmul(k.transpose(-2, -1))
  const weights = dropout((mask ? scores.add(mask) : scores).softmax(-1), { p, training: p > 0 })
  return [weights.matmul(v), weights.mean(1)]
}

/** `mask` that also forbids keys after the query. */
function withFuture(mask: Tensor | undefined, queries: number, keys: number, dtype: DType): Tensor {
  const future = full([queries, keys], Number.NEGATIVE_INFINITY, { dtype }).triu(1)
  return mask ? mask.add(future) : future
}

/** Both masks as one that is added to scores [batch, heads, length, sourceLength]. */
function scoreMask(options: AttentionCallOptions, heads: number, batch: number): Tensor | undefined {
  const { attnMask, keyPaddingMask } = options
  const forScores = attnMask?.ndim === 3 ? attnMask.reshape(batch, heads, ...attnMask.shape.slice(1)) : attnMask
  const forKeys = keyPaddingMask?.reshape(batch, 1, 1, keyPaddingMask.shape[1])
  const [a, b] = [forScores, forKeys].map((mask) => mask && asAdded(mask))
  return a && b ? a.add(b) : (a ?? b)
}

const asAdded = (mask: Tensor): Tensor =>
  mask.dtype === 'bool' ? zeros(mask.shape).maskedFill(mask, Number.NEGATIVE_INFINITY) : mask
