// PyTorch's recorded calls (test/fixtures/torch) as plain arguments with host arrays in them, for tests that replay them on nodes.
import { readFileSync } from 'node:fs'
import { type DType, dtypes, dtypeTable } from '../../src/base/dtype.ts'
import { type Shape, sizeOf } from '../../src/base/shape.ts'
import { type HostArray, hostZeros } from '../../src/graph/host-array.ts'
import { decodeHost } from '../../src/graph/host-bytes.ts'

const folder = new URL('../../../test/fixtures/torch/', import.meta.url)

/** A tensor argument. */
export interface TensorArgument {
  readonly array: HostArray
  readonly requiresGrad: boolean
}

export type Argument = TensorArgument | number | string | boolean | null | readonly Argument[]

export interface Sample {
  readonly op: string
  readonly variant?: string
  readonly dtype: DType
  readonly args: readonly Argument[]
  readonly kwargs: Readonly<Record<string, Argument>>
  readonly outputs: readonly HostArray[]
  /** of the arguments that require a gradient, in reading order; null where PyTorch gives none */
  readonly gradients?: readonly (HostArray | null)[]
  readonly special: boolean
}

interface RawTensor {
  readonly tensor: string
  readonly shape: Shape
  readonly dtype: DType
  readonly strides?: readonly number[]
  readonly offset?: number
  readonly requiresGrad?: boolean
}

type Raw =
  | RawTensor
  | { readonly float: number | string }
  | { readonly dtype: string }
  | number
  | string
  | boolean
  | null
type RawArgument = Raw | readonly RawArgument[]

interface RawSample {
  readonly op: string
  readonly variant?: string
  readonly dtype: DType
  readonly args: readonly RawArgument[]
  readonly kwargs: Readonly<Record<string, RawArgument>>
  readonly outputs: readonly string[]
  readonly gradients?: readonly (string | null)[]
  readonly special?: boolean
}

interface Entry {
  readonly dtype: string
  readonly shape: Shape
  readonly data_offsets: readonly [number, number]
}

const dtypeOfWire = (wire: string): DType => dtypes.find((dtype) => dtypeTable[dtype].wire === wire)!

/** Tensors of a safetensors file by key. */
export function openTensors(name: string): (key: string) => HostArray {
  const file = readFileSync(new URL(name, folder))
  const headerLength = Number(file.readBigUInt64LE(0))
  const entries = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<string, Entry>
  return (key) => {
    const { dtype, shape, data_offsets: offsets } = entries[key]
    const [start, end] = offsets.map((offset) => 8 + headerLength + offset)
    return decodeHost(dtypeOfWire(dtype), shape, new Uint8Array(file.subarray(start, end)))
  }
}

/** A JSON file of the fixtures. */
export const readFixture = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as T

const stored = openTensors('opinfo.safetensors')

function tensorOf(raw: RawTensor): HostArray {
  const storage = stored(raw.tensor)
  if (raw.strides === undefined) return { ...storage, shape: raw.shape }
  const result = hostZeros(raw.dtype, raw.shape)
  for (let i = 0; i < sizeOf(raw.shape); i++) {
    let [rest, position] = [i, raw.offset ?? 0]
    for (let axis = raw.shape.length - 1; axis >= 0; axis--) {
      position += (rest % raw.shape[axis]) * raw.strides[axis]
      rest = Math.floor(rest / raw.shape[axis])
    }
    result.data[i] = storage.data[position]
  }
  return result
}

const floats: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': -1 / 0 }

function argumentOf(raw: RawArgument): Argument {
  if (Array.isArray(raw)) return raw.map(argumentOf)
  if (typeof raw !== 'object' || raw === null) return raw as Argument
  if ('tensor' in raw) return { array: tensorOf(raw), requiresGrad: raw.requiresGrad === true }
  if ('float' in raw) return typeof raw.float === 'number' ? raw.float : floats[raw.float]
  return (raw as { readonly dtype: string }).dtype
}

const all = readFixture<{ readonly samples: readonly RawSample[] }>('opinfo.json')

/** Recorded calls of one function. */
export const samplesOf = (op: string): Sample[] =>
  all.samples
    .filter((sample) => sample.op === op)
    .map((raw) => ({
      ...raw,
      args: raw.args.map(argumentOf),
      kwargs: Object.fromEntries(Object.entries(raw.kwargs).map(([name, value]) => [name, argumentOf(value)])),
      outputs: raw.outputs.map(stored),
      gradients: raw.gradients?.map((key) => (key === null ? null : stored(key))),
      special: raw.special === true,
    }))
