// The argument types that tensor methods share, and how they are read: operands, axes, and reduction options.
import { categoryOf, type DType, type DTypeCategory } from '../base/dtype.ts'
import { DTypeError } from '../base/errors.ts'
import type { Scalar } from '../base/scalar.ts'
import { TensorCore } from './core.ts'
import type { Tensor } from './tensor.ts'

/** A tensor, or a JavaScript value that never widens the other operand within its category. */
export type Operand = Tensor | Scalar

/** One axis or several; all of them when left out, null or empty. Negative axes count from the end. */
export type Axes = number | readonly number[] | null | undefined

export interface ReduceOptions extends KeepdimOption {
  /** converts first, so that a narrow dtype does not overflow */
  readonly dtype?: DType
}

export const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'

export const axesOf = (axes: Axes): number | readonly number[] | undefined =>
  axes === null || (typeof axes === 'object' && axes.length === 0) ? undefined : (axes ?? undefined)

/** Options that name the axes too: `sum({ dim: 0, keepdim: true })` is `sum(0, { keepdim: true })`. */
export type AxesOr<Options> = Axes | (Options & { readonly dim?: Axes })

const isNamed = <Options>(dim: AxesOr<Options>): dim is Options & { readonly dim?: Axes } =>
  typeof dim === 'object' && dim !== null && !Array.isArray(dim)

/** The arguments of a reduction: axes and PyTorch's positional `keepdim`, axes and options, or options that name the axes. */
export function reduceArguments<Options extends KeepdimOption = ReduceOptions>(
  dim: AxesOr<Options>,
  options: boolean | Options,
): Options & { readonly axes: ReturnType<typeof axesOf> } {
  if (isNamed(dim)) return { ...dim, axes: axesOf(dim.dim) }
  return { ...reduceOptions(options), axes: axesOf(dim) }
}

/** PyTorch's positional `keepdim`, or options. */
export const reduceOptions = <Options extends KeepdimOption = ReduceOptions>(options: boolean | Options): Options =>
  typeof options === 'boolean' ? ({ keepdim: options } as Options) : options

export interface KeepdimOption {
  /** keeps reduced axes with size 1 */
  readonly keepdim?: boolean
}

/** Whether reduced axes stay with size 1: by position, or by name. */
export type Keepdim = boolean | KeepdimOption

export const keeps = (keepdim: Keepdim): boolean =>
  typeof keepdim === 'boolean' ? keepdim : (keepdim.keepdim ?? false)

/** Sizes given one by one, or as one list. */
export const sizesOf = (sizes: readonly (number | readonly number[])[]): readonly number[] =>
  typeof sizes[0] === 'object' ? sizes[0] : (sizes as readonly number[])

/** Tensors one by one or as one list, then options. */
export type ListedArguments<O> =
  | readonly [tensors: readonly Tensor[], options?: O]
  | readonly Tensor[]
  | readonly [...tensors: Tensor[], options: O]

/** A list of sizes and options, or sizes one by one, then options. */
export type SizedArguments<O> =
  | readonly [shape: readonly number[], options?: O]
  | readonly number[]
  | readonly [...sizes: number[], options: O]

export function splitSizes<O extends object>(given: SizedArguments<O>): readonly [readonly number[], O] {
  if (given.length > 0 && typeof given[0] !== 'number') return splitList(given)
  return splitOptions(given, typeof given[given.length - 1] === 'object')
}

export function splitTensors<O extends object>(given: ListedArguments<O>): readonly [readonly Tensor[], O] {
  if (Array.isArray(given[0])) return splitList(given)
  return splitOptions(given, given.length > 0 && !(given[given.length - 1] instanceof TensorCore))
}

const splitList = <Item, O>([list, options]: readonly unknown[]): readonly [readonly Item[], O] => [
  list as readonly Item[],
  (options ?? {}) as O,
]

const splitOptions = <Item, O>(given: readonly unknown[], hasOptions: boolean): readonly [readonly Item[], O] => [
  (hasOptions ? given.slice(0, -1) : given) as readonly Item[],
  (hasOptions ? given[given.length - 1] : {}) as O,
]

const rank: Record<DTypeCategory, number> = { bool: 0, int: 1, float: 2 }

/** In-place results must fit the tensor that they are written to: a float does not go into an integer tensor. */
export function expectWritable(op: string, value: DType, target: DType): void {
  if (rank[categoryOf(value)] > rank[categoryOf(target)])
    throw new DTypeError(
      `${op}: expected a result that ${target} can hold, got ${value}. Use the function that returns a new tensor, or convert first.`,
      { op, value, target },
    )
}

export function expectInteger(op: string, what: string, dtype: DType): void {
  if (categoryOf(dtype) !== 'int')
    throw new DTypeError(`${op}: expected ${what} of an integer dtype, got ${dtype}. Convert it: x.long().`, {
      op,
      dtype,
    })
}
