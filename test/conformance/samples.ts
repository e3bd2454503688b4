// Reads PyTorch's recorded samples: JSON values and a safetensors file go in, tensors on a device and expected values come out.
import { readFileSync } from 'node:fs'
import { formatShape, sizeOf, stridesOf } from '../../src/base/shape.ts'
import { parse, type RawTensor } from '../../src/formats/safetensors/index.ts'
import { type DType, fromBytes, type Tensor } from '../../src/index.ts'
import type { Keywords, Value } from './cases.ts'

export interface Sample {
  readonly op: string
  /** PyTorch's name */
  readonly torch: string
  readonly variant?: string
  readonly dtype: DType
  readonly args: readonly Value[]
  readonly kwargs: Keywords
  readonly outputs: readonly string[]
  readonly mutated?: readonly { readonly arg: number; readonly tensor: string }[]
  readonly gradients?: readonly (string | null)[]
  readonly special?: boolean
}

export interface ErrorSample {
  readonly op: string
  readonly args: readonly Value[]
  readonly kwargs: Keywords
  readonly error: string
  readonly message: string
}

interface Document {
  readonly samples: readonly Sample[]
  readonly errors: readonly ErrorSample[]
}

interface TensorSpec {
  readonly tensor: string
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly requiresGrad?: boolean
  readonly strides?: readonly number[]
  readonly offset?: number
}

const folder = 'test/fixtures/torch' // tests run from the package root
const document = JSON.parse(readFileSync(`${folder}/opinfo.json`, 'utf8')) as Document
const stored = parse(readFileSync(`${folder}/opinfo.safetensors`)).tensors

export const { samples, errors } = document
export const storedTensor = (key: string): RawTensor => stored.get(key)!

/** A sample's arguments as tensors and plain values, and the leaves that gradients were recorded for, in reading order. */
export class Arguments {
  readonly args: readonly Value[]
  readonly keywords: Keywords
  readonly leaves: Tensor[] = []
  readonly #device: string

  constructor({ args, kwargs }: { readonly args: readonly Value[]; readonly kwargs: Keywords }, device: string) {
    this.#device = device
    this.args = args.map((value) => this.#decode(value))
    this.keywords = Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [name, this.#decode(value)]))
  }

  #decode(value: Value): Value {
    if (Array.isArray(value)) return value.map((item) => this.#decode(item))
    if (typeof value !== 'object' || value === null) return value
    if ('float' in value) return decodeFloat(value.float)
    if ('slice' in value) return (value.slice as (number | null)[]).map((part) => part ?? '').join(':')
    if ('ellipsis' in value) return '...'
    if ('dtype' in value && !('tensor' in value)) return value.dtype
    return this.#tensor(value as TensorSpec)
  }

  #tensor(spec: TensorSpec): Tensor {
    const raw = storedTensor(spec.tensor)
    const base = fromBytes(raw.bytes, raw.shape, { dtype: raw.dtype, device: this.#device })
    const tensor = spec.strides ? viewed(base, spec) : base
    if (spec.requiresGrad) this.leaves.push(tensor.requiresGrad_())
    return tensor
  }
}

const decodeFloat = (value: unknown): number =>
  value === 'nan'
    ? Number.NaN
    : value === 'inf'
      ? Number.POSITIVE_INFINITY
      : value === '-inf'
        ? Number.NEGATIVE_INFINITY
        : Number(value)

/** The two layouts that are recorded: every second element of a row, and dense axes in another order. */
function viewed(flat: Tensor, { shape, strides = [], offset = 0 }: TensorSpec): Tensor {
  const size = sizeOf(shape)
  const dense = stridesOf(shape)
  if (strides.every((stride, axis) => stride === 2 * dense[axis]))
    return flat.slice(`${offset}:${offset + 2 * size}:2`).reshape(shape)
  const order = shape.map((_, axis) => axis).sort((a, b) => strides[b] - strides[a])
  const sorted = order.map((axis) => shape[axis])
  if (!stridesOf(sorted).every((stride, i) => stride === strides[order[i]]))
    throw new Error(`fixture: no view of strides ${formatShape(strides)} for shape ${formatShape(shape)}`)
  return flat
    .narrow(0, offset, size)
    .reshape(sorted)
    .permute(shape.map((_, axis) => order.indexOf(axis)))
}
