// Functions that draw: dropout of elements and of channels, samples of categories, and activations with random slopes.
// https://docs.pytorch.org/docs/stable/nn.functional.html#dropout-functions

import { isFloat } from '../../base/dtype.ts'
import { ArgumentError, DTypeError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import { dropout as dropoutNode } from '../../graph/composites/random.ts'
import { cumsum } from '../../graph/composites/running.ts'
import { searchsorted } from '../../graph/composites/search.ts'
import { argsort } from '../../graph/composites/sort.ts'
import { drawnRelu } from '../../graph/composites/threshold-activations.ts'
import type { Node } from '../../graph/node.ts'
import { makeTensor, resultOf } from '../core.ts'
import { onesLike } from '../creation.ts'
import { bernoulli, defaultGenerator, exponential, type Generator, rand, uniform } from '../random.ts'
import type { Tensor } from '../tensor.ts'

export interface DropoutOptions {
  /** probability that an element becomes 0 */
  readonly p?: number
  /** false gives x itself */
  readonly training?: boolean
  readonly generator?: Generator
}

/** Zeros each element with probability p and scales the others by 1 / (1 - p). */
export function dropout(x: Tensor, { p = 0.5, training = true, generator }: DropoutOptions = {}): Tensor {
  if (!training) return x
  const source = generator ?? defaultGenerator(x.session)
  return resultOf(
    x.session,
    source.draw((state, draw) => dropoutNode(x.node, state, draw, p)),
    [x],
  )
}

function expectProbability(op: string, p: number): void {
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`${op}: expected a probability from 0 to 1, got ${p}.`, { op, p })
}

/** One mark for each channel: [batch, channels, 1, ...]. */
function perChannel(op: string, x: Tensor): Tensor {
  if (x.ndim < 2)
    throw new ShapeError(`${op}: expected [batch, channels, ...], got ${formatShape(x.shape)}.`, { op, shape: x.shape })
  return onesLike(x).slice(':', ':', ...x.shape.slice(2).map(() => '0:1'))
}

/** Whole channels dropped; x may come without a batch. */
const channelDropout =
  (rank: number) =>
  (x: Tensor, options: DropoutOptions = {}): Tensor => {
    const op = `dropout${rank}d`
    const { p = 0.5, training = true } = options
    expectProbability(op, p)
    if (!training) return x
    const isSingle = rank !== 2 && x.ndim === rank + 1
    const batch = isSingle ? x.unsqueeze(0) : x
    const kept = batch.mul(dropout(perChannel(op, batch), options))
    return isSingle ? kept.squeeze(0) : kept
  }

/** Drops whole channels of [batch, channels, length]. */
export const dropout1d = /* @__PURE__ */ channelDropout(1)
/** Drops whole channels of [batch, channels, height, width]. */
export const dropout2d = /* @__PURE__ */ channelDropout(2)
/** Drops whole channels of [batch, channels, depth, height, width]. */
export const dropout3d = /* @__PURE__ */ channelDropout(3)

/** What selu tends to for ever smaller numbers: the value that alpha dropout sets. */
const seluFloor = -1.7580993408473766

function alphaDropped(x: Tensor, marks: Tensor, { p = 0.5, generator }: DropoutOptions): Tensor {
  const kept = bernoulli(marks, { p: 1 - p, ...(generator && { generator }) })
  const scale = p === 1 ? 0 : 1 / Math.sqrt((1 - p) * (1 + p * seluFloor ** 2))
  const shift = -scale * seluFloor * p
  return x.mul(kept).add(kept.rsub(1).mul(seluFloor)).mul(scale).add(shift)
}

/** Dropout that keeps mean and variance of what selu gives (Klambauer et al. 2017). */
export function alphaDropout(x: Tensor, options: DropoutOptions = {}): Tensor {
  expectProbability('alphaDropout', options.p ?? 0.5)
  return options.training === true ? alphaDropped(x, onesLike(x), options) : x
}

/** The same for whole channels. */
export function featureAlphaDropout(x: Tensor, options: DropoutOptions = {}): Tensor {
  expectProbability('featureAlphaDropout', options.p ?? 0.5)
  return options.training === true ? alphaDropped(x, perChannel('featureAlphaDropout', x), options) : x
}

export interface RreluOptions {
  readonly lower?: number
  readonly upper?: number
  readonly training?: boolean
  readonly generator?: Generator
}

/** Leaky relu with a slope between lower and upper, drawn for each element when training, else their mean. */
export function rrelu(
  x: Tensor,
  { lower = 1 / 8, upper = 1 / 3, training = false, generator }: RreluOptions = {},
): Tensor {
  if (!training) return x.leakyRelu((lower + upper) / 2)
  const options = { dtype: x.dtype, device: x.device, ...(generator && { generator }) }
  return resultOf(x.session, drawnRelu(x.node, uniform(lower, upper, x.shape, options).node), [x])
}

export interface GumbelOptions {
  /** temperature: the lower, the nearer to a one */
  readonly tau?: number
  /** gives zeros and a one, with the gradient of the soft result */
  readonly hard?: boolean
  readonly dim?: number
}

/** A soft sample of the categories that logits describe (Jang et al. 2017). */
export function gumbelSoftmax(logits: Tensor, { tau = 1, hard = false, dim = -1 }: GumbelOptions = {}): Tensor {
  const noise = exponential(1, logits.shape, { dtype: logits.dtype, device: logits.device }).log().neg()
  const soft = logits.add(noise).div(tau).softmax(dim)
  if (!hard) return soft
  const best = soft.max(dim, true).indices
  const ones = onesLike(best).to(soft.dtype)
  return soft.detach().mul(0).scatter(dim, best, ones).sub(soft.detach()).add(soft)
}

/** Weights over their row's sum; a program that finds a row of which `count` categories cannot be drawn says so. */
function probabilities(weights: Node, count: number): Node {
  const last = weights.shape.length - 1
  const sum = build.sum(weights, last, true)
  const refused = build.sum(build.logicalNot(build.lessEqual(0, weights)), last, true)
  const candidates = build.sum(build.less(0, weights), last, true)
  const isDistribution = build.logicalAnd(build.equal(refused, 0), build.less(sum, Number.POSITIVE_INFINITY))
  const isValid = build.logicalAnd(isDistribution, build.lessEqual(count, candidates))
  const sentence = `multinomial: expected finite weights from 0, of which ${count} or more in a row are above 0`
  return build.div(
    weights,
    build.gather(sum, last, build.where(isValid, 0, build.full(sum.shape, -1, 'int32')), sentence),
  )
}

/** Where uniform numbers fall among running sums; categories of probability 0 take up no room. */
function withReplacement(weights: Node, draws: Node): Node {
  const sums = cumsum(weights, -1)
  const total = build.narrow(sums, -1, sums.shape[sums.shape.length - 1] - 1, 1)
  const places = searchsorted(sums, build.mul(draws, total), { right: true })
  // a product may round up to the total itself
  return build.min(places, searchsorted(sums, total))
}

function expectWeights(x: Tensor, count: number, replacement: boolean): void {
  const op = 'multinomial'
  if (!isFloat(x.dtype)) throw new DTypeError(`${op}: expected float weights, got ${x.dtype}.`, { op, dtype: x.dtype })
  const categories = x.shape[x.ndim - 1] ?? 0
  if (x.ndim < 1 || x.ndim > 2 || categories === 0)
    throw new ShapeError(`${op}: expected weights [categories] or [rows, categories], got ${formatShape(x.shape)}.`, {
      op,
    })
  if (!Number.isInteger(count) || count < 1 || (!replacement && count > categories))
    throw new ArgumentError(
      `${op}: expected a number of samples from 1${replacement ? '' : ` to ${categories}, as each is drawn once`}, got ${count}.`,
      { op, count },
    )
}

/** Categories (int64) drawn in proportion to the weights of each row, which need not add up to 1. */
export function multinomial(
  weights: Tensor,
  numSamples: number,
  replacement = false,
  { generator }: { readonly generator?: Generator } = {},
): Tensor {
  expectWeights(weights, numSamples, replacement)
  const { session } = weights
  const node = probabilities(weights.node, replacement ? 1 : numSamples)
  const source = generator ?? defaultGenerator(session)
  const options = { device: weights.device, generator: source, dtype: weights.dtype }
  if (replacement) {
    const draws = rand([...weights.shape.slice(0, -1), numSamples], options)
    return makeTensor(session, withReplacement(node, draws.node))
  }
  // who waits least: exponential times over rates (Efraimidis and Spirakis 2006)
  const waits = exponential(1, weights.shape, options)
  const order = argsort(build.div(node, waits.node), -1, true)
  return makeTensor(session, build.narrow(order, -1, 0, numSamples))
}
