// Cross-entropy of logits and negative log-likelihood of log-probabilities. Classes are on axis 1 (axis 0 without a batch); targets
// are class indices or probabilities. Forward is one row kernel, and the gradient reads only x, its logsumexp and the target.
// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
import { isFloat, isInteger } from '../../base/dtype.ts'
import { DTypeError, ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape, sameShape } from '../../base/shape.ts'
import {
  add,
  alongAxis,
  cast,
  div,
  equal,
  exp,
  gather,
  mul,
  neg,
  notEqual,
  reduce,
  reshape,
  scalarLike,
  sub,
  sum,
  where,
} from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import { elementsOf, type Node } from '../node.ts'
import type { ValueType } from '../op-row.ts'
import { defineComposite } from './composite-table.ts'
import { positionsAlong } from './positions.ts'
import { type Reduction, reduced } from './reduction.ts'
import { logsumexp } from './softmax.ts'
import { inFloat32 } from './unary.ts'

export interface NllLossOptions {
  /** one factor per class */
  readonly weight?: Node
  /** targets of this value neither cost nor count; -100 when not given */
  readonly ignoreIndex?: number
  readonly reduction?: Reduction
}

export interface CrossEntropyOptions extends NllLossOptions {
  /** share of every target that is spread evenly over all classes */
  readonly labelSmoothing?: number
}

/** Rows are [batch, classes, ...]; targets and losses [batch, 1, ...]. */
const classAxis = 1
const lossShape = (x: Node): number[] => x.shape.map((extent, axis) => (axis === classAxis ? 1 : extent))
const isTarget = (x: Node, target: Node): Node => equal(positionsAlong(x.shape, classAxis), cast(target, 'int32'))
const ofTarget = (x: Node, target: Node): Node => gather(x, classAxis, target, 'crossEntropy')

// --- class indices --------------------------------------------------------------------------------------------------------

type None = Readonly<Record<never, never>>

interface SmoothingAttrs {
  readonly labelSmoothing: number
}

const inferRows = ([x]: readonly Node[]): ValueType => ({ shape: lossShape(x), dtype: x.dtype })
const lsePerRow = (x: Node): Node => logsumexp(x, classAxis, true)

/** Inputs x, target; then loss = lse(x) - x[target], or with smoothing e: (1 - e) of that and e times the mean over the classes. */
const indexLoss = defineComposite<SmoothingAttrs>('crossEntropy', {
  infer: inferRows,
  body([x, target], { labelSmoothing }) {
    const lse = lsePerRow(x)
    if (labelSmoothing === 0) return sub(lse, ofTarget(x, target))
    const even = mul(reduce('sum', x, [classAxis]), labelSmoothing / x.shape[classAxis])
    return sub(lse, add(mul(ofTarget(x, target), 1 - labelSmoothing), even))
  },
  vjp({ inputs: [x, target], attrs: { attrs } }, grad) {
    const share = attrs.labelSmoothing / x.shape[classAxis]
    const wanted = where(isTarget(x, target), scalarLike(x, 1 - attrs.labelSmoothing + share), scalarLike(x, share))
    return [mul(sub(exp(sub(x, lsePerRow(x))), wanted), grad), undefined]
  },
})

/** Inputs x, target probabilities, a weight per class of x's shape: sum of weight * target * (lse(x) - x). */
const probabilityLoss = defineComposite<None>('crossEntropyOfProbabilities', {
  infer: inferRows,
  body: ([x, target]) => reduce('sum', mul(target, sub(lsePerRow(x), x)), [classAxis]),
  vjp({ inputs: [x, target] }, grad, wanted) {
    const lse = lsePerRow(x)
    const mass = reduce('sum', target, [classAxis])
    return [
      wanted[0] ? mul(sub(mul(exp(sub(x, lse)), mass), target), grad) : undefined,
      wanted[1] ? mul(sub(lse, x), grad) : undefined,
    ]
  },
})

// --- negative log-likelihood ----------------------------------------------------------------------------------------------

const nllRows = defineComposite<None>('nllLoss', {
  infer: inferRows,
  body: ([x, target]) => neg(ofTarget(x, target)),
  vjp: ({ inputs: [x, target] }, grad) => [where(isTarget(x, target), neg(grad), 0), undefined],
})

// --- as users call them ---------------------------------------------------------------------------------------------------

/** x as [batch, classes, ...] and, for checks, the shape that class indices must have. */
function classified(op: string, x: Node): { rows: Node; targetShape: Shape } {
  expectCategory(op, x.dtype, ['float'])
  if (x.shape.length === 0)
    throw new ShapeError(`${op}: expected [batch, classes, ...] or [classes], got a scalar.`, { op, shape: x.shape })
  if (x.shape.length === 1) return { rows: reshape(x, [1, x.shape[0]]), targetShape: [] }
  return { rows: x, targetShape: x.shape.filter((_, axis) => axis !== classAxis) }
}

function expectIndices(op: string, x: Node, target: Node, targetShape: Shape): void {
  if (!isInteger(target.dtype))
    throw new DTypeError(
      `${op}: expected class indices (an integer dtype)${op === 'crossEntropy' ? ', or probabilities of the shape of x' : ''}, ` +
        `got ${target.dtype} ${formatShape(target.shape)}. Convert them first: target.to('int64').`,
      { op, dtype: target.dtype },
    )
  if (!sameShape(target.shape, targetShape))
    throw new ShapeError(
      `${op}: expected a target of shape ${formatShape(targetShape)}, one class index for each prediction of x ` +
        `${formatShape(x.shape)}, got ${formatShape(target.shape)}.`,
      { op, shape: x.shape, target: target.shape },
    )
}

function expectWeight(op: string, rows: Node, weight: Node | undefined): void {
  if (weight !== undefined && !sameShape(weight.shape, [rows.shape[classAxis]]))
    throw new ShapeError(
      `${op}: expected one weight for each of the ${rows.shape[classAxis]} classes, got ${formatShape(weight.shape)}.`,
      { op, weight: weight.shape, classes: rows.shape[classAxis] },
    )
}

const perClass = (weight: Node, rows: Node): Node => alongAxis(weight, classAxis, rows.shape)

interface IndexedRows {
  readonly rows: Node
  /** [batch, 1, ...], ignored ones replaced by class 0 */
  readonly target: Node
  /** what each row counts: its class weight, and 0 where it is ignored */
  readonly importance: Node
  readonly outputShape: Shape
}

function indexedRows(op: string, x: Node, target: Node, { weight, ignoreIndex = -100 }: NllLossOptions): IndexedRows {
  const { rows, targetShape } = classified(op, x)
  expectIndices(op, x, target, targetShape)
  expectWeight(op, rows, weight)
  const index = target.dtype === 'int32' || target.dtype === 'int64' ? target : cast(target, 'int64')
  const aligned = reshape(index, lossShape(rows))
  const counts = notEqual(aligned, ignoreIndex)
  const safe = where(counts, aligned, 0)
  const importance =
    weight === undefined
      ? cast(counts, x.dtype)
      : where(counts, ofTarget(perClass(cast(weight, x.dtype), rows), safe), 0)
  return { rows, target: safe, importance, outputShape: targetShape }
}

/** Losses of rows times their importance; a row that does not count costs 0 even where its loss is infinite. */
const weighted = (losses: Node, { importance }: IndexedRows): Node =>
  where(equal(importance, 0), 0, mul(losses, importance))

/** The mean is over the importance of the rows, as in PyTorch. */
function reducedCosts(costs: Node, { importance, outputShape }: IndexedRows, reduction: Reduction = 'mean'): Node {
  if (reduction === 'mean') return div(sum(costs), sum(importance))
  return reduced(reshape(costs, outputShape), reduction)
}

/** With class weights the smoothed part weighs each class by its own: the target is then a distribution like any other. */
function smoothedCosts(indexed: IndexedRows, weight: Node, labelSmoothing: number): Node {
  const { rows, target, importance } = indexed
  const even = mul(perClass(cast(weight, rows.dtype), rows), labelSmoothing / rows.shape[classAxis])
  const own = where(isTarget(rows, target), mul(importance, 1 - labelSmoothing), 0)
  return probabilityLoss([rows, where(equal(importance, 0), 0, add(even, own))], {})
}

function ofIndices(x: Node, target: Node, options: CrossEntropyOptions): Node {
  const { weight, labelSmoothing = 0, reduction } = options
  const indexed = indexedRows('crossEntropy', x, target, options)
  const costs =
    weight === undefined || labelSmoothing === 0
      ? weighted(indexLoss([indexed.rows, indexed.target], { labelSmoothing }), indexed)
      : smoothedCosts(indexed, weight, labelSmoothing)
  return reducedCosts(costs, indexed, reduction)
}

function ofProbabilities(x: Node, target: Node, options: CrossEntropyOptions): Node {
  const { weight, labelSmoothing = 0, reduction = 'mean' } = options
  const { rows, targetShape } = classified('crossEntropy', x)
  expectWeight('crossEntropy', rows, weight)
  const classes = rows.shape[classAxis]
  const given = reshape(cast(target, x.dtype), rows.shape)
  const smooth = labelSmoothing === 0 ? given : add(mul(given, 1 - labelSmoothing), labelSmoothing / classes)
  const share = weight === undefined ? smooth : mul(smooth, perClass(cast(weight, x.dtype), rows))
  const losses = probabilityLoss([rows, share], {})
  if (reduction === 'mean') return div(sum(losses), elementsOf(losses))
  return reduced(reshape(losses, targetShape), reduction)
}

/** x: logits. Target: class indices of x's shape without the class axis, or probabilities of x's shape. */
export function crossEntropy(x: Node, target: Node, options: CrossEntropyOptions = {}): Node {
  if (isFloat(target.dtype) && sameShape(x.shape, target.shape) && isFloat(x.dtype))
    return inFloat32(x, (wide) => ofProbabilities(wide, target, options))
  return inFloat32(x, (wide) => ofIndices(wide, target, options))
}

/** x: log-probabilities. Target: class indices of x's shape without the class axis. */
export function nllLoss(x: Node, target: Node, options: NllLossOptions = {}): Node {
  const indexed = indexedRows('nllLoss', x, target, options)
  return reducedCosts(weighted(nllRows([indexed.rows, indexed.target], {}), indexed), indexed, options.reduction)
}
