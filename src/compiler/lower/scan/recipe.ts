// How an element of a node comes about when its inputs are in memory: a combination over some steps of products of elements, or the plain value.
import { sizeOf } from '../../../base/shape.ts'
import { isOp, type Node } from '../../../graph/node.ts'
import { type Affine, unravel } from '../index-algebra.ts'

/** Elements of one or two tensors whose product is an element of a node, or one term of its sum. */
export type Factors = readonly { readonly node: Node; readonly indices: readonly Affine[] }[]

export interface Recipe {
  readonly kind: 'value' | 'sum' | 'prod' | 'max' | 'min'
  readonly steps: number
  readonly factors: (element: readonly Affine[], step: Affine) => Factors
}

/** The node's value as it stands, wherever it is. */
export const valueRecipe = (node: Node): Recipe => ({
  kind: 'value',
  steps: 1,
  factors: (indices) => [{ node, indices }],
})

/** Contractions and reductions: their values take a loop. */
export const isAggregate = (node: Node): node is Node<'contract' | 'reduce'> =>
  node.op === 'contract' || node.op === 'reduce'

export const recipeOf = (node: Node<'contract' | 'reduce'>): Recipe =>
  isOp(node, 'contract') ? contractRecipe(node) : reduceRecipe(node as Node<'reduce'>)

function contractRecipe(node: Node<'contract'>): Recipe {
  const [a, b] = node.inputs
  const { batch, contracted } = node.attrs
  const rows = a.shape.length - contracted
  const shared = a.shape.slice(rows)
  return {
    kind: 'sum',
    steps: sizeOf(shared),
    factors: (element, step) => {
      const along = unravel(step, shared)
      return [
        { node: a, indices: [...element.slice(0, rows), ...along] },
        { node: b, indices: [...element.slice(0, batch), ...element.slice(rows), ...along] },
      ]
    },
  }
}

function reduceRecipe(node: Node<'reduce'>): Recipe {
  const [input] = node.inputs
  const { axes, kind } = node.attrs
  const extents = axes.map((axis) => input.shape[axis])
  return {
    kind,
    steps: sizeOf(extents),
    factors: (element, step) => {
      const indices = [...element]
      for (const [i, index] of unravel(step, extents).entries()) indices[axes[i]] = index
      return [{ node: input, indices }]
    },
  }
}
