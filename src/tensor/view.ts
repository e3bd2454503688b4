// Views: a chain of movement steps from a storage's base. Each step can be read through and, for indexed writes, written back through.
import { ShapeError } from '../base/errors.ts'
import { formatShape, type Shape } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import type { Node } from '../graph/node.ts'

export interface ViewStep {
  readonly name: string
  /** the view's value, from the value below it */
  apply(base: Node): Node
  /** the value below it, after `value` was written into the view */
  place(base: Node, value: Node): Node
}

export const reshapeStep = (shape: Shape): ViewStep => ({
  name: 'view',
  apply: (base) => build.reshape(base, shape),
  place: (base, value) => build.reshape(value, base.shape),
})

export const permuteStep = (axes: readonly number[]): ViewStep => ({
  name: 'permute',
  apply: (base) => build.permute(base, axes),
  place: (_, value) => build.permute(value, invert(axes)),
})

export const sliceStep = (starts: readonly number[], sizes: Shape, steps: readonly number[]): ViewStep => ({
  name: 'slice',
  apply: (base) => build.slice(base, starts, sizes, steps),
  place: (base, value) => {
    const covered = build.unslice(build.full(sizes, true, 'bool'), base.shape, starts, steps)
    return build.where(covered, build.unslice(value, base.shape, starts, steps), base)
  },
})

export const expandStep = (shape: Shape): ViewStep => ({
  name: 'expand',
  apply: (base) => build.broadcastTo(base, shape),
  place: (base) => {
    throw new ShapeError(
      `in-place write: expected a view whose elements are all distinct, got one expanded from ${formatShape(base.shape)} ` +
        `to ${formatShape(shape)}. Write to the tensor below it, or clone() the view first.`,
      { from: base.shape, to: shape },
    )
  },
})

/** An inverse permutation. */
function invert(axes: readonly number[]): number[] {
  const inverse = new Array<number>(axes.length)
  axes.forEach((axis, i) => {
    inverse[axis] = i
  })
  return inverse
}

export const readThrough = (steps: readonly ViewStep[], base: Node): Node =>
  steps.reduce((node, step) => step.apply(node), base)

/** The base's new value after `value` was written into the view that `steps` describe. */
export function writeThrough(steps: readonly ViewStep[], base: Node, value: Node): Node {
  if (steps.length === 0) return value
  const [step, ...rest] = steps
  return step.place(base, rest.length === 0 ? value : writeThrough(rest, step.apply(base), value))
}
