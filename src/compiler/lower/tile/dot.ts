// Lowers a contract without tiles: small ones, and dtypes that have no microkernel. Each result is a sum over k in order, along vector lanes of results.
import type { DType } from '../../../base/dtype.ts'
import { sizeOf } from '../../../base/shape.ts'
import { alu, castTo, zeroOf } from '../../../kernel/builders.ts'
import type { Expression } from '../../../kernel/kernel-node.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import { spaceOfGroup } from '../../tile-space.ts'
import { computeDType, type Hook, roundTo, widestBytes } from '../evaluate.ts'
import { type Affine, axisIndex, makeAxis, unravel } from '../index-algebra.ts'
import { blocksFor, lanesFor, parallelNest } from '../loops.ts'
import { type LoweredKernel, Lowering } from '../lowered-kernel.ts'
import { Scope } from '../scope.ts'
import type { ContractNode } from './tile-axes.ts'

export function lowerDot(group: KernelGroup, target: Target): LoweredKernel {
  const contract = group.anchorNode as ContractNode
  const lowering = new Lowering(group)
  const size = sizeOf(contract.shape)
  if (size === 0) return lowering.finish()
  const last = contract.shape.length > 0 ? contract.shape[contract.shape.length - 1] : 1
  const rows = makeAxis('row', size / last)
  const column = makeAxis('column', last)
  const own = [...unravel(axisIndex(rows), contract.shape.slice(0, -1)), axisIndex(column)].slice(
    0,
    contract.shape.length,
  )
  const indices = contract.shape.length === 0 ? [] : own
  const bytes = widestBytes([contract, ...group.outputs])
  const vector = { axis: column, lanes: lanesFor(target, bytes, lowering.weight, last) }
  const depth = sizeOf(contract.inputs[0].shape.slice(contract.inputs[0].shape.length - contract.attrs.contracted))
  parallelNest(lowering.builder, new Scope(), [rows, column], blocksFor(size, bytes * depth), vector, (scope) => {
    const product = sumOverDepth(lowering, contract, scope, indices, depth)
    const hook: Hook = (node) => (node === contract ? product : undefined)
    const evaluation = lowering.evaluation(scope, hook)
    const space = spaceOfGroup(group, indices)
    const stores = group.outputs.map((node) => ({ node, indices: space.indicesOf(node)! }))
    lowering.storeAll(scope, evaluation, stores)
  })
  return lowering.finish()
}

function sumOverDepth(
  lowering: Lowering,
  contract: ContractNode,
  scope: Scope,
  indices: readonly Affine[],
  depth: number,
): Expression {
  const { builder } = lowering
  const [a, b] = contract.inputs
  const { batch, contracted } = contract.attrs
  const kShape = a.shape.slice(a.shape.length - contracted)
  const mRank = a.shape.length - contracted - batch
  const dtype = computeDType(contract.dtype)
  if (depth === 0) return zeroOf(dtype)
  const sum = builder.accumulator('sum', dtype, dtype === 'bool' ? 'max' : 'sum', 1)
  const k = makeAxis('k', depth)
  builder.loop({ name: 'k', extent: depth, kind: 'serial' }, (variable) => {
    const inside = scope.enter(k, variable)
    const evaluation = lowering.evaluation(inside)
    const kIndices = unravel(axisIndex(k), kShape)
    const left = evaluation.evaluate(a, [...indices.slice(0, batch + mRank), ...kIndices])
    const right = evaluation.evaluate(b, [...indices.slice(0, batch), ...indices.slice(batch + mRank), ...kIndices])
    builder.accumulate(sum, alu(dtype === 'bool' ? 'and' : 'mul', dtype as DType, left, right))
  })
  return castTo(roundTo(builder.read(sum), contract.dtype), dtype)
}
