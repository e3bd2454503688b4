// Scaled dot-product attention (Vaswani et al. 2017): softmax(q kᵀ scale + mask) v, and its gradients. Both are composites whose bodies hold
// all scores; the compiler has kernels for them that hold a block of scores at a time.
// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
import { ArgumentError, DTypeError, ShapeError } from '../../base/errors.ts'
import { broadcastShapes, formatShape, type Shape, sameShape } from '../../base/shape.ts'
import {
  add,
  broadcastTo,
  contract,
  equal,
  exp,
  mul,
  reciprocal,
  reduce,
  reshape,
  sub,
  transpose,
  where,
} from '../builders.ts'
import { expectCategory, expectSameDType } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { type CompositeNode, defineComposite } from './composite-table.ts'
import { logsumexp, softmax } from './softmax.ts'
import { aboveDiagonal } from './triangle.ts'

export interface AttentionOptions {
  /** bool: true takes part; float: added to the scores. Broadcasts to [..., queries, keys] */
  readonly mask?: Node
  /** query i sees keys 0…i */
  readonly isCausal?: boolean
  /** 1 / sqrt(width) when not given */
  readonly scale?: number
  /** fewer heads (axis -3) of k and v than of q, each shared by consecutive heads of q */
  readonly enableGqa?: boolean
}

interface AttentionAttrs {
  readonly isCausal: boolean
  readonly scale: number
}

/** q kᵀ over leading batch axes: [..., queries, keys]. */
const products = (q: Node, k: Node): Node => contract(q, k, q.shape.length - 2, 1)
const transposed = (x: Node): Node => transpose(x, -1, -2)

function scoresOf([q, k, , mask]: readonly Node[], { isCausal, scale }: AttentionAttrs): Node {
  const scores = mul(products(q, k), scale)
  const causal = isCausal ? where(aboveDiagonal(scores.shape), Number.NEGATIVE_INFINITY, scores) : scores
  if (mask === undefined) return causal
  return mask.dtype === 'bool' ? where(mask, causal, Number.NEGATIVE_INFINITY) : add(causal, mask)
}

/** A query whose keys are all masked attends to none: probabilities 0, as in PyTorch, instead of NaN. */
function maskedSoftmax(scores: Node): Node {
  const axis = scores.shape.length - 1
  const peak = reduce('max', scores, [axis])
  const powers = exp(sub(scores, where(equal(peak, Number.NEGATIVE_INFINITY), 0, peak)))
  const total = reduce('sum', powers, [axis])
  return mul(powers, reciprocal(where(equal(total, 0), 1, total)))
}

function probabilitiesOf(inputs: readonly Node[], attrs: AttentionAttrs): Node {
  const scores = scoresOf(inputs, attrs)
  return inputs.length > 3 ? maskedSoftmax(scores) : softmax(scores, -1)
}

/** log(sum(exp(scores))) of each query; 0 where it attends to no key, so that exp(score - this) is 0 there. */
function logSumExpOf(inputs: readonly Node[], attrs: AttentionAttrs): Node {
  const scores = scoresOf(inputs, attrs)
  const total = logsumexp(scores, scores.shape.length - 1, true)
  return where(equal(total, Number.NEGATIVE_INFINITY), 0, total)
}

type Results = 'output' | 'logSumExp'
type GradientResults = 'query' | 'key' | 'value'
/** Nodes that differ in `result` only are one kernel, where the compiler has one. */
type WithResult<R> = AttentionAttrs & { readonly result: R }

/**
 * Inputs q [batch…, queries, width], k [batch…, keys, width], v [batch…, keys, out], and a mask [batch…, queries, keys] if there is one.
 * The result is the output [batch…, queries, out] or the logSumExp [batch…, queries, 1].
 */
const attention = defineComposite<WithResult<Results>>('scaledDotProductAttention', {
  infer: ([q, , v], { result }) => ({
    shape: [...q.shape.slice(0, -1), result === 'output' ? v.shape[v.shape.length - 1] : 1],
    dtype: q.dtype,
  }),
  body: (inputs, { result, ...attrs }) =>
    result === 'output' ? products(probabilitiesOf(inputs, attrs), transposed(inputs[2])) : logSumExpOf(inputs, attrs),
  vjp: (node, grad, wanted) =>
    node.attrs.attrs.result === 'output'
      ? outputGradients(node, grad, wanted)
      : operandGradients(node, mul(probabilitiesOf(node.inputs, node.attrs.attrs), grad)),
})

/** With P the probabilities and dP = g vᵀ: dS = P (dP - rowsum(g out)), since rowsum(P dP) is rowsum(g out). */
function scoresGradient(operands: readonly Node[], grad: Node, out: Node, attrs: AttentionAttrs): Node {
  const along = reduce('sum', mul(grad, out), [grad.shape.length - 1])
  return mul(probabilitiesOf(operands, attrs), sub(products(grad, operands[2]), along))
}

/**
 * Inputs q, k, v, the gradient of attention's output, that output, its logSumExp, and the mask if there is one; the result is the gradient
 * of q, k or v. A kernel of its own computes the probabilities again from the logSumExp, a block at a time; the body has those of
 * the forward pass, by the very same nodes, so that a program that has both computes them once.
 */
const attentionGradient = defineComposite<WithResult<GradientResults>>('attentionGradient', {
  infer: ([query, key, value], { result }) => ({ query, key, value })[result],
  body([q, k, v, grad, out, , ...mask], { result, ...attrs }) {
    const operands = [q, k, v, ...mask]
    if (result === 'value') return products(transposed(probabilitiesOf(operands, attrs)), transposed(grad))
    const ofProducts = mul(scoresGradient(operands, grad, out, attrs), attrs.scale)
    return result === 'query' ? products(ofProducts, transposed(k)) : products(transposed(ofProducts), transposed(q))
  },
})

type AttentionNode = CompositeNode<WithResult<Results>>

function outputGradients(node: AttentionNode, grad: Node, wanted: readonly boolean[]): (Node | undefined)[] {
  const [q, k, v, ...mask] = node.inputs
  const { result, ...attrs } = node.attrs.attrs
  const inputs = [q, k, v, grad, node, attention(node.inputs, { ...attrs, result: 'logSumExp' }), ...mask]
  const results = ['query', 'key', 'value'] as const
  const ofMask = wanted[3] && mask[0].dtype !== 'bool' ? scoresGradient(node.inputs, grad, node, attrs) : undefined
  return [
    ...results.map((of, i) => (wanted[i] ? attentionGradient(inputs, { ...attrs, result: of }) : undefined)),
    ofMask,
  ]
}

/** Gradients of q, k and the mask, given that of the scores. */
function operandGradients({ inputs, attrs }: AttentionNode, ofScores: Node): (Node | undefined)[] {
  const [q, k, , mask] = inputs
  const ofProducts = mul(ofScores, attrs.attrs.scale)
  const ofQuery = products(ofProducts, transposed(k))
  const ofKey = products(transposed(ofProducts), transposed(q))
  return [ofQuery, ofKey, undefined, mask?.dtype === q.dtype ? ofScores : undefined]
}

const op = 'scaledDotProductAttention'

function expectOperands(q: Node, k: Node, v: Node): void {
  expectCategory(op, q.dtype, ['float'])
  expectSameDType(op, q, k)
  expectSameDType(op, q, v)
  const last = (x: Node, back: number): number => x.shape[x.shape.length - back]
  const ranks = [q, k, v].every((x) => x.shape.length >= 2)
  if (!ranks || last(q, 1) !== last(k, 1) || last(k, 2) !== last(v, 2))
    throw new ShapeError(
      `${op}: expected q [..., queries, width], k [..., keys, width] and v [..., keys, out], got ` +
        `${[q, k, v].map((x) => formatShape(x.shape)).join(', ')}.`,
      { op, shapes: [q.shape, k.shape, v.shape] },
    )
}

/** Each head of x for `times` heads of q, which follow one another. */
function repeatHeads(x: Node, heads: number): Node {
  const own = x.shape[x.shape.length - 3]
  if (own === undefined || heads % own !== 0)
    throw new ShapeError(
      `${op}: expected the ${heads} heads of q (axis -3) to be a multiple of those of k and v, got ${formatShape(x.shape)}.`,
      { op, heads, shape: x.shape },
    )
  const [front, back] = [x.shape.slice(0, -2), x.shape.slice(-2)]
  const repeated = broadcastTo(reshape(x, [...front, 1, ...back]), [...front, heads / own, ...back])
  return reshape(repeated, [...front.slice(0, -1), heads, ...back])
}

function expandedMask(mask: Node, shape: Shape, dtype: Node['dtype']): Node {
  if (mask.dtype !== 'bool' && mask.dtype !== dtype)
    throw new DTypeError(`${op}: expected a mask of dtype bool or ${dtype}, got ${mask.dtype}.`, {
      op,
      dtype: mask.dtype,
    })
  if (!sameShape(broadcastShapes(op, mask.shape, shape), shape))
    throw new ShapeError(
      `${op}: expected a mask that broadcasts to [..., queries, keys] ${formatShape(shape)}, got ${formatShape(mask.shape)}.`,
      { op, mask: mask.shape, shape },
    )
  return broadcastTo(mask, shape)
}

/** Operands as the composite takes them: one batch shape, the mask as large as the scores. */
function operandsOf(q: Node, k: Node, v: Node, options: AttentionOptions): { inputs: Node[]; attrs: AttentionAttrs } {
  expectOperands(q, k, v)
  const { mask, isCausal = false, scale = 1 / Math.sqrt(q.shape[q.shape.length - 1]) } = options
  if (mask !== undefined && isCausal)
    throw new ArgumentError(`${op}: expected a mask or isCausal, got both. Fold tril into the mask.`, { op })
  const heads = options.enableGqa ? q.shape[q.shape.length - 3] : 0
  const [keys, values] = options.enableGqa ? [repeatHeads(k, heads), repeatHeads(v, heads)] : [k, v]
  const batch = broadcastShapes(op, ...[q, keys, values].map((x) => x.shape.slice(0, -2)))
  const widened = [q, keys, values].map((x) => broadcastTo(x, [...batch, ...x.shape.slice(-2)]))
  const scores = [...batch, q.shape[q.shape.length - 2], k.shape[k.shape.length - 2]]
  const inputs = mask === undefined ? widened : [...widened, expandedMask(mask, scores, q.dtype)]
  return { inputs, attrs: { isCausal, scale } }
}

/** q [..., queries, width], k [..., keys, width], v [..., keys, out] give [..., queries, out]. */
export function scaledDotProductAttention(q: Node, k: Node, v: Node, options: AttentionOptions = {}): Node {
  const { inputs, attrs } = operandsOf(q, k, v, options)
  return attention(inputs, { ...attrs, result: 'output' })
}

/** The probabilities [..., queries, keys] alone, for dropout on them and for showing them. */
export function attentionProbabilities(q: Node, k: Node, options: AttentionOptions = {}): Node {
  const { inputs, attrs } = operandsOf(q, k, k, options)
  return probabilitiesOf(inputs, attrs)
}
