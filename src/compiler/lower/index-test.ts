// Lowers a group that only tests an index: a loop over the elements that the index is made of, each compared with the limit.
import type { Node } from '../../graph/node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { widestBytes } from './evaluate.ts'
import { type Affine, type Axis, axisIndex, makeAxis, substitute, usesAxis, zero } from './index-algebra.ts'
import { blocksFor, chooseVectorAxis, lanesFor, parallelNest, registerLanes } from './loops.ts'
import { type LoweredKernel, Lowering, traceIndices } from './lowered-kernel.ts'
import { refine } from './refine.ts'
import { Scope } from './scope.ts'

export function lowerTest(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group)
  const index = group.anchorNode!
  const { op, limit } = group.test!
  const { axes, indices, accesses } = testedSpace(lowering, index)
  const bytes = widestBytes([index, ...group.inputs])
  const axis = chooseVectorAxis(axes, accesses, registerLanes(target, bytes))
  const vector = axis && { axis, lanes: lanesFor(target, bytes, lowering.weight, axis.extent) }
  const ordered = axis ? [...axes.filter((one) => one !== axis), axis] : axes
  const elements = axes.reduce((count, one) => count * one.extent, 1)
  const blocks = blocksFor(elements, bytes + lowering.weight)
  parallelNest(lowering.builder, new Scope(), ordered, blocks, vector, (scope) => {
    lowering.evaluation(scope).checkedIndex(index, indices, limit, op)
  })
  return lowering.finish()
}

/** The axes that the index's elements differ along, and one index vector for each of their positions. */
function testedSpace(lowering: Lowering, index: Node) {
  const { group, inputs, uses } = lowering
  const roots = index.shape.map((extent, i) => makeAxis(`t${i}`, extent))
  const refined = refine(roots, (indices) =>
    group.inputs.includes(index)
      ? indices
      : traceIndices(group, inputs, uses, undefined, [{ node: index, indices, stored: false }]),
  )
  const isUsed = (axis: Axis) => refined.accesses.some((access) => usesAxis(access, axis))
  const axes = refined.axes.flat()
  const skipped = new Set(axes.filter((axis) => !isUsed(axis)))
  const first = (value: Affine) => substitute(value, (axis) => (skipped.has(axis) ? zero : axisIndex(axis)))
  return { axes: axes.filter(isUsed), indices: refined.roots.map(first), accesses: refined.accesses }
}
