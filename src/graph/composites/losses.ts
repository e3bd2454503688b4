// Losses between two tensors of one shape: squared, absolute, Huber's and the logistic one. Elementwise, then reduced.
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, sameShape } from '../../base/shape.ts'
import { add, broadcastTo, cast, less, max, min, mul, neg, square, sub, where } from '../builders.ts'
import { expectCategory, expectSameDType } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import { defineComposite } from './composite-table.ts'
import { type Reduction, reduced } from './reduction.ts'
import { log1pExp, sigmoid } from './special.ts'

function expectPair(op: string, x: Node, target: Node): void {
  expectCategory(op, x.dtype, ['float'])
  expectSameDType(op, x, target)
  if (!sameShape(x.shape, target.shape))
    throw new ShapeError(
      `${op}: expected a target of x's shape ${formatShape(x.shape)}, got ${formatShape(target.shape)}. ` +
        'A shape that broadcasts is mostly a mistake here: make them equal with x.squeeze(-1) or target.expand(shape).',
      { op, shapes: [x.shape, target.shape] },
    )
}

/** (x - target)². https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html */
export function mseLoss(x: Node, target: Node, reduction: Reduction = 'mean'): Node {
  expectPair('mseLoss', x, target)
  return reduced(square(sub(x, target)), reduction)
}

/** |x - target|, with gradient 0 where they are equal. */
export function l1Loss(x: Node, target: Node, reduction: Reduction = 'mean'): Node {
  expectPair('l1Loss', x, target)
  return reduced(abs(sub(x, target)), reduction)
}

type None = Readonly<Record<never, never>>

interface SmoothAttrs {
  readonly beta: number
}

/** d² / (2 beta) for |d| < beta, |d| - beta / 2 beyond. */
const smoothAbs = defineComposite<SmoothAttrs>('smoothAbs', {
  infer: ([d]) => d,
  body([d], { beta }) {
    const size = abs(d)
    return where(less(size, beta), mul(square(d), 0.5 / beta), sub(size, 0.5 * beta))
  },
  vjp: ({ inputs: [d], attrs: { attrs } }, grad) => [mul(grad, max(min(mul(d, 1 / attrs.beta), 1), -1))],
})

/** Quadratic within `beta` of the target, linear beyond. https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.smooth_l1_loss.html */
export function smoothL1Loss(x: Node, target: Node, reduction: Reduction = 'mean', beta = 1): Node {
  if (beta === 0) return l1Loss(x, target, reduction)
  expectPair('smoothL1Loss', x, target)
  return reduced(smoothAbs([sub(x, target)], { beta }), reduction)
}

/** `delta` times smoothL1Loss with beta = delta. */
export function huberLoss(x: Node, target: Node, reduction: Reduction = 'mean', delta = 1): Node {
  expectPair('huberLoss', x, target)
  if (!(delta > 0))
    throw new ArgumentError(`huberLoss: expected a delta above 0, got ${delta}.`, { op: 'huberLoss', delta })
  return reduced(mul(smoothAbs([sub(x, target)], { beta: delta }), delta), reduction)
}

/** log(1 + exp(-|x|)), to which the softplus of x and of -x come down. */
const tail = (x: Node): Node => log1pExp(neg(abs(x)))

/** Inputs x, target: max(x, 0) - x target + log(1 + exp(-|x|)). */
const logisticLoss = defineComposite<None>('binaryCrossEntropyWithLogits', {
  infer: ([x]) => x,
  body: ([x, target]) => add(sub(max(x, 0), mul(x, target)), tail(x)),
  vjp: ({ inputs: [x, target] }, grad, wanted) => [
    wanted[0] ? mul(grad, sub(sigmoid(x), target)) : undefined,
    wanted[1] ? neg(mul(grad, x)) : undefined,
  ],
})

/** Inputs x, target, weight of the positive class: (1 - t) x + (1 + (weight - 1) t) log(1 + exp(-x)). */
const weightedLogisticLoss = defineComposite<None>('binaryCrossEntropyWithPosWeight', {
  infer: ([x]) => x,
  body([x, target, posWeight]) {
    const softplus = add(max(neg(x), 0), tail(x))
    return add(mul(sub(1, target), x), mul(positiveShare(target, posWeight), softplus))
  },
  vjp({ inputs: [x, target, posWeight] }, grad) {
    const softplus = add(max(neg(x), 0), tail(x))
    const slope = sub(sub(1, target), mul(positiveShare(target, posWeight), sigmoid(neg(x))))
    const ofTarget = sub(mul(sub(posWeight, 1), softplus), x)
    return [mul(grad, slope), mul(grad, ofTarget), mul(grad, mul(target, softplus))]
  },
})

const positiveShare = (target: Node, posWeight: Node): Node => add(mul(sub(posWeight, 1), target), 1)

/** A parameter broadcast to x, in its dtype. */
const expandedTo = (x: Node, parameter: Node): Node => broadcastTo(cast(parameter, x.dtype), x.shape)

export interface BinaryCrossEntropyOptions {
  /** a factor per element; broadcasts to x */
  readonly weight?: Node
  /** a factor for positive targets; broadcasts to x */
  readonly posWeight?: Node
  readonly reduction?: Reduction
}

/** The loss of the logistic regression of x, safe for any x. https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html */
export function binaryCrossEntropyWithLogits(x: Node, target: Node, options: BinaryCrossEntropyOptions = {}): Node {
  expectPair('binaryCrossEntropyWithLogits', x, target)
  const { weight, posWeight, reduction = 'mean' } = options
  const losses =
    posWeight === undefined
      ? logisticLoss([x, target], {})
      : weightedLogisticLoss([x, target, expandedTo(x, posWeight)], {})
  return reduced(weight === undefined ? losses : mul(losses, expandedTo(x, weight)), reduction)
}
