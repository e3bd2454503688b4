// Turns a list of samples into one batch: tensors are stacked, numbers become a tensor, arrays and objects go field by field.
import { ArgumentError } from '../base/errors.ts'
import { stack, Tensor, tensor } from '../tensor/index.ts'

/** The batch that samples of type S make. */
export type Collated<S> = S extends Tensor | number | bigint | boolean
  ? Tensor
  : S extends string
    ? string[]
    : S extends readonly unknown[]
      ? { [K in keyof S]: Collated<S[K]> }
      : S extends object
        ? { [K in keyof S]: Collated<S[K]> }
        : S[]

export function collate<S>(samples: readonly S[]): Collated<S> {
  return collateUnknown(samples) as Collated<S>
}

function collateUnknown(samples: readonly unknown[]): unknown {
  const [first] = samples
  if (first instanceof Tensor) return stack(samples as Tensor[], 0)
  if (typeof first === 'number') return collateNumbers(samples as number[])
  if (typeof first === 'bigint' || typeof first === 'boolean') return tensor(samples as bigint[] | boolean[])
  if (typeof first === 'string') return samples
  if (Array.isArray(first))
    return first.map((_, i) => collateUnknown(samples.map((sample) => (sample as unknown[])[i])))
  if (first === null || typeof first !== 'object')
    throw new ArgumentError(`collate: expected tensors, numbers, strings, arrays or objects, got ${typeof first}.`)
  return Object.fromEntries(
    Object.keys(first).map((key) => [
      key,
      collateUnknown(samples.map((sample) => (sample as Record<string, unknown>)[key])),
    ]),
  )
}

/** Whole numbers are labels (int64), as in PyTorch; others float32. */
const collateNumbers = (values: readonly number[]): Tensor =>
  values.every(Number.isInteger) ? tensor(values.map(BigInt)) : tensor(values)
