// Random aggregates: reductions of every kind over any axes, products of vectors, matrices and batches, running sums and loops.
import { sizeOf } from '../../src/base/shape.ts'
import * as build from '../../src/graph/builders.ts'
import { argmax, cumsum, logsumexp, softmax, variance } from '../../src/graph/composites.ts'
import type { Node } from '../../src/graph/node.ts'
import { type Bounded, epsilonOf, exactly, integral, isExact, moved, rounded, smooth } from './bounded.ts'
import type { Draw, StepTable } from './random-graph.ts'
import { isFloats, isNumbers, tamed } from './steps-elementwise.ts'

const hasElements = (x: Bounded): boolean => x.node.shape.length > 0 && sizeOf(x.node.shape) > 0

interface Axes {
  readonly axes: number[]
  readonly count: number
  readonly keep: boolean
}

function someAxes({ node }: Bounded, draw: Draw): Axes {
  const mask = 1 + draw.nat(2 ** node.shape.length - 1)
  const axes = node.shape.map((_, i) => i).filter((i) => ((mask >> i) & 1) === 1)
  return { axes, count: sizeOf(axes.map((axis) => node.shape[axis])), keep: draw.nat(2) === 0 }
}

const over =
  (f: (x: Bounded, axes: Axes) => Bounded, accept: (x: Bounded) => boolean = () => true) =>
  (draw: Draw): Bounded | undefined => {
    const x = draw.value((y) => hasElements(y) && accept(y))
    return x && f(x, someAxes(x, draw))
  }

/** Sums of `count` terms, each of at most `bound` and off by `error`. */
const totalOf = (node: Node, count: number, bound: number, grain: number, error: number): Bounded =>
  exactly(node, count * bound, grain, count * (error + epsilonOf(node.dtype) * count * bound))

function productOfAll(x: Bounded, { axes, count, keep }: Axes): Bounded {
  if (!isFloats(x)) return integral(build.prod(x.node, axes, keep), Number.POSITIVE_INFINITY)
  const base = tamed(x, 1)
  return rounded(build.prod(base.node, axes, keep), 1, count * (base.error + epsilonOf(base.node.dtype)))
}

/** x [..., m, k] with a new leaf or another value [..., k, n]; sometimes the other way round. */
function matmulStep(draw: Draw): Bounded | undefined {
  const x = draw.value((y) => isFloats(y) && hasElements(y))
  if (!x) return undefined
  const a = tamed(x, 64)
  const k = a.node.shape[a.node.shape.length - 1]
  const batch = a.node.shape.length > 2 && draw.nat(2) === 0 ? a.node.shape.slice(0, -2) : []
  const fits = (y: Bounded): boolean =>
    y.node.dtype === a.node.dtype && y.node.shape.length === 2 && y.node.shape[0] === k
  const known = batch.length === 0 && draw.nat(2) === 0 ? draw.value(fits) : undefined
  const shape = draw.nat(6) === 0 ? [k] : [...batch, k, 1 + draw.nat(20)]
  const b = known ? tamed(known, 64) : draw.leaf(shape, a.node.dtype)
  return productSum(build.matmul(a.node, b.node), a, b, k)
}

export function productSum(node: Node, a: Bounded, b: Bounded, count: number): Bounded {
  return totalOf(node, count, a.bound * b.bound, a.grain * b.grain, a.bound * b.error + b.bound * a.error)
}

/** A value with itself, transposed. */
function gramStep(draw: Draw): Bounded | undefined {
  const x = draw.value((y) => isFloats(y) && hasElements(y) && y.node.shape.length >= 2)
  if (!x) return undefined
  const a = tamed(x, 64)
  const turned = build.transpose(a.node, -1, -2)
  const node = draw.nat(2) === 0 ? build.matmul(a.node, turned) : build.matmul(turned, a.node)
  return productSum(node, a, a, Math.max(...a.node.shape.slice(-2)))
}

/** A loop whose carry remembers half of what it was: c' = c / 2 + x. */
function scanStep(draw: Draw): Bounded | undefined {
  const x = draw.value((y) => isFloats(y) && hasElements(y) && y.node.shape[0] <= 8)
  if (!x) return undefined
  const start = draw.leaf(x.node.shape.slice(1), x.node.dtype)
  const { carries, outputs } = build.scan(
    { carries: [start.node], sequences: [x.node], reverse: draw.nat(2) === 0 },
    ([carry], [slice]) => {
      const next = build.add(build.mul(carry, 0.5), slice)
      return { carries: [next], outputs: [build.mul(next, 2)] }
    },
  )
  const bound = 4 * (x.bound + start.bound)
  return smooth(draw.nat(2) === 0 ? carries[0] : outputs[0], x, bound, 4)
}

export const aggregateSteps: StepTable = {
  sum: over((x, { axes, count, keep }) => totalOf(build.sum(x.node, axes, keep), count, x.bound, x.grain, x.error)),
  amax: over((x, { axes, keep }) => moved(build.amax(x.node, axes, keep), x)),
  amin: over((x, { axes, keep }) => moved(build.amin(x.node, axes, keep), x)),
  prod: over(productOfAll),
  any: over((x, { axes, keep }) => integral(build.any(x.node, axes, keep), 1), isExact),
  all: over((x, { axes, keep }) => integral(build.all(x.node, axes, keep), 1), isExact),
  mean: over(
    (x, { axes, keep, count }) => smooth(build.mean(x.node, axes, keep), x, x.bound * (1 + count / 64), 1),
    isFloats,
  ),
  variance: over((given, { axes, keep, count }) => {
    const x = tamed(given, 8)
    return smooth(variance(x.node, axes, 0, keep), x, x.bound ** 2 * (1 + count / 64), 4 * x.bound)
  }, isFloats),
  argmax: over(
    (x, { axes: [axis], keep }) => integral(argmax(x.node, axis, keep), x.node.shape[axis]),
    (x) => isExact(x) && isNumbers(x),
  ),
  matmul: matmulStep,
  gram: gramStep,
  cumsum: over((given, { axes: [axis] }) => {
    const x = isFloats(given) ? tamed(given, 64) : given
    return totalOf(cumsum(x.node, axis), x.node.shape[axis], x.bound, x.grain, x.error)
  }, isNumbers),
  softmax: over((given, { axes: [axis] }) => {
    const x = tamed(given, 8)
    return smooth(softmax(x.node, axis), x, 1 + x.node.shape[axis] / 64, 2)
  }, isFloats),
  logsumexp: over((given, { axes, keep, count }) => {
    const x = tamed(given, 8)
    return smooth(logsumexp(x.node, axes, keep), x, 8 + Math.log(count) + count / 64, 1)
  }, isFloats),
  /** x minus its mean, over its standard deviation */
  standardize: over((given, { axes, count }) => {
    const x = tamed(given, 8)
    const centred = build.sub(x.node, build.mean(x.node, axes, true))
    const spread = build.sqrt(build.add(build.mean(build.mul(centred, centred), axes, true), 1))
    return smooth(build.div(centred, spread), x, 2 * x.bound * (1 + count / 64), 4 + 4 * x.bound)
  }, isFloats),
  scan: scanStep,
}
