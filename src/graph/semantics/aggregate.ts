// Meaning of `reduce` and `contract`. Floats accumulate in float64 and round once at the end, so the oracle is more accurate than
// any device; integers wrap. A reduction of no elements gives the kind's identity.
import { bigCombine, floatCombine, intCombine, type NumberBinary, reduceIdentity } from '../../base/arithmetic.ts'
import type { ReduceKind } from '../../base/scalar.ts'
import { sizeOf, stridesOf } from '../../base/shape.ts'
import { type HostArray, type HostData, hostZeros } from '../host-array.ts'
import { type NumberData, roundHalves, type Semantics } from './semantics.ts'
import { readView } from './strided.ts'

/** The input with its reduced axes moved last, so that each output is one contiguous run. */
function reducedLast(x: HostArray, axes: readonly number[]): HostData {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
  const order = [...kept, ...axes]
  if (order.every((axis, i) => axis === i)) return x.data
  const strides = stridesOf(x.shape)
  const result = hostZeros(x.dtype, [x.data.length])
  const shape = order.map((axis) => x.shape[axis])
  readView(x.data, result.data, shape, { offset: 0, strides: order.map((axis) => strides[axis]) })
  return result.data
}

function reduceNumbers(data: NumberData, out: NumberData, width: number, initial: number, combine: NumberBinary): void {
  for (let row = 0; row < out.length; row++) {
    let total = initial
    for (let i = row * width, end = i + width; i < end; i++) total = combine(total, data[i])
    out[row] = total
  }
}

/** The commonest reduction, in a loop of its own. */
function sumFloat32(data: Float32Array, out: Float32Array, width: number): void {
  for (let row = 0; row < out.length; row++) {
    let total = 0
    for (let i = row * width, end = i + width; i < end; i++) total += data[i]
    out[row] = total
  }
}

function reduceInt64(data: BigInt64Array, out: BigInt64Array, width: number, kind: ReduceKind): void {
  const combine = bigCombine[kind]
  for (let row = 0; row < out.length; row++) {
    let total = reduceIdentity(kind, 'int64') as bigint
    for (let i = row * width, end = i + width; i < end; i++) total = combine(total, data[i])
    out[row] = total
  }
}

const isFloatData = (data: HostData): data is Float32Array | Float64Array =>
  data instanceof Float32Array || data instanceof Float64Array

/** How a batch of contractions lies: a is rows x depth, b is columns x depth, both contiguous. */
interface ContractSizes {
  readonly batch: number
  readonly rows: number
  readonly columns: number
  readonly depth: number
}

function contractFloat32(a: Float32Array, b: Float32Array, out: Float32Array, sizes: ContractSizes): void {
  const { batch, rows, columns, depth } = sizes
  let next = 0
  for (let row = 0; row < batch * rows; row++) {
    const left = a.subarray(row * depth, (row + 1) * depth)
    const first = Math.floor(row / rows) * columns
    for (let column = first; column < first + columns; column++) {
      let total = 0
      for (let k = 0, at = column * depth; k < depth; k++, at++) total += left[k] * b[at]
      out[next++] = total
    }
  }
}

function contractNumbers(a: NumberData, b: NumberData, out: NumberData, sizes: ContractSizes): void {
  const { batch, rows, columns, depth } = sizes
  const exact = isFloatData(a)
  let next = 0
  for (let row = 0; row < batch * rows; row++) {
    const first = Math.floor(row / rows) * columns
    for (let column = first; column < first + columns; column++) {
      let total = 0
      if (exact) for (let k = 0; k < depth; k++) total += a[row * depth + k] * b[column * depth + k]
      else for (let k = 0; k < depth; k++) total = (total + Math.imul(a[row * depth + k], b[column * depth + k])) | 0
      out[next++] = total
    }
  }
}

function contractInt64(a: BigInt64Array, b: BigInt64Array, out: BigInt64Array, sizes: ContractSizes): void {
  const { batch, rows, columns, depth } = sizes
  let next = 0
  for (let row = 0; row < batch * rows; row++) {
    const first = Math.floor(row / rows) * columns
    for (let column = first; column < first + columns; column++) {
      let total = 0n
      for (let k = 0; k < depth; k++) total += a[row * depth + k] * b[column * depth + k]
      out[next++] = total // the store wraps
    }
  }
}

export const aggregateSemantics: Semantics<'reduce' | 'contract'> = {
  reduce: ([x], node) => {
    const { kind, axes } = node.attrs
    const result = hostZeros(x.dtype, node.shape)
    const data = reducedLast(x, axes)
    const width = axes.reduce((size, axis) => size * x.shape[axis], 1)
    const { data: out } = result
    if (data instanceof BigInt64Array) reduceInt64(data, out as BigInt64Array, width, kind)
    else if (data instanceof Float32Array && kind === 'sum') sumFloat32(data, out as Float32Array, width)
    else {
      const table = isFloatData(data) ? floatCombine : intCombine
      reduceNumbers(data, out as NumberData, width, reduceIdentity(kind, x.dtype) as number, table[kind])
    }
    return roundHalves(result)
  },
  contract: ([a, b], node) => {
    const { batch, contracted } = node.attrs
    const depth = sizeOf(a.shape.slice(a.shape.length - contracted))
    const rows = sizeOf(a.shape.slice(batch, a.shape.length - contracted))
    const columns = sizeOf(b.shape.slice(batch, b.shape.length - contracted))
    const sizes = { batch: sizeOf(a.shape.slice(0, batch)), rows, columns, depth }
    const result = hostZeros(a.dtype, node.shape)
    const out = result.data
    if (a.data instanceof Float32Array) contractFloat32(a.data, b.data as Float32Array, out as Float32Array, sizes)
    else if (a.data instanceof BigInt64Array)
      contractInt64(a.data, b.data as BigInt64Array, out as BigInt64Array, sizes)
    else contractNumbers(a.data, b.data as NumberData, out as NumberData, sizes)
    return roundHalves(result)
  },
}
