// How a recorded call of PyTorch is made here: positional arguments by their names in PyTorch, all others in an options object at the end.

import type { Tensor } from '../../src/index.ts'
import * as t from '../../src/index.ts'

export type Value = unknown
export type Keywords = Readonly<Record<string, Value>>
export type Results = Tensor | readonly Tensor[]
/** Functions that make tensors are told the device. */
export type Call = (args: readonly Value[], keywords: Keywords, device?: string) => Results | Promise<Results>

type AnyFunction = (...args: never[]) => unknown
export const namespace = t as unknown as Record<string, AnyFunction>

/** Positional arguments, then those given by name in the order of `names`, then the rest as options. */
export function argumentsOf(args: readonly Value[], keywords: Keywords, names: readonly string[]): Value[] {
  const rest = { ...keywords }
  const list = [...args]
  names.forEach((name, i) => {
    if (name in rest) list[i + 1] = rest[name]
    delete rest[name]
  })
  if (Object.keys(rest).length === 0) return list
  while (list.length <= names.length) list.push(undefined)
  return [...list, rest]
}

/** Results with names as a list, in PyTorch's order, which is that of their fields. */
export const listed = (result: object): Results =>
  Array.isArray(result) || result instanceof t.Tensor ? (result as Results) : (Object.values(result) as Tensor[])
export const flat = (result: unknown): Results | Promise<Results> =>
  result instanceof Promise ? result.then(listed) : listed(result as object)

/** A method; `names` are its positional parameters after the tensor itself. */
export const method =
  (name: string, ...names: string[]): Call =>
  (args, keywords) => {
    const [x, ...rest] = argumentsOf(args, keywords, names)
    return flat((namespace[name] as (...list: Value[]) => unknown)(x, ...rest))
  }

/** A function of this name; the first parameter may have a name, too. */
export const called = (name: string, ...names: string[]): Call => method(name, ...names)

/** `var` and `std`: PyTorch's old `unbiased` is a correction of 1 or 0. */
export const spread =
  (name: 'var' | 'std'): Call =>
  ([x, second], keywords) => {
    const { unbiased = typeof second === 'boolean' ? second : undefined, dim, correction, keepdim } = keywords
    const axes = (typeof second === 'boolean' ? undefined : (second ?? dim)) as t.Axes
    const amount = unbiased === undefined ? (correction ?? undefined) : Number(unbiased)
    return (x as Tensor)[name](axes, { correction: amount, keepdim } as t.VarianceOptions)
  }

/** PyTorch's null and [] stand for arguments left out. */
export const given = (value: Value): Value =>
  Array.isArray(value) && value.length === 0 ? undefined : (value ?? undefined)

/** A function that makes a tensor of sizes or numbers, with the device that the test runs on. */
export const made =
  (name: string, ...names: string[]): Call =>
  (args, keywords, device) => {
    const list = argumentsOf(args, { ...keywords, device }, names)
    return flat((namespace[name] as (...rest: Value[]) => unknown)(...list))
  }

/** Functions of a list of tensors, which the samples give as a list or one by one. */
export const ofList =
  (name: string): Call =>
  ([first, ...rest], keywords) => {
    const tensors = Array.isArray(first) ? first : [first, ...rest]
    const options = Object.keys(keywords).length > 0 ? [keywords] : []
    return flat((namespace[name] as (...list: Value[]) => unknown)(tensors, ...options))
  }

/** Pooling takes options where PyTorch also has positions. */
export const pooled =
  (name: string, ...names: string[]): Call =>
  ([x, kernel, ...positions], { kernelSize = kernel, ...rest }) => {
    const options = { ...Object.fromEntries(positions.map((value, i) => [names[i], given(value)])), ...rest }
    return flat((namespace[name] as (...list: Value[]) => unknown)(x, kernelSize, options))
  }

/** A function whose arguments after the first `count` are options here, by their names in PyTorch's order. */
export const optioned =
  (name: string, count: number, ...names: string[]): Call =>
  (args, keywords) => {
    const options = Object.fromEntries(args.slice(count).map((value, i) => [names[i], value]))
    const tensors = [...args.slice(0, count)]
    return flat((namespace[name] as (...list: Value[]) => unknown)(...tensors, { ...options, ...keywords }))
  }

export const extremum =
  (name: 'max' | 'min'): Call =>
  (args) =>
    flat((namespace[name] as (...list: Value[]) => unknown)(...args))

export const meanOf = (x: Tensor, second: Value, { dim, keepdim }: Keywords): Tensor =>
  x.mean((typeof second === 'boolean' ? undefined : (second ?? dim)) as t.Axes, keepdim as boolean | undefined)

export const isMasked = (indices: readonly Value[]): boolean =>
  indices.some((index) =>
    index instanceof t.Tensor
      ? index.dtype === 'bool'
      : Array.isArray(index) && index.flat(9).some((each) => typeof each === 'boolean'),
  )
