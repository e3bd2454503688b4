// Nested arrays and plain objects around tensors: taken apart into tensors and a skeleton, compared, and put together again.
import { TensorCore } from './core.ts'
import type { Tensor } from './tensor.ts'

/** What is left of a value without its tensors; anything but arrays and plain objects counts by identity. */
export type Skeleton =
  | { readonly kind: 'tensor'; readonly index: number }
  | { readonly kind: 'array'; readonly items: readonly Skeleton[] }
  | { readonly kind: 'object'; readonly names: readonly string[]; readonly items: readonly Skeleton[] }
  | { readonly kind: 'value'; readonly value: unknown }

export interface TakenApart {
  readonly skeleton: Skeleton
  readonly tensors: readonly Tensor[]
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value))

export function takeApart(value: unknown): TakenApart {
  const tensors: Tensor[] = []
  const visit = (part: unknown): Skeleton => {
    if (part instanceof TensorCore) return { kind: 'tensor', index: tensors.push(part as Tensor) - 1 }
    if (Array.isArray(part)) return { kind: 'array', items: part.map(visit) }
    if (!isPlainObject(part)) return { kind: 'value', value: part }
    const names = Object.keys(part)
    return { kind: 'object', names, items: names.map((name) => visit(part[name])) }
  }
  return { skeleton: visit(value), tensors }
}

export function putTogether(skeleton: Skeleton, tensors: readonly Tensor[]): unknown {
  switch (skeleton.kind) {
    case 'tensor':
      return tensors[skeleton.index]
    case 'array':
      return skeleton.items.map((item) => putTogether(item, tensors))
    case 'object':
      return Object.fromEntries(skeleton.names.map((name, i) => [name, putTogether(skeleton.items[i], tensors)]))
    case 'value':
      return skeleton.value
  }
}

export function sameSkeleton(a: Skeleton, b: Skeleton): boolean {
  if (a.kind === 'value') return b.kind === 'value' && Object.is(a.value, b.value)
  if (a.kind === 'tensor') return b.kind === 'tensor' && a.index === b.index
  if (b.kind !== a.kind || a.items.length !== b.items.length) return false
  if (a.kind === 'object' && a.names.join('\0') !== (b as typeof a).names.join('\0')) return false
  return a.items.every((item, i) => sameSkeleton(item, b.items[i]))
}
