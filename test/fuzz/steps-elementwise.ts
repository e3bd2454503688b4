// Random elementwise steps: arithmetic, comparisons, logic, casts and composite functions. Functions that jump take exact operands only.
import { type DType, isFloat } from '../../src/base/dtype.ts'
import * as build from '../../src/graph/builders.ts'
import {
  abs,
  erf,
  expm1,
  gelu,
  leakyRelu,
  log1p,
  relu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from '../../src/graph/composites.ts'
import type { Node } from '../../src/graph/node.ts'
import { type Bounded, epsilonOf, exactly, integral, isExact, mixed, moved, rounded, smooth } from './bounded.ts'
import type { Draw, StepTable } from './random-graph.ts'

export const isFloats = (x: Bounded): boolean => isFloat(x.node.dtype)
export const isNumbers = (x: Bounded): boolean => x.node.dtype !== 'bool'
const isInts = (x: Bounded): boolean => !isFloats(x) && isNumbers(x)

/** Scaled by a power of two to at most `limit` in magnitude. */
export function tamed(x: Bounded, limit: number): Bounded {
  if (x.bound <= limit) return x
  const factor = 2 ** -Math.ceil(Math.log2(x.bound / limit))
  const node = build.mul(x.node, factor)
  return { node, bound: x.bound * factor, error: x.error * factor, grain: x.grain * factor }
}

/** A second operand for `x`: another of the pool that broadcasts with it, or a new leaf, some of its axes 1. */
function partner(draw: Draw, x: Bounded): Bounded {
  const fits = (y: Bounded): boolean => {
    const [long, short] = y.node.shape.length > x.node.shape.length ? [y, x] : [x, y]
    const lead = long.node.shape.length - short.node.shape.length
    return short.node.shape.every((n, i) => {
      const m = long.node.shape[lead + i]
      return n === m || n === 1 || m === 1
    })
  }
  const other = draw.nat(4) > 0 ? draw.value((y) => y.node.dtype === x.node.dtype && fits(y)) : undefined
  if (other) return other
  const dropped = draw.nat(x.node.shape.length + 1)
  const shape = x.node.shape.slice(dropped).map((n) => (draw.nat(3) === 0 ? 1 : n))
  return draw.leaf(shape, x.node.dtype)
}

type Pair = readonly [Bounded, Bounded]

function pair(draw: Draw, accept: (x: Bounded) => boolean = isNumbers): Pair | undefined {
  const x = draw.value(accept)
  if (!x) return undefined
  const y = partner(draw, x)
  if (!accept(y)) return undefined
  const [a, b] = isFloats(x) ? [tamed(x, 1e4), tamed(y, 1e4)] : [x, y]
  return draw.nat(2) === 0 ? [a, b] : [b, a]
}

const sumOf = (node: Node, a: Bounded, b: Bounded): Bounded =>
  exactly(node, a.bound + b.bound, Math.min(a.grain, b.grain), a.error + b.error)

export function productOf(node: Node, a: Bounded, b: Bounded): Bounded {
  const error = a.bound * b.error + b.bound * a.error + a.error * b.error
  return exactly(node, a.bound * b.bound, a.grain * b.grain, error)
}

const unary =
  (f: (x: Bounded) => Bounded) =>
  (draw: Draw): Bounded | undefined => {
    const x = draw.value(isFloats)
    return x && f(tamed(x, 4))
  }

const binary =
  (f: (a: Bounded, b: Bounded) => Bounded, accept?: (x: Bounded) => boolean) =>
  (draw: Draw): Bounded | undefined => {
    const both = pair(draw, accept)
    return both && f(...both)
  }

const exactPair =
  (f: (a: Node, b: Node) => Node) =>
  (draw: Draw): Bounded | undefined => {
    const both = pair(draw, isExact)
    return both && integral(f(both[0].node, both[1].node), 1)
  }

/** 1 + x², at least 1. */
function aboveOne(x: Bounded): Bounded {
  const square = productOf(build.mul(x.node, x.node), x, x)
  return exactly(build.add(square.node, 1), square.bound + 1, Math.min(square.grain, 1), square.error)
}

const bits = (x: Bounded): boolean => !isFloats(x)
const castTargets: readonly DType[] = ['float32', 'float64', 'int32', 'int64', 'bool']

function castStep(draw: Draw): Bounded | undefined {
  const dtype = draw.pick(castTargets)
  const x = draw.value((y) => y.node.dtype !== dtype && (isFloat(dtype) || isExact(y)))
  if (!x) return undefined
  const from = isFloats(x) ? tamed(x, 1e6) : x.bound > 1e4 ? integral(build.mod(x.node, 1000), 1000) : x
  const node = build.cast(from.node, dtype)
  if (!isFloat(dtype)) return integral(node, from.bound + 1)
  return exactly(node, from.bound, from.grain, from.error)
}

function whereStep(draw: Draw): Bounded | undefined {
  const both = pair(draw, () => true)
  if (!both) return undefined
  const condition = draw.value((x) => x.node.dtype === 'bool' && String(x.node.shape) === String(both[0].node.shape))
  const mask = condition ?? draw.leaf(both[0].node.shape, 'bool')
  return mixed(build.where(mask.node, both[0].node, both[1].node), both[0], both[1])
}

function floatDivision(draw: Draw): Bounded | undefined {
  const both = pair(draw, isFloats)
  if (!both) return undefined
  const [a, below] = [both[0], aboveOne(tamed(both[1], 16))]
  return rounded(build.div(a.node, below.node), a.bound, a.error + a.bound * (below.error + epsilonOf(a.node.dtype)))
}

function powStep(draw: Draw): Bounded | undefined {
  const x = draw.value(isFloats)
  if (!x) return undefined
  const base = aboveOne(tamed(x, 3))
  const exponent = draw.pick([0.5, -1, 1.5, -0.5, 2, 3, 2.25])
  const bound = exponent < 0 ? 1 : base.bound ** exponent
  return smooth(build.pow(base.node, exponent), base, bound, Math.abs(exponent) * Math.max(1, bound))
}

const shift =
  (f: (a: Node, b: number) => Node) =>
  (draw: Draw): Bounded | undefined => {
    const x = draw.value(isInts)
    return x && integral(f(x.node, draw.nat(5)), Number.POSITIVE_INFINITY)
  }

const bitwise = (f: (a: Node, b: Node) => Node): ((draw: Draw) => Bounded | undefined) =>
  binary((a, b) => integral(f(a.node, b.node), Number.POSITIVE_INFINITY), bits)

export const elementwiseSteps: StepTable = {
  add: binary((a, b) => sumOf(build.add(a.node, b.node), a, b)),
  sub: binary((a, b) => sumOf(build.sub(a.node, b.node), a, b)),
  mul: binary((a, b) => productOf(build.mul(a.node, b.node), a, b)),
  max: binary((a, b) => mixed(build.max(a.node, b.node), a, b)),
  min: binary((a, b) => mixed(build.min(a.node, b.node), a, b)),
  less: exactPair(build.less),
  equal: exactPair(build.equal),
  greaterEqual: exactPair((a, b) => (a.dtype === 'bool' ? build.equal(a, b) : build.greaterEqual(a, b))),
  div: floatDivision,
  mod: binary(
    (a, b) => {
      const divisor = build.where(build.equal(b.node, 0), build.scalarLike(b.node, 3), b.node)
      return exactly(build.mod(a.node, divisor), Math.max(b.bound, 3), Math.min(a.grain, b.grain))
    },
    (x) => isNumbers(x) && isExact(x),
  ),
  floorDivide: binary((a, b) => integral(build.floorDivide(a.node, b.node), a.bound), isInts),
  and: bitwise(build.and),
  or: bitwise(build.or),
  xor: bitwise(build.xor),
  shiftLeft: shift(build.shiftLeft),
  shiftRight: shift(build.shiftRight),
  where: whereStep,
  cast: castStep,
  pow: powStep,
  addScalar: (draw) => {
    const x = draw.value(isNumbers)
    return x && exactly(build.add(x.node, draw.nat(7) - 3), x.bound + 4, x.grain, x.error)
  },
  mulScalar: (draw) => {
    const x = draw.value(isFloats)
    return x && exactly(build.mul(tamed(x, 1e3).node, 0.5), tamed(x, 1e3).bound, tamed(x, 1e3).grain / 2, x.error)
  },
  neg: (draw) => {
    const x = draw.value(isNumbers)
    return x && moved(build.neg(x.node), x)
  },
  logicalNot: (draw) => {
    const x = draw.value(isExact)
    return x && integral(build.logicalNot(x.node), 1)
  },
  floor: (draw) => {
    const x = draw.value((y) => isFloats(y) && isExact(y))
    return x && exactly(build.floor(x.node), x.bound + 1, Math.max(x.grain, 1))
  },
  sign: (draw) => {
    const x = draw.value(isExact)
    return x && exactly(build.sign(x.node), 1, 1)
  },
  exp: unary((x) => smooth(build.exp(x.node), x, Math.exp(x.bound), Math.exp(x.bound + x.error))),
  log: unary((x) => smooth(build.log(aboveOne(x).node), aboveOne(x), 4, 1)),
  sqrt: unary((x) => smooth(build.sqrt(aboveOne(x).node), aboveOne(x), 5, 0.5)),
  sin: unary((x) => smooth(build.sin(x.node), x, 1, 1)),
  cos: unary((x) => smooth(build.cos(x.node), x, 1, 1)),
  abs: unary((x) => moved(abs(x.node), x)),
  relu: unary((x) => moved(relu(x.node), x)),
  leakyRelu: unary((x) => smooth(leakyRelu(x.node), x, x.bound, 1)),
  sigmoid: unary((x) => smooth(sigmoid(x.node), x, 1, 1)),
  tanh: unary((x) => smooth(tanh(x.node), x, 1, 1)),
  erf: unary((x) => smooth(erf(x.node), x, 1, 1.2)),
  gelu: unary((x) => smooth(gelu(x.node), x, x.bound, 1.2)),
  silu: unary((x) => smooth(silu(x.node), x, x.bound, 1.2)),
  softplus: unary((x) => smooth(softplus(x.node), x, 5, 1)),
  expm1: unary((x) => smooth(expm1(x.node), x, Math.exp(x.bound), Math.exp(x.bound + x.error))),
  log1p: unary((x) => smooth(log1p(build.mul(x.node, x.node)), productOf(x.node, x, x), 4, 1)),
}
