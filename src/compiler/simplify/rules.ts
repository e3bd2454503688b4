// Rewrite rules on the tensor graph. Each keeps every value bit for bit: floats are never reassociated.

import { bytesOf, isFloat } from '../../base/dtype.ts'
import type { Rule, RuleTable } from '../../base/rewrite.ts'
import { sameShape, sizeOf } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import { expandComposite } from '../../graph/composites/composite-table.ts'
import { elementsOf, isOp, type Node } from '../../graph/node.ts'
import { opTable } from '../../graph/op-table.ts'

type NodeRule = Rule<Node>
/** Whether a kernel of its own computes a composite. */
export type KeepsComposite = (node: Node<'composite'>) => boolean

/** Composites become their bodies, but for those that `keeps` names. */
const expandRule = (keeps: KeepsComposite): NodeRule => ({
  name: 'expand composite',
  apply: (node) => (isOp(node, 'composite') && !keeps(node) ? expandComposite(node) : undefined),
})

/** A reshape of a reshape, or to the same shape. */
const reshapeRule: NodeRule = {
  name: 'reshape of reshape',
  apply(node) {
    const [input] = node.inputs
    if (sameShape(input.shape, node.shape)) return input
    return isOp(input, 'reshape') ? build.reshape(input.inputs[0], node.shape) : undefined
  },
}

const permuteRule: NodeRule = {
  name: 'permute of permute',
  apply(node) {
    if (!isOp(node, 'permute')) return undefined
    const { axes } = node.attrs
    if (axes.every((axis, i) => axis === i)) return node.inputs[0]
    const [input] = node.inputs
    return isOp(input, 'permute')
      ? build.permute(
          input.inputs[0],
          axes.map((axis) => input.attrs.axes[axis]),
        )
      : undefined
  },
}

const expandOfExpandRule: NodeRule = {
  name: 'expand of expand',
  apply(node) {
    const [input] = node.inputs
    if (sameShape(input.shape, node.shape)) return input
    return isOp(input, 'expand') ? build.expand(input.inputs[0], node.shape) : undefined
  },
}

const castRule: NodeRule = {
  name: 'cast to its own dtype',
  apply: (node) => (node.inputs[0].dtype === node.dtype ? node.inputs[0] : undefined),
}

/** Inside a program a copy is its value; where one must be made, an output of the program says so. */
const copyRule: NodeRule = { name: 'copy', apply: (node) => node.inputs[0] }

/** The 0-d constant that a node spreads over its shape. */
function uniformValue(node: Node): Node<'constant'> | undefined {
  let below = node
  while (below.op === 'expand' || below.op === 'reshape' || below.op === 'permute') below = below.inputs[0]
  return isOp(below, 'constant') ? below : undefined
}

/** Elementwise work on constants happens now. */
const foldRule: NodeRule = {
  name: 'fold constants',
  apply(node) {
    if (opTable[node.op].family !== 'elementwise') return undefined
    const values = node.inputs.map(uniformValue)
    if (values.some((value) => value === undefined)) return undefined
    const scalars = (values as Node<'constant'>[]).map((value) => opTable.constant.reference([], value))
    const reference = opTable[node.op].reference as (inputs: typeof scalars, node: Node) => (typeof scalars)[0]
    const folded = reference(scalars, { ...node, shape: [] } as Node)
    return build.full(node.shape, folded.data[0] as number, node.dtype)
  },
}

/** Multiplying or dividing by one changes nothing, NaN and infinities included. */
const unitRule: NodeRule = {
  name: 'multiply by one',
  apply(node) {
    if (node.op !== 'mul' && node.op !== 'div') return undefined
    const [a, b] = node.inputs
    if (isOne(b)) return a
    return node.op === 'mul' && isOne(a) ? b : undefined
  },
}

const isOne = (node: Node): boolean => Number(uniformValue(node)?.attrs.value ?? 0) === 1 && node.dtype !== 'bool'

/** A product with one row or one column is a reduction: a register tile would compute zeros beside it. */
const vectorProductRule: NodeRule = {
  name: 'matrix by vector',
  apply(node) {
    if (!isOp(node, 'contract') || !isFloat(node.dtype)) return undefined
    const { batch, contracted } = node.attrs
    const [a, b] = node.inputs
    const rows = a.shape.slice(batch, a.shape.length - contracted)
    const columns = b.shape.slice(batch, b.shape.length - contracted)
    if (sizeOf(rows) !== 1 && sizeOf(columns) !== 1) return undefined
    const shared = a.shape.slice(0, batch)
    const depth = a.shape.slice(a.shape.length - contracted)
    const rank = batch + rows.length + columns.length
    // products of halves are rounded once, when they have been added up
    const wide = bytesOf(node.dtype) === 2 ? 'float32' : node.dtype
    const left = build.reshape(build.cast(a, wide), [...shared, ...rows, ...columns.map(() => 1), ...depth])
    const right = build.reshape(build.cast(b, wide), [...shared, ...rows.map(() => 1), ...columns, ...depth])
    const products = build.mul(left, right)
    const sums = build.reduce(
      'sum',
      products,
      depth.map((_, i) => rank + i),
    )
    return build.cast(build.reshape(sums, node.shape), node.dtype)
  },
}

/** A reduce over axes of size 1 only moves nothing. */
const emptyReduceRule: NodeRule = {
  name: 'reduce of one',
  apply: (node) => (sameShape(node.shape, node.inputs[0].shape) ? node.inputs[0] : undefined),
}

/** Nothing is the same nothing however it was computed. */
const emptyRule: NodeRule = {
  name: 'no elements',
  apply(node) {
    const { family } = opTable[node.op]
    if (elementsOf(node) > 0 || family === 'leaf' || family === 'structure' || node.op === 'expand') return undefined
    return build.full(node.shape, node.dtype === 'bool' ? false : 0, node.dtype)
  },
}

export const expandRules = (keeps: KeepsComposite): RuleTable<Node> => ({
  composite: [expandRule(keeps)],
  copy: [copyRule],
})

export const simplifyRules: RuleTable<Node> = {
  reshape: [reshapeRule],
  permute: [permuteRule],
  expand: [expandOfExpandRule],
  cast: [castRule],
  reduce: [emptyReduceRule],
  contract: [vectorProductRule],
  '*': [emptyRule, foldRule, unitRule],
}
