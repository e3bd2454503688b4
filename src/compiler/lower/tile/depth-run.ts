// How k is cut when it is one axis: into the digits that the operands' producers make of it (heads, say), so that what is packed along k is
// contiguous where its source is.
import { axisIndex, makeAxis } from '../index-algebra.ts'
import { type Lowering, traceIndices } from '../lowered-kernel.ts'
import { collectCuts } from '../refine.ts'
import type { ContractNode } from './tile-axes.ts'

const shortestRun = 8
const longestRun = 128

/** The longest run of k, if any, in which all operands' index maps stay affine. */
export function depthRun(
  { group, inputs, uses }: Lowering,
  { inputs: operands, attrs }: ContractNode,
): number | undefined {
  if (attrs.contracted !== 1) return undefined
  const k = makeAxis('k', operands[0].shape.at(-1)!)
  const roots = operands.map((node) => ({
    node,
    indices: node.shape.map((extent, i) => axisIndex(i === node.shape.length - 1 ? k : makeAxis('kept', extent))),
    stored: false,
  }))
  const points = collectCuts(traceIndices(group, inputs, uses, undefined, roots)).get(k)
  const first = points && Math.min(...points)
  return first !== undefined && first >= shortestRun && first <= longestRun ? first : undefined
}
