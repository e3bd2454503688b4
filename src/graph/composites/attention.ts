// Scaled dot-product attention (Vaswani et al. 2017): softmax(q kᵀ scale + mask) v. The gradient computes the probabilities from q and
// k again, by the very nodes of the forward pass, so that a program that has both computes them once and nothing must be saved.
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
import { softmax } from './softmax.ts'
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

/** With P the probabilities and dP = g vᵀ: dS = P (dP - rowsum(g out)), since rowsum(P dP) is rowsum(g out). */
function gradients(node: CompositeNode<AttentionAttrs>, grad: Node, wanted: readonly boolean[]): (Node | undefined)[] {
  const [q, k, v, mask] = node.inputs
  const { attrs } = node.attrs
  const probabilities = probabilitiesOf(node.inputs, attrs)
  const along = reduce('sum', mul(grad, node), [grad.shape.length - 1])
  const ofScores = mul(probabilities, sub(products(grad, v), along))
  const ofProducts = mul(ofScores, attrs.scale)
  return [
    wanted[0] ? products(ofProducts, transposed(k)) : undefined,
    wanted[1] ? products(transposed(ofProducts), transposed(q)) : undefined,
    wanted[2] ? products(transposed(probabilities), transposed(grad)) : undefined,
    wanted[3] && mask.dtype !== 'bool' ? ofScores : undefined,
  ]
}

/** Inputs q [batch…, queries, width], k [batch…, keys, width], v [batch…, keys, out], and a mask [batch…, queries, keys] if there is one. */
const attention = defineComposite<AttentionAttrs>('scaledDotProductAttention', {
  infer: ([q, , v]) => ({ shape: [...q.shape.slice(0, -1), v.shape[v.shape.length - 1]], dtype: q.dtype }),
  body: (inputs, attrs) => products(probabilitiesOf(inputs, attrs), transposed(inputs[2])),
  vjp: gradients,
})

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
  return attention(inputs, attrs)
}

/** The probabilities [..., queries, keys] alone, for dropout on them and for showing them. */
export function attentionProbabilities(q: Node, k: Node, options: AttentionOptions = {}): Node {
  const { inputs, attrs } = operandsOf(q, k, k, options)
  return probabilitiesOf(inputs, attrs)
}
