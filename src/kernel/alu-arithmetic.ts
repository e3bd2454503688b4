// What an `alu` computes on scalar values: numbers for all dtypes but int64, which is BigInt; bool is 0 or 1; an index is a whole number.
// Halves compute as float32 and are rounded by casts and stores; float32 rounds at every operation.
import {
  bigBinary,
  floatBinary,
  floatUnary,
  int64ToFloat32,
  intBinary,
  maxBig,
  minBig,
  shiftBig,
  shiftInt,
  truncateToInt32,
  truncateToInt64,
} from '../base/arithmetic.ts'
import { bytesOf, type DType, isFloat } from '../base/dtype.ts'
import { CompileError } from '../base/errors.ts'
import {
  bfloat16Bits,
  bfloat16Value,
  float16Bits,
  float16Value,
  roundToBfloat16,
  roundToFloat16,
} from '../base/half.ts'
import type { AluKind, KernelDType } from './kernel-node.ts'

export type Value = number | bigint
export type Compute = (...operands: Value[]) => Value

type NumberCompute = (a: number, b: number, c: number) => number
type BigCompute = (a: bigint, b: bigint, c: bigint) => bigint

const floatComputes: Partial<Record<AluKind, NumberCompute>> = {
  ...floatUnary,
  ...floatBinary,
  sub: (a, b) => a - b,
  min: Math.min,
  neg: (a) => -a,
  abs: Math.abs,
  // one rounding for float32; a float64 product is rounded before the sum, which a real fused multiply-add does not do
  multiplyAdd: (a, b, c) => a * b + c,
}

const intComputes: Partial<Record<AluKind, NumberCompute>> = {
  ...intBinary,
  sub: (a, b) => a - b,
  min: Math.min,
  neg: (a) => -a,
  abs: Math.abs,
  not: (a) => ~a,
}

const bigComputes: Partial<Record<AluKind, BigCompute>> = {
  ...bigBinary,
  shiftLeft: shiftBig('shiftLeft'),
  shiftRight: shiftBig('shiftRight'),
  max: maxBig,
  min: minBig,
  sub: (a, b) => a - b,
  neg: (a) => -a,
  abs: (a) => (a < 0n ? -a : a),
  not: (a) => ~a,
}

const indexComputes: Partial<Record<AluKind, NumberCompute>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => Math.floor(a / b),
  mod: (a, b) => a - Math.floor(a / b) * b,
  max: Math.max,
  min: Math.min,
}

const comparisons: Partial<Record<AluKind, (a: Value, b: Value) => boolean>> = {
  less: (a, b) => a < b,
  lessEqual: (a, b) => a <= b,
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
}

/** Brings a computed number into the range of a dtype other than int64. */
export const wrapTo: Record<Exclude<DType, 'int64'>, (value: number) => number> = {
  bool: (value) => (value === 0 ? 0 : 1),
  uint8: (value) => value & 0xff,
  int8: (value) => (value << 24) >> 24,
  int16: (value) => (value << 16) >> 16,
  int32: (value) => value | 0,
  float16: Math.fround,
  bfloat16: Math.fround,
  float32: Math.fround,
  float64: (value) => value,
}

function computesOf(dtype: DType, kind: AluKind): NumberCompute | undefined {
  if (isFloat(dtype)) return floatComputes[kind]
  if (dtype === 'bool' && kind === 'not') return (a) => 1 - a
  if (kind === 'shiftLeft' || kind === 'shiftRight') return shiftInt(kind, 8 * bytesOf(dtype))
  return intComputes[kind]
}

/** The function of one `alu`: `operand` is the dtype of its operands (of the second one, for where). */
export function aluFunction(kind: AluKind, dtype: KernelDType, operand: KernelDType): Compute {
  if (kind === 'where') return (condition, then, otherwise) => (condition !== 0 ? then : otherwise)
  if (kind === 'cast') return castFunction(operand, dtype)
  if (kind === 'bitcast') return bitcastFunction(operand as DType, dtype as DType)
  const comparison = comparisons[kind]
  if (comparison !== undefined) return (a, b) => (comparison(a, b) ? 1 : 0)
  if (operand === 'int64') {
    const big = bigComputes[kind]
    if (big !== undefined) return (a, b, c) => BigInt.asIntN(64, big(a as bigint, b as bigint, c as bigint))
  } else {
    const compute = operand === 'index' ? indexComputes[kind] : computesOf(operand, kind)
    const wrap = operand === 'index' ? (value: number) => value : wrapTo[operand]
    // Math.max and Math.min take every argument they are given, so a third one is passed to multiplyAdd only
    if (compute !== undefined)
      return kind === 'multiplyAdd'
        ? (a, b, c) => wrap(compute(a as number, b as number, c as number))
        : (a, b) => wrap((compute as (a: number, b: number) => number)(a as number, b as number))
  }
  throw new CompileError(`alu ${kind}: expected a dtype that it is defined for, got ${operand}.`, { kind, operand })
}

/** An index converts as an int64 that JavaScript numbers hold exactly. */
function castFunction(from: KernelDType, to: KernelDType): Compute {
  const toNumber = (value: Value): number => Number(value)
  if (from === to) return (value) => value
  if (to === 'bool') return (value) => (toNumber(value) === 0 ? 0 : 1)
  if (to === 'index') return isFloatLike(from) ? (value) => Number(truncateToInt64(value as number)) : toNumber
  if (to === 'int64')
    return isFloatLike(from) ? (value) => truncateToInt64(value as number) : (value) => BigInt(value as number)
  if (isFloat(to)) {
    const round = rounding[to] ?? wrapTo[to]
    if (from === 'int64' && to !== 'float64') return (value) => round(int64ToFloat32(value as bigint))
    return (value) => round(Number(value))
  }
  const wrap = wrapTo[to]
  if (from === 'int64') return (value) => wrap(Number(BigInt.asIntN(32, value as bigint)))
  return isFloatLike(from) ? (value) => wrap(truncateToInt32(value as number)) : (value) => wrap(value as number)
}

const isFloatLike = (dtype: KernelDType): boolean => dtype !== 'index' && isFloat(dtype)

const rounding: Partial<Record<DType, (value: number) => number>> = {
  float16: roundToFloat16,
  bfloat16: roundToBfloat16,
}

const view = new DataView(new ArrayBuffer(8))

/** How a value of a dtype lies in 8 little-endian bytes. */
const layouts: Record<DType, { write(value: Value): void; read(): Value }> = {
  bool: { write: (value) => view.setUint8(0, value as number), read: () => (view.getUint8(0) === 0 ? 0 : 1) },
  uint8: { write: (value) => view.setUint8(0, value as number), read: () => view.getUint8(0) },
  int8: { write: (value) => view.setInt8(0, value as number), read: () => view.getInt8(0) },
  int16: { write: (value) => view.setInt16(0, value as number, true), read: () => view.getInt16(0, true) },
  int32: { write: (value) => view.setInt32(0, value as number, true), read: () => view.getInt32(0, true) },
  int64: { write: (value) => view.setBigInt64(0, value as bigint, true), read: () => view.getBigInt64(0, true) },
  float16: {
    write: (value) => view.setUint16(0, float16Bits(value as number), true),
    read: () => float16Value(view.getUint16(0, true)),
  },
  bfloat16: {
    write: (value) => view.setUint16(0, bfloat16Bits(value as number), true),
    read: () => bfloat16Value(view.getUint16(0, true)),
  },
  float32: { write: (value) => view.setFloat32(0, value as number, true), read: () => view.getFloat32(0, true) },
  float64: { write: (value) => view.setFloat64(0, value as number, true), read: () => view.getFloat64(0, true) },
}

function bitcastFunction(from: DType, to: DType): Compute {
  return (value) => {
    layouts[from].write(value)
    return layouts[to].read()
  }
}
