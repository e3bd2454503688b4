// Meaning of the elementwise ops on host memory: floats by IEEE with one rounding a node (halves through float32), integers wrap.
import {
  type BigBinary,
  bigBinary,
  floatBinary,
  floatUnary,
  intBinary,
  type NumberBinary,
  type NumberUnary,
  shiftBig,
  shiftInt,
} from '../../base/arithmetic.ts'
import { DTypeError } from '../../base/errors.ts'
import { type HostArray, hostZeros } from '../host-array.ts'
import { decodeHost, encodeHost } from '../host-bytes.ts'
import type { Node, OpName } from '../node.ts'
import { castArray } from './cast.ts'
import { type NumberData, roundHalves, type Semantics } from './semantics.ts'

/** An op by category. The typed array wraps results of integers; bool has bitwise ops only, which keep 0 and 1. */
interface BinaryRow {
  readonly float?: NumberBinary
  readonly int: NumberBinary
  readonly big: BigBinary
}

const refuse = (op: OpName, dtype: string, hint: string): DTypeError =>
  new DTypeError(`${op}: got ${dtype}. ${hint}`, { op, dtype })

function unary(op: OpName, compute: NumberUnary) {
  return ([x]: readonly HostArray[], node: Node): HostArray => {
    const { data } = x
    if (!(data instanceof Float32Array) && !(data instanceof Float64Array))
      throw refuse(op, x.dtype, 'It takes a float dtype; cast first.')
    const result = hostZeros(x.dtype, node.shape)
    if (data instanceof Float32Array) mapFloat32(data, result.data as Float32Array, compute)
    else mapNumbers(data, result.data as NumberData, compute)
    return roundHalves(result)
  }
}

// one loop per kind of array keeps each loop's element accesses of one type
function mapFloat32(x: Float32Array, out: Float32Array, compute: NumberUnary): void {
  for (let i = 0; i < out.length; i++) out[i] = compute(x[i])
}

function mapNumbers(x: NumberData, out: NumberData, compute: NumberUnary): void {
  for (let i = 0; i < out.length; i++) out[i] = compute(x[i])
}

function zipFloat32(a: Float32Array, b: Float32Array, out: Float32Array, compute: NumberBinary): void {
  for (let i = 0; i < out.length; i++) out[i] = compute(a[i], b[i])
}

function zipNumbers(a: NumberData, b: NumberData, out: NumberData, compute: NumberBinary): void {
  for (let i = 0; i < out.length; i++) out[i] = compute(a[i], b[i])
}

function zipInt64(a: BigInt64Array, b: BigInt64Array, out: BigInt64Array, compute: BigBinary): void {
  for (let i = 0; i < out.length; i++) out[i] = compute(a[i], b[i])
}

function binary(op: OpName, row: BinaryRow) {
  return ([a, b]: readonly HostArray[], node: Node): HostArray => {
    const result = hostZeros(a.dtype, node.shape)
    const out = result.data
    if (a.data instanceof BigInt64Array) zipInt64(a.data, b.data as BigInt64Array, out as BigInt64Array, row.big)
    else if (a.data instanceof Float32Array || a.data instanceof Float64Array) {
      if (row.float === undefined) throw refuse(op, a.dtype, 'It takes an integer dtype or bool.')
      if (a.data instanceof Float32Array) zipFloat32(a.data, b.data as Float32Array, out as Float32Array, row.float)
      else zipNumbers(a.data, b.data as Float64Array, out as Float64Array, row.float)
    } else zipNumbers(a.data, b.data as NumberData, out as NumberData, row.int)
    return roundHalves(result)
  }
}

/** Comparisons: bool whatever the inputs; anything with NaN is false. */
function comparison(compute: (a: number | bigint, b: number | bigint) => boolean) {
  return ([a, b]: readonly HostArray[], node: Node): HostArray => {
    const result = hostZeros('bool', node.shape)
    const { data } = result
    for (let i = 0; i < data.length; i++) if (compute(a.data[i], b.data[i])) data[i] = 1
    return result
  }
}

function shift(op: 'shiftLeft' | 'shiftRight') {
  const big = shiftBig(op)
  return (inputs: readonly HostArray[], node: Node): HostArray =>
    binary(op, { int: shiftInt(op, 8 * inputs[0].data.BYTES_PER_ELEMENT), big })(inputs, node)
}

function where([condition, then, otherwise]: readonly HostArray[], node: Node): HostArray {
  const result = hostZeros(then.dtype, node.shape)
  const { data } = result
  for (let i = 0; i < data.length; i++) data[i] = condition.data[i] !== 0 ? then.data[i] : otherwise.data[i]
  return result
}

/** The product of two float32 is exact in float64, so that the sum is rounded to float32 about once. */
function multiplyAdd([a, b, c]: readonly HostArray[], node: Node): HostArray {
  const result = hostZeros(a.dtype, node.shape)
  const [x, y, z, out] = [a, b, c, result].map(({ data }) => data as NumberData)
  for (let i = 0; i < out.length; i++) out[i] = x[i] * y[i] + z[i]
  return roundHalves(result)
}

type Elementwise =
  | 'sqrt'
  | 'exp'
  | 'log'
  | 'sin'
  | 'cos'
  | 'floor'
  | 'cast'
  | 'bitcast'
  | 'add'
  | 'mul'
  | 'multiplyAdd'
  | 'div'
  | 'mod'
  | 'pow'
  | 'max'
  | 'less'
  | 'equal'
  | 'and'
  | 'or'
  | 'xor'
  | 'shiftLeft'
  | 'shiftRight'
  | 'where'

export const elementwiseSemantics: Semantics<Elementwise> = {
  sqrt: unary('sqrt', floatUnary.sqrt),
  exp: unary('exp', floatUnary.exp),
  log: unary('log', floatUnary.log),
  sin: unary('sin', floatUnary.sin),
  cos: unary('cos', floatUnary.cos),
  floor: unary('floor', floatUnary.floor),
  cast: ([x], node) => castArray(x, node.attrs.dtype),
  bitcast: ([x], node) => decodeHost(node.attrs.dtype, node.shape, encodeHost(x)),
  add: binary('add', { float: floatBinary.add, int: intBinary.add, big: bigBinary.add }),
  mul: binary('mul', { float: floatBinary.mul, int: intBinary.mul, big: bigBinary.mul }),
  multiplyAdd,
  div: binary('div', { float: floatBinary.div, int: intBinary.div, big: bigBinary.div }),
  mod: binary('mod', { float: floatBinary.mod, int: intBinary.mod, big: bigBinary.mod }),
  pow: binary('pow', { float: floatBinary.pow, int: intBinary.pow, big: bigBinary.pow }),
  max: binary('max', { float: floatBinary.max, int: intBinary.max, big: bigBinary.max }),
  less: comparison((a, b) => a < b),
  equal: comparison((a, b) => a === b),
  and: binary('and', { int: intBinary.and, big: bigBinary.and }),
  or: binary('or', { int: intBinary.or, big: bigBinary.or }),
  xor: binary('xor', { int: intBinary.xor, big: bigBinary.xor }),
  shiftLeft: shift('shiftLeft'),
  shiftRight: shift('shiftRight'),
  where,
}
