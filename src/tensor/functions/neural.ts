// Functions that layers are made of. x goes in with weights and options under PyTorch's names; each is one composite or a few.
// https://docs.pytorch.org/docs/stable/nn.functional.html
import { ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import { scaledDotProductAttention as attentionNode, attentionProbabilities } from '../../graph/composites/attention.ts'
import { detach } from '../../graph/composites/basics.ts'
import { batchNormInference, batchNormTraining } from '../../graph/composites/batch-norm.ts'
import * as convolutions from '../../graph/composites/conv.ts'
import { cutRows, embedding as embeddingNode } from '../../graph/composites/embedding.ts'
import * as norms from '../../graph/composites/layer-norm.ts'
import type { Node } from '../../graph/node.ts'
import { castOperand } from '../autocast.ts'
import { makeTensor, resultOf } from '../core.ts'
import { noGrad } from '../grad-mode.ts'
import { sameDevice } from '../operands.ts'
import type { Generator } from '../random.ts'
import type { Tensor } from '../tensor.ts'
import { dropout } from './sampling.ts'

export type Optional = Tensor | null | undefined

/** The result of a builder over tensors, some of which may be missing. */
export function applied(op: string, tensors: readonly Optional[], make: (...nodes: Node[]) => Node): Tensor {
  const given = tensors.filter((each): each is Tensor => each !== null && each !== undefined)
  sameDevice(op, given)
  // a missing tensor is an undefined node; builders that allow it say so in their types
  return resultOf(
    given[0].session,
    make(...(tensors.map((each) => (each ? castOperand(op, each.node) : undefined)) as Node[])),
    given,
  )
}

/** x times the transposed weight [outputs, inputs], plus bias [outputs]; x is [..., inputs]. */
export const linear = (x: Tensor, weight: Tensor, bias?: Optional): Tensor =>
  applied('linear', [x, weight, bias], (input, w, b?: Node) => {
    const features = w.shape[w.shape.length - 1]
    if (input.shape[input.shape.length - 1] !== features)
      throw new ShapeError(
        `linear: expected x to end in ${features} (weight is ${formatShape(w.shape)}), got ${formatShape(input.shape)}. ` +
          (input.shape.length > 2 ? 'Flatten it first: x.flatten(1).' : 'Its last axis holds the features.'),
        { op: 'linear', shape: input.shape, weight: w.shape },
      )
    const product =
      w.shape.length === 2 && input.dtype === w.dtype
        ? build.contract(input, w, 0, 1)
        : build.matmul(input, build.transpose(w, 0, -1))
    return b === undefined ? product : build.add(product, b)
  })

// --- convolutions -----------------------------------------------------------------------------------------------------------

type Conv = (x: Node, weight: Node, bias: Node | undefined, options?: convolutions.ConvOptions) => Node
const conv =
  (op: string, make: Conv) =>
  (x: Tensor, weight: Tensor, bias?: Optional, options: convolutions.ConvOptions = {}): Tensor =>
    applied(op, [x, weight, bias], (input, w, b) => make(input, w, b, options))

/** x [batch, channels, length], weight [outputs, channels / groups, kernel]. */
export const conv1d = /* @__PURE__ */ conv('conv1d', convolutions.conv1d)
/** x [batch, channels, height, width], weight [outputs, channels / groups, kernel height, kernel width]. */
export const conv2d = /* @__PURE__ */ conv('conv2d', convolutions.conv2d)
export const conv3d = /* @__PURE__ */ conv('conv3d', convolutions.conv3d)

type ConvTranspose = (
  x: Node,
  weight: Node,
  bias: Node | undefined,
  options?: convolutions.ConvTransposeOptions,
) => Node
const convTranspose =
  (op: string, make: ConvTranspose) =>
  (x: Tensor, weight: Tensor, bias?: Optional, options: convolutions.ConvTransposeOptions = {}): Tensor =>
    applied(op, [x, weight, bias], (input, w, b) => make(input, w, b, options))

export const convTranspose1d = /* @__PURE__ */ convTranspose('convTranspose1d', convolutions.convTranspose1d)
/** x [batch, channels, height, width], weight [channels, outputs / groups, kernel height, kernel width]. */
export const convTranspose2d = /* @__PURE__ */ convTranspose('convTranspose2d', convolutions.convTranspose2d)
export const convTranspose3d = /* @__PURE__ */ convTranspose('convTranspose3d', convolutions.convTranspose3d)

// --- normalisation ----------------------------------------------------------------------------------------------------------

export interface NormOptions {
  readonly eps?: number
}

/** Each sample less its mean, over its deviation, along the last axes `normalizedShape`; then scale and shift. */
export const layerNorm = (
  x: Tensor,
  normalizedShape: Shape,
  weight?: Optional,
  bias?: Optional,
  { eps = 1e-5 }: NormOptions = {},
): Tensor =>
  applied('layerNorm', [x, weight, bias], (node, w, b) => norms.layerNorm(node, normalizedShape, affine(w, b), eps))

export const groupNorm = (
  x: Tensor,
  groups: number,
  weight?: Optional,
  bias?: Optional,
  { eps = 1e-5 }: NormOptions = {},
): Tensor => applied('groupNorm', [x, weight, bias], (node, w, b) => norms.groupNorm(node, groups, affine(w, b), eps))

export const affine = (weight: Node | undefined, bias: Node | undefined): norms.Affine => ({
  ...(weight && { weight }),
  ...(bias && { bias }),
})

export interface BatchNormOptions extends NormOptions {
  /** normalise by the batch's own statistics, and move the running ones towards them */
  readonly training?: boolean
  /** weight of this batch in the running statistics */
  readonly momentum?: number | Tensor
}

/** x [batch, channels, ...] normalised per channel; when training, the running statistics are updated in place. */
export function batchNorm(
  x: Tensor,
  runningMean: Optional,
  runningVar: Optional,
  weight?: Optional,
  bias?: Optional,
  { training = false, momentum = 0.1, eps = 1e-5 }: BatchNormOptions = {},
): Tensor {
  if (!training) {
    if (!runningMean || !runningVar)
      throw new ShapeError(
        'batchNorm: expected running statistics when not training, got none. Pass { training: true }.',
      )
    return applied('batchNorm', [x, runningMean, runningVar, weight, bias], (node, mean, variance, w, b) =>
      batchNormInference(node, mean, variance, affine(w, b), eps),
    )
  }
  let statistics: ReturnType<typeof batchNormTraining> | undefined
  const result = applied('batchNorm', [x, weight, bias], (node, w, b) => {
    statistics = batchNormTraining(node, affine(w, b), eps)
    return statistics.output
  })
  const { mean, variance, count } = statistics!
  // an empty batch says nothing about the statistics
  if (count === 0) return result
  noGrad(() => {
    const tensorOf = (node: Node): Tensor => makeTensor(x.session, detach(node))
    runningMean?.lerp_(tensorOf(mean), momentum)
    runningVar?.lerp_(tensorOf(build.mul(variance, count / (count - 1))), momentum)
  })
  return result
}

// --- attention and tables ---------------------------------------------------------------------------------------------------

export interface AttentionOptions {
  /** bool: true takes part; float: added to the scores */
  readonly attnMask?: Optional
  readonly dropoutP?: number
  /** query i sees keys 0…i */
  readonly isCausal?: boolean
  /** 1 / sqrt(width) if left out */
  readonly scale?: number | null
  /** fewer heads of keys and values than of queries, each shared by consecutive ones */
  readonly enableGqa?: boolean
  readonly generator?: Generator
}

/**
 * softmax(q kᵀ scale) v over [..., length, width]. In float32 and float64, from 8 queries and 8 keys on, the scores are never in memory, nor
 * for the gradients of q, k and v; with dropout, in 16-bit dtypes, and for the gradient of a float mask they are.
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  const { attnMask, dropoutP = 0, isCausal = false, scale, enableGqa = false, generator } = options
  const settings = (mask: Node | undefined) => ({
    ...(mask && { mask }),
    ...(typeof scale === 'number' && { scale }),
    isCausal,
    enableGqa,
  })
  const op = 'scaledDotProductAttention'
  if (dropoutP === 0)
    return applied(op, [q, k, v, attnMask], (queries, keys, values, mask) =>
      attentionNode(queries, keys, values, settings(mask)),
    )
  const weights = applied(op, [q, k, attnMask], (queries, keys, mask) =>
    attentionProbabilities(queries, keys, settings(mask)),
  )
  return dropout(weights, { p: dropoutP, generator }).matmul(enableGqa ? repeatHeads(v, q.shape[q.ndim - 3]) : v)
}

/** Each head as often as `heads` asks for, in a row. */
function repeatHeads(v: Tensor, heads: number): Tensor {
  const [own, length, width] = v.shape.slice(-3)
  const batch = v.shape.slice(0, -3)
  return v
    .unsqueeze(-3)
    .expand([...batch, own, heads / own, length, width])
    .reshape([...batch, heads, length, width])
}

export interface EmbeddingOptions {
  /** row whose gradient is not propagated */
  readonly paddingIdx?: number | null
  /** rows that are looked up are first cut, in place, to this norm */
  readonly maxNorm?: number | null
  readonly normType?: number
  /** divides the gradient of a row by how often it was looked up */
  readonly scaleGradByFreq?: boolean
  /** gradients are dense whatever it says */
  readonly sparse?: boolean
}

/** Rows of `weight` [rows, width] at integer positions. */
export function embedding(indices: Tensor, weight: Tensor, options: EmbeddingOptions = {}): Tensor {
  const { paddingIdx, maxNorm, normType = 2, scaleGradByFreq = false } = options
  if (typeof maxNorm === 'number')
    noGrad(() => {
      const cut = cutRows(weight.node, indices.node, maxNorm, normType)
      weight.copy_(makeTensor(weight.session, detach(cut)))
    })
  return applied('embedding', [indices, weight], (at, table) =>
    embeddingNode(at, table, paddingIdx ?? undefined, scaleGradByFreq),
  )
}
