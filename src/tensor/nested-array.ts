// Nested JavaScript arrays: what `tensor([...])` takes and `toArray()` gives.
import type { DType } from '../base/dtype.ts'
import { ShapeError } from '../base/errors.ts'
import { formatShape, type Shape, sizeOf } from '../base/shape.ts'
import type { TypedArray } from './host-values.ts'

export type ArrayElement = number | bigint | boolean
export type NestedArray = ArrayElement | readonly NestedArray[]

/** Values row by row as nested arrays of `shape`. */
export function nest(values: TypedArray, shape: Shape, dtype: DType): NestedArray {
  const element = (i: number): ArrayElement => elementOf(values[i], dtype)
  const build = (axis: number, start: number): NestedArray => {
    if (axis === shape.length) return element(start)
    const stride = sizeOf(shape.slice(axis + 1))
    return Array.from({ length: shape[axis] }, (_, i) => build(axis + 1, start + i * stride))
  }
  return build(0, 0)
}

/** A boolean for bool; a BigInt only where an int64 is not a safe integer. */
export function elementOf(value: number | bigint, dtype: DType): ArrayElement {
  if (dtype === 'bool') return Boolean(value)
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}

export interface Flattened {
  readonly shape: Shape
  readonly values: ArrayElement[]
}

/** Shape and row-major elements of a nested array; ragged ones are refused. */
export function flattenNested(op: string, nested: NestedArray): Flattened {
  const shape: number[] = []
  for (let level: NestedArray = nested; Array.isArray(level); level = level[0]) {
    shape.push(level.length)
    if (level.length === 0) break
  }
  const values: ArrayElement[] = []
  const visit = (level: NestedArray, axis: number): void => {
    if (!Array.isArray(level)) {
      if (axis !== shape.length) refuseRagged(op, shape, axis)
      values.push(level as ArrayElement)
      return
    }
    if (axis >= shape.length || level.length !== shape[axis]) refuseRagged(op, shape, axis)
    for (const item of level) visit(item, axis + 1)
  }
  visit(nested, 0)
  return { shape, values }
}

function refuseRagged(op: string, shape: Shape, axis: number): never {
  throw new ShapeError(
    `${op}: expected nested arrays of one length at each level, got a different one at level ${axis} (the first row has shape ${formatShape(shape)}).`,
    { op, shape, axis },
  )
}
