// Random tensors from a generator's state, int32 [seed, seed, offset, unused]: element i of draw d encrypts the counter
// (i, offset + d), so that plain and compiled programs, and all devices, draw the same numbers whatever the order.
import { bytesOf, type DType, isFloat } from '../../base/dtype.ts'
import { ArgumentError, DTypeError, ShapeError } from '../../base/errors.ts'
import { checkShape, formatShape, type Shape, sizeOf } from '../../base/shape.ts'
import { add, and, cast, cos, iota, less, log, mul, reshape, select, shiftRight, sqrt } from '../builders.ts'
import type { Node } from '../node.ts'
import { defineComposite } from './composite-table.ts'
import { shiftRightLogical, threefry2x32 } from './threefry.ts'
import { inFloat32 } from './unary.ts'

interface RandomAttrs {
  readonly size: number
  /** which draw since the state's offset was last moved on */
  readonly draw: number
  /** which of the two words per element */
  readonly word: 0 | 1
}

/** int32 [size]: 32 random bits each. Input: the state. */
const bitsNode = defineComposite<RandomAttrs>('randomBits', {
  infer([state], { size }) {
    if (state.dtype !== 'int32' || state.shape.length !== 1 || state.shape[0] !== 4)
      throw new ShapeError(
        `randomBits: expected a generator's state, int32 [4], got ${state.dtype} ${formatShape(state.shape)}.`,
        { op: 'randomBits', dtype: state.dtype, shape: state.shape },
      )
    return { shape: [size], dtype: 'int32' }
  },
  body([state], { size, draw, word }) {
    const key = [select(state, 0, 0), select(state, 0, 1)] as const
    const counter = [iota(size, 'int32'), add(select(state, 0, 2), draw)] as const
    return threefry2x32(key, counter)[word]
  },
})

const bits = (state: Node, shape: Shape, draw: number, word: 0 | 1 = 0): Node =>
  reshape(bitsNode([state], { size: sizeOf(checkShape('random', shape)), draw, word }), shape)

/** 32 random bits per element, as int32. `draw` tells apart the draws that a program makes from one state. */
export const randomBits = (state: Node, shape: Shape, draw: number): Node => bits(state, shape, draw)

/** Random digits of a fraction: so few that none rounds up to 1. */
const fractionBits = { float16: 11, bfloat16: 8, float32: 24, float64: 53 } as const
type FloatDType = keyof typeof fractionBits

function expectFloat(op: string, dtype: DType): asserts dtype is FloatDType {
  if (!isFloat(dtype)) throw new DTypeError(`${op}: expected a float dtype, got ${dtype}.`, { op, dtype })
}

/** Evenly from [0, 1). */
export function randomUniform(state: Node, shape: Shape, draw: number, dtype: DType = 'float32'): Node {
  expectFloat('rand', dtype)
  const digits = fractionBits[dtype]
  if (dtype !== 'float64') {
    const whole = cast(shiftRightLogical(bits(state, shape, draw), 32 - digits), 'float32')
    return cast(mul(whole, 2 ** -digits), dtype)
  }
  const high = cast(shiftRightLogical(bits(state, shape, draw, 0), 5), 'float64')
  const low = cast(shiftRightLogical(bits(state, shape, draw, 1), 6), 'float64')
  return mul(add(mul(high, 2 ** 26), low), 2 ** -53)
}

/** Standard normal: Box and Muller 1958, the cosine branch, from 31 and 32 random bits; none lies beyond 6.7. */
export function randomNormal(state: Node, shape: Shape, draw: number, dtype: DType = 'float32'): Node {
  expectFloat('randn', dtype)
  const wide = bytesOf(dtype) === 8 ? 'float64' : 'float32'
  const radiusBits = cast(shiftRightLogical(bits(state, shape, draw, 0), 1), wide)
  const distance = sqrt(mul(log(mul(add(radiusBits, 0.5), 2 ** -31)), -2))
  const turn = mul(cast(bits(state, shape, draw, 1), wide), 2 ** -32)
  return cast(mul(distance, cos(mul(turn, 2 * Math.PI))), dtype)
}

/** Whole numbers evenly from low to high - 1: the high word of 32 bits times the range, or 63 bits modulo it for wide ranges. */
export function randomIntegers(
  state: Node,
  shape: Shape,
  draw: number,
  low: number,
  high: number,
  dtype: DType = 'int64',
): Node {
  const range = high - low
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || range < 1 || range > 2 ** 31)
    throw new ArgumentError(`randint: expected whole numbers low < high at most 2^31 apart, got ${low} and ${high}.`, {
      op: 'randint',
      low,
      high,
    })
  const unsigned = and(cast(bits(state, shape, draw), 'int64'), 2 ** 32 - 1)
  return cast(add(shiftRight(mul(unsigned, range), 32), low), dtype)
}

/** True with probability `p` (from 0 to 1), for all elements or one each. */
export const randomBernoulli = (state: Node, shape: Shape, draw: number, p: number | Node): Node =>
  less(randomUniform(state, shape, draw), p)

interface DropoutAttrs {
  readonly p: number
  readonly draw: number
}

/** Inputs x, state. The gradient draws the same numbers again. */
const dropoutNode = defineComposite<DropoutAttrs>('dropout', {
  infer: ([x]) => x,
  body: ([x, state], attrs) => dropped(x, state, attrs),
  vjp: ({ inputs: [, state], attrs: { attrs } }, grad) => [dropped(grad, state, attrs), undefined],
})

/** Factors 0 and 1 / (1 - p), so that the expected value stays. */
function dropped(x: Node, state: Node, { p, draw }: DropoutAttrs): Node {
  const kept = randomBernoulli(state, x.shape, draw, 1 - p)
  return inFloat32(x, (wide) => mul(wide, mul(cast(kept, wide.dtype), 1 / (1 - p))))
}

/** Zeros each element with probability p and scales the others (Srivastava et al. 2014). */
export function dropout(x: Node, state: Node, draw: number, p = 0.5): Node {
  if (!isFloat(x.dtype)) throw new DTypeError(`dropout: expected a float dtype, got ${x.dtype}.`, { op: 'dropout' })
  if (!(p >= 0 && p <= 1))
    throw new ArgumentError(`dropout: expected a probability from 0 to 1, got ${p}.`, { op: 'dropout', p })
  if (p === 0) return x
  return p === 1 ? mul(x, 0) : dropoutNode([x, state], { p, draw })
}
