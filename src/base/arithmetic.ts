// Scalar meaning of every arithmetic op, by category of dtype: what graph semantics and the kernel interpreter both compute with.
// Rounding floats and wrapping integers to their width is the caller's, at the store.
import type { DType } from './dtype.ts'
import type { ReduceKind } from './scalar.ts'

export type NumberUnary = (a: number) => number
export type NumberBinary = (a: number, b: number) => number
export type BigBinary = (a: bigint, b: bigint) => bigint

// --- conversions ----------------------------------------------------------------------------------------------------------

const int32Limit = 2 ** 31
const int64Limit = 2 ** 63
const int64Minimum = -(2n ** 63n)

/** Truncates like x86's cvttss2si: NaN and what int32 cannot hold give its minimum. Narrower integers then keep the low bits. */
export const truncateToInt32 = (value: number): number =>
  value > -int32Limit - 1 && value < int32Limit ? Math.trunc(value) : -int32Limit

/** The same for int64. */
export const truncateToInt64 = (value: number): bigint =>
  value >= -int64Limit && value < int64Limit ? BigInt(Math.trunc(value)) : int64Minimum

/** float32 nearest to an int64, rounded once: beyond 2^53 the bits that a double cannot hold are folded into the lowest that it can. */
export function int64ToFloat32(value: bigint): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return Math.fround(number)
  const sticky = (value & 0x7ffn) === 0n ? 0n : 1n
  return Math.fround(Number((value >> 11n) | sticky)) * 2048
}

// --- elementwise ----------------------------------------------------------------------------------------------------------

/** C's pow, which PyTorch follows: 1 to any power and -1 to an infinite one are 1, where JavaScript says NaN. */
const powFloat: NumberBinary = (a, b) =>
  a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY) ? 1 : a ** b

/** Remainder with the divisor's sign, as Python's % and torch.remainder. */
const modFloat: NumberBinary = (a, b) => {
  const remainder = a % b
  return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder
}

export const floatUnary = {
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  sin: Math.sin,
  cos: Math.cos,
  floor: Math.floor,
} as const satisfies Record<string, NumberUnary>

export const floatBinary = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  mod: modFloat,
  pow: powFloat,
  // NaN propagates; +0 is above -0
  max: Math.max,
} as const satisfies Record<string, NumberBinary>

/** Whole powers by squaring, wrapping at 32 bits; a negative exponent leaves 0 except for the bases 1 and -1. */
const powInt: NumberBinary = (a, b) => {
  if (b < 0) return a === 1 ? 1 : a === -1 ? (b % 2 === 0 ? 1 : -1) : 0
  let result = 1
  for (let power = a, left = b; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = Math.imul(result, power)
    power = Math.imul(power, power)
  }
  return result
}

const powBig: BigBinary = (a, b) => {
  if (b < 0n) return a === 1n ? 1n : a === -1n ? (b % 2n === 0n ? 1n : -1n) : 0n
  let result = 1n
  for (let power = a, left = b; left > 0n; left >>= 1n) {
    if (left & 1n) result = BigInt.asIntN(64, result * power)
    power = BigInt.asIntN(64, power * power)
  }
  return result
}

const modBig: BigBinary = (a, b) => {
  if (b === 0n) return 0n
  const remainder = a % b
  return remainder !== 0n && remainder < 0n !== b < 0n ? remainder + b : remainder
}

export const maxBig: BigBinary = (a, b) => {
  if (a > b) return a
  return b
}

export const minBig: BigBinary = (a, b) => {
  if (a < b) return a
  return b
}

/** Integers of up to 32 bits; bitwise ops serve bool too, as 0 and 1. */
export const intBinary = {
  add: (a, b) => a + b,
  mul: Math.imul,
  div: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  mod: (a, b) => (b === 0 ? 0 : modFloat(a, b)),
  pow: powInt,
  max: Math.max,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
} as const satisfies Record<string, NumberBinary>

export const bigBinary = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  div: (a, b) => (b === 0n ? 0n : a / b),
  mod: modBig,
  pow: powBig,
  max: maxBig,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
} as const satisfies Record<keyof typeof intBinary, BigBinary>

/** Shifts by less than 0 or by the width and more empty the value: 0 to the left, the sign to the right, as in PyTorch. */
export function shiftInt(kind: 'shiftLeft' | 'shiftRight', width: number): NumberBinary {
  if (kind === 'shiftLeft') return (a, b) => (b < 0 || b >= width ? 0 : a << b)
  return (a, b) => (b < 0 || b >= width ? a >> 31 : a >> b)
}

export const shiftBig = (kind: 'shiftLeft' | 'shiftRight'): BigBinary =>
  kind === 'shiftLeft'
    ? (a, b) => (b < 0n || b >= 64n ? 0n : a << b)
    : (a, b) => (b < 0n || b >= 64n ? a >> 63n : a >> b)

// --- reductions -----------------------------------------------------------------------------------------------------------

const smallest: Record<DType, number | bigint> = {
  bool: 0,
  uint8: 0,
  int8: -128,
  int16: -32768,
  int32: -int32Limit,
  int64: int64Minimum,
  float16: Number.NEGATIVE_INFINITY,
  bfloat16: Number.NEGATIVE_INFINITY,
  float32: Number.NEGATIVE_INFINITY,
  float64: Number.NEGATIVE_INFINITY,
}

const largest: Record<DType, number | bigint> = {
  bool: 1,
  uint8: 255,
  int8: 127,
  int16: 32767,
  int32: int32Limit - 1,
  int64: -int64Minimum - 1n,
  float16: Number.POSITIVE_INFINITY,
  bfloat16: Number.POSITIVE_INFINITY,
  float32: Number.POSITIVE_INFINITY,
  float64: Number.POSITIVE_INFINITY,
}

/** What a reduction of no elements gives. */
export function reduceIdentity(kind: ReduceKind, dtype: DType): number | bigint {
  if (kind === 'max') return smallest[dtype]
  if (kind === 'min') return largest[dtype]
  const value = kind === 'sum' ? 0 : 1
  return dtype === 'int64' ? BigInt(value) : value
}

/** Math.max and Math.min propagate NaN. */
export const floatCombine: Record<ReduceKind, NumberBinary> = {
  sum: floatBinary.add,
  prod: floatBinary.mul,
  max: Math.max,
  min: Math.min,
}

/** Wrapped to 32 bits; narrower integers wrap at the store. */
export const intCombine: Record<ReduceKind, NumberBinary> = {
  sum: (a, b) => (a + b) | 0,
  prod: Math.imul,
  max: Math.max,
  min: Math.min,
}

export const bigCombine: Record<ReduceKind, BigBinary> = {
  sum: (a, b) => BigInt.asIntN(64, a + b),
  prod: (a, b) => BigInt.asIntN(64, a * b),
  max: maxBig,
  min: minBig,
}
