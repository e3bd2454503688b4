// How k and n are cut where their own shapes do not say: into the digits that index maps make of them, so that what is packed or stored along
// them is contiguous where it comes from and where it goes.
import { sizeOf } from '../../../base/shape.ts'
import type { Node } from '../../../graph/node.ts'
import { spaceOfGroup } from '../../tile-space.ts'
import { computeDType, type Hook } from '../evaluate.ts'
import { type Affine, type Axis, axisIndex, makeAxis, unravel } from '../index-algebra.ts'
import { type Lowering, traceIndices } from '../lowered-kernel.ts'
import { collectCuts } from '../refine.ts'
import { longestInner } from './blocking.ts'
import type { Factors } from './factors.ts'
import { type ContractNode, resultIndices } from './tile-axes.ts'

const shortestRun = 8

/** The shortest digit that an axis has to be cut into for the indices of nodes to be affine. */
function firstCut(
  { group, inputs, uses }: Lowering,
  axis: Axis,
  roots: readonly { readonly node: Node; readonly indices: readonly Affine[]; readonly stored: boolean }[],
  hook?: Hook,
): number | undefined {
  const points = collectCuts(traceIndices(group, inputs, uses, hook, roots)).get(axis)
  return points && Math.min(...points)
}

const freshIndices = (shape: readonly number[]): Affine[] =>
  shape.map((extent, i) => axisIndex(makeAxis(`kept${i}`, extent)))

/** The longest run of k, if any, in which all operands' index maps stay affine. */
export function depthRun(lowering: Lowering, { inputs: operands, attrs }: ContractNode): number | undefined {
  if (attrs.contracted !== 1) return undefined
  const k = makeAxis('k', operands[0].shape.at(-1)!)
  const roots = operands.map((node) => ({
    node,
    indices: [...freshIndices(node.shape.slice(0, -1)), axisIndex(k)],
    stored: false,
  }))
  const first = firstCut(lowering, k, roots)
  return first !== undefined && first >= shortestRun && first <= longestInner ? first : undefined
}

/** How many columns lie evenly, if not all of them: of the right factor and of what is computed from results. Shorter ones are runs anyway. */
export function columnRun(lowering: Lowering, contract: ContractNode, factors: Factors): number | undefined {
  const { batch, contracted } = contract.attrs
  const { left, right } = factors
  const [m, n] = [left, right].map(({ shape }) => shape.slice(batch, shape.length - contracted))
  const columns = makeAxis('n', sizeOf(n))
  const [batches, depth, own] = [
    left.shape.slice(0, batch),
    right.shape.slice(-contracted),
    unravel(axisIndex(columns), n),
  ]
  const operand = { node: right, indices: [...freshIndices(batches), ...own, ...freshIndices(depth)], stored: false }
  const space = spaceOfGroup(lowering.group, resultIndices(factors, freshIndices(batches), freshIndices(m), own))
  const results = lowering.group.outputs.map((node) => ({ node, indices: space.indicesOf(node)!, stored: true }))
  const product: Hook = (node) =>
    node === contract ? { op: 'literal', dtype: computeDType(contract.dtype), value: 0 } : undefined
  const cuts = [firstCut(lowering, columns, [operand]), firstCut(lowering, columns, results, product)]
  const first = Math.min(...cuts.filter((cut) => cut !== undefined))
  return first > longestInner && first < columns.extent ? first : undefined
}
