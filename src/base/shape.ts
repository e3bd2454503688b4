// Shape algebra: sizes, row-major strides, broadcasting and axis normalisation, shared by graph, compiler and tensor.
import { ShapeError } from './errors.ts'

export type Shape = readonly number[]

export const sizeOf = (shape: Shape): number => {
  let size = 1
  for (const extent of shape) size *= extent
  return size
}

export const formatShape = (shape: Shape): string => `[${shape.join(', ')}]`

export const sameShape = (a: Shape, b: Shape): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  for (let axis = shape.length - 1, step = 1; axis >= 0; axis--) {
    strides[axis] = step
    step *= shape[axis]
  }
  return strides
}

/** The shape that all broadcast to, by NumPy's rule; `op` names the caller in the error. */
export function broadcastShapes(op: string, ...shapes: Shape[]): Shape {
  if (shapes.length === 2 && sameShape(shapes[0], shapes[1])) return shapes[0]
  const rank = Math.max(0, ...shapes.map((shape) => shape.length))
  const result = new Array<number>(rank).fill(1)
  for (const shape of shapes)
    for (let i = 0; i < shape.length; i++) {
      const axis = rank - shape.length + i
      if (shape[i] === 1 || shape[i] === result[axis]) continue
      if (result[axis] !== 1)
        throw new ShapeError(
          `${op}: expected shapes that broadcast together, got ${shapes.map(formatShape).join(' and ')}: ` +
            `axis ${axis - rank} has ${result[axis]} and ${shape[i]}. Sizes must be equal, or one of them 1.`,
          { op, shapes },
        )
      result[axis] = shape[i]
    }
  return result
}

/** Axis in 0..rank-1 from one that may count from the end. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  const limit = Math.max(rank, 1)
  if (!Number.isInteger(axis) || axis < -limit || axis >= limit)
    throw new ShapeError(
      `${op}: expected an axis from ${-limit} to ${limit - 1} (the tensor has ${rank} dimensions), got ${axis}.`,
      { op, axis, rank },
    )
  return axis < 0 ? axis + limit : axis
}

/** Normalised, sorted, distinct axes; all of them when none are given. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis)
  const list = (typeof axes === 'number' ? [axes] : axes).map((axis) => normalizeAxis(op, axis, rank))
  const distinct = [...new Set(list)].sort((a, b) => a - b)
  if (distinct.length !== list.length)
    throw new ShapeError(`${op}: expected each axis once, got ${formatShape(list)}.`, { op, axes: list })
  return rank === 0 ? [] : distinct
}

/** Refuses sizes that no machine can hold before anything is built from them. */
export function checkShape(op: string, shape: Shape): Shape {
  if (!Array.isArray(shape))
    throw new ShapeError(`${op}: expected a list of sizes such as [2, 3], got ${String(shape)}.`, { op, shape })
  for (const extent of shape)
    if (!Number.isInteger(extent) || extent < 0)
      throw new ShapeError(`${op}: expected sizes that are whole numbers from 0, got ${formatShape(shape)}.`, {
        op,
        shape,
      })
  if (sizeOf(shape) > 2 ** 40)
    throw new ShapeError(
      `${op}: expected at most 2^40 elements, got ${formatShape(shape)}. Is a size in the wrong place?`,
      { op, shape },
    )
  return shape
}
