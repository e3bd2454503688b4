// Activation functions beyond the usual: those with a dead zone, gates of halves, and slopes that are learned or drawn.
// https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
import { ShapeError } from '../../base/errors.ts'
import { formatShape, normalizeAxis } from '../../base/shape.ts'
import { add, equal, less, lessEqual, logicalAnd, mul, narrow, reshape, sub, where } from '../builders.ts'
import { expectCategory, expectSameDType } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { elu } from './activations.ts'
import { sigmoid, tanh } from './special.ts'

function expectFloat(op: string, x: Node): void {
  expectCategory(op, x.dtype, ['float'])
}

/** max(0, x) + min(0, alpha (exp(x / alpha) - 1)) */
export function celu(x: Node, alpha = 1): Node {
  return mul(elu(mul(x, 1 / alpha), 1), alpha)
}

const insideOf = (x: Node, lambda: number): Node => logicalAnd(lessEqual(-lambda, x), lessEqual(x, lambda))

/** x, and 0 from -lambda to lambda. */
export function hardshrink(x: Node, lambda = 0.5): Node {
  expectFloat('hardshrink', x)
  return where(insideOf(x, lambda), 0, x)
}

/** x moved towards 0 by lambda, and 0 where that passes it. */
export function softshrink(x: Node, lambda = 0.5): Node {
  expectFloat('softshrink', x)
  return where(less(lambda, x), sub(x, lambda), where(less(x, -lambda), add(x, lambda), where(equal(x, x), 0, x)))
}

/** x - tanh(x) */
export function tanhshrink(x: Node): Node {
  return sub(x, tanh(x))
}

/** x above the threshold, else a value. */
export const threshold = (x: Node, limit: number, value: number): Node => where(lessEqual(x, limit), value, x)

/** The first half of an axis, gated by the second. */
export function glu(x: Node, axis = -1): Node {
  expectFloat('glu', x)
  const at = normalizeAxis('glu', axis, x.shape.length)
  if (x.shape.length === 0 || x.shape[at] % 2 !== 0)
    throw new ShapeError(`glu: expected an even number of elements on axis ${axis}, got ${formatShape(x.shape)}.`, {
      op: 'glu',
    })
  const half = x.shape[at] / 2
  return mul(narrow(x, at, 0, half), sigmoid(narrow(x, at, half, half)))
}

/** x above 0, weight times x below; one weight, or one a channel (axis 1). */
export function prelu(x: Node, weight: Node): Node {
  expectSameDType('prelu', x, weight)
  const channels = x.shape.length === 0 ? 1 : x.shape.length === 1 ? x.shape[0] : x.shape[1]
  if (
    weight.shape.length > 1 ||
    (weight.shape[0] !== undefined && weight.shape[0] !== 1 && weight.shape[0] !== channels)
  )
    throw new ShapeError(
      `prelu: expected one weight, or one for each of the ${channels} channels of ${formatShape(x.shape)}, got ${formatShape(weight.shape)}.`,
      { op: 'prelu', weight: weight.shape },
    )
  if (x.shape.length === 0 && weight.shape.length === 1) return reshape(prelu(reshape(x, [1]), weight), [])
  const axis = x.shape.length === 1 ? 0 : 1
  const isShared = weight.shape.length === 0 || weight.shape[0] === 1
  const aligned = isShared
    ? reshape(
        weight,
        x.shape.map(() => 1),
      )
    : reshape(
        weight,
        x.shape.map((_, i) => (i === axis ? -1 : 1)),
      )
  return where(less(0, x), x, mul(x, aligned))
}

/** Leaky with a slope drawn for each element where x is not above 0. */
export const drawnRelu = (x: Node, slopes: Node): Node => where(lessEqual(x, 0), mul(x, slopes), x)
