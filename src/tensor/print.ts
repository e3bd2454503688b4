// formatTensor: a tensor and its bytes go in, PyTorch's text comes out: aligned columns, four decimals, long axes summarised.
import { categoryOf, type DType } from '../base/dtype.ts'
import { formatShape, type Shape, sizeOf, stridesOf } from '../base/shape.ts'
import { type TypedArray, valuesOf } from './host-values.ts'

interface Printed {
  readonly shape: Shape
  readonly dtype: DType
  readonly device: string
  readonly requiresGrad: boolean
}

const decimals = 4
const summarizeAbove = 1000
const edgeItems = 3
const lineWidth = 80
/** What the text of elements says already; of no elements it says nothing. */
const plainDTypes: readonly DType[] = ['int64', 'bool']
const opening = 'tensor('

export function formatTensor(tensor: Printed, bytes: Uint8Array): string {
  const values = valuesOf(bytes, tensor.dtype)
  const body = new TensorText(values, tensor).print()
  const suffixes = suffixesOf(tensor)
  if (sizeOf(tensor.shape) === 0 && tensor.shape.length !== 1) suffixes.unshift(`size: ${formatShape(tensor.shape)}`)
  return `${opening}${[body, ...suffixes].join(', ')})`
}

/** What can be said of a tensor without reading it. */
export const summarizeTensor = (tensor: Printed): string =>
  `${opening}${[`unread, shape: ${formatShape(tensor.shape)}`, `device: ${tensor.device}`, `dtype: ${tensor.dtype}`, ...gradSuffix(tensor)].join(', ')})`

const gradSuffix = ({ requiresGrad }: Printed): string[] => (requiresGrad ? ['requiresGrad: true'] : [])
const suffixesOf = (tensor: Printed): string[] => [
  ...(tensor.dtype === 'float32' || (plainDTypes.includes(tensor.dtype) && sizeOf(tensor.shape) > 0)
    ? []
    : [`dtype: ${tensor.dtype}`]),
  ...gradSuffix(tensor),
]

class TensorText {
  readonly #values: TypedArray
  readonly #shape: Shape
  readonly #strides: readonly number[]
  readonly #summarize: boolean
  readonly #format: (value: number | bigint) => string
  readonly #width: number

  constructor(values: TypedArray, { shape, dtype }: Printed) {
    this.#values = values
    this.#shape = shape
    this.#strides = stridesOf(shape)
    this.#summarize = values.length > summarizeAbove
    const shown = this.#shown(0, 0)
    this.#format = formatterOf(shown, dtype)
    this.#width = shape.length === 0 ? 0 : Math.max(0, ...shown.map((value) => this.#format(value).length))
  }

  print(): string {
    if (this.#values.length === 0) return '[]'
    return this.#level(0, 0, opening.length)
  }

  /** Positions of an axis that are printed; undefined stands for the dots. */
  #positions(axis: number): (number | undefined)[] {
    const extent = this.#shape[axis]
    const range = (start: number, end: number): number[] => Array.from({ length: end - start }, (_, i) => start + i)
    if (!this.#summarize || extent <= 2 * edgeItems) return range(0, extent)
    return [...range(0, edgeItems), undefined, ...range(extent - edgeItems, extent)]
  }

  #shown(axis: number, start: number): (number | bigint)[] {
    if (this.#values.length === 0) return []
    if (axis === this.#shape.length) return [this.#values[start]]
    return this.#positions(axis).flatMap((i) =>
      i === undefined ? [] : this.#shown(axis + 1, start + i * this.#strides[axis]),
    )
  }

  #level(axis: number, start: number, indent: number): string {
    if (axis === this.#shape.length) return this.#format(this.#values[start])
    const last = axis === this.#shape.length - 1
    const items = this.#positions(axis).map((i) => {
      if (i === undefined) return last ? ' ...' : '...'
      const at = start + i * this.#strides[axis]
      return last ? this.#format(this.#values[at]).padStart(this.#width) : this.#level(axis + 1, at, indent + 1)
    })
    const margin = ' '.repeat(indent + 1)
    if (!last) return `[${items.join(`,${'\n'.repeat(this.#shape.length - axis - 1)}${margin}`)}]`
    const perLine = Math.max(1, Math.floor((lineWidth - indent) / (this.#width + 2)))
    const lines: string[] = []
    for (let i = 0; i < items.length; i += perLine) lines.push(items.slice(i, i + perLine).join(', '))
    return `[${lines.join(`,\n${margin}`)}]`
  }
}

function formatterOf(shown: readonly (number | bigint)[], dtype: DType): (value: number | bigint) => string {
  const category = categoryOf(dtype)
  if (category === 'bool') return (value) => (value ? 'true' : 'false')
  if (category === 'int') return String
  const finite = shown.map((value) => Math.abs(Number(value))).filter((size) => Number.isFinite(size) && size > 0)
  const [largest, smallest] = [Math.max(0, ...finite), Math.min(Number.POSITIVE_INFINITY, ...finite)]
  const whole = finite.every(Number.isInteger)
  const scientific = largest > 1e8 || largest / smallest > 1000 || (!whole && smallest < 1e-4)
  const text = (value: number): string => {
    if (scientific && (!whole || largest > 1e8)) return exponential(value)
    return whole ? `${value === 0 && Object.is(value, -0) ? '-0' : value}.` : value.toFixed(decimals)
  }
  return (value) => {
    const number = Number(value)
    if (Number.isNaN(number)) return 'nan'
    return Number.isFinite(number) ? text(number) : number > 0 ? 'inf' : '-inf'
  }
}

/** C's notation: the exponent has a sign and two digits. */
const exponential = (value: number): string => value.toExponential(decimals).replace(/e([+-])(\d)$/, 'e$10$2')
