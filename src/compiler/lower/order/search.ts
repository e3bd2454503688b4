// Lowers `searchRows`: values go through their binary searches side by side, a lane each; every step is a load, a comparison and a sum, and no branch.
// Places are int32 and proved to lie inside, so no index is tested.
import { bytesOf } from '../../../base/dtype.ts'
import { searchSteps } from '../../../graph/composites/search.ts'
import { elementsOf, type Node } from '../../../graph/node.ts'
import { castTo, storeTo } from '../../../kernel/builders.ts'
import type { Expression } from '../../../kernel/kernel-node.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import { axisIndex, linearIndex, makeAxis, offset, opaqueIndex } from '../index-algebra.ts'
import { blocksFor, lanesFor, parallelNest } from '../loops.ts'
import { type LoweredKernel, Lowering } from '../lowered-kernel.ts'
import { Scope } from '../scope.ts'
import { asIndex, choose, compute, int32 } from './rows.ts'

/** Additions' worth of work that a step is. */
const stepWeight = 4

export const suitsSearch = ({ inputs: [sorted] }: Node<'composite'>): boolean => sorted.shape[1] < 2 ** 30

export function lowerSearch(group: KernelGroup, target: Target): LoweredKernel {
  const { right } = (group.anchorNode as Node<'composite'>).attrs.attrs as { right: boolean }
  const lowering = new Lowering(group)
  const { builder } = lowering
  const [sorted, values] = group.anchorNode!.inputs
  const [row, column] = [makeAxis('row', values.shape[0]), makeAxis('value', values.shape[1])]
  const steps = searchSteps(sorted.shape[1])
  const weight = steps.length * stepWeight
  const vector = { axis: column, lanes: lanesFor(target, bytesOf(values.dtype), weight, column.extent) }
  const indices = [axisIndex(row), axisIndex(column)]
  parallelNest(builder, new Scope(), [row, column], blocksFor(elementsOf(values), weight), vector, (scope) => {
    const evaluation = lowering.evaluation(scope)
    const value = builder.bind('value', evaluation.evaluate(values, indices))
    let place: Expression = int32(0)
    let reached = 0
    for (const by of steps) {
      const at = opaqueIndex(asIndex(place), `place${reached}`, reached + 1, indices)
      const element = evaluation.evaluate(sorted, [axisIndex(row), offset(at, by - 1)])
      const isAbove = right ? compute('less', value, element) : compute('lessEqual', value, element)
      place = builder.bind('place', compute('add', place, choose(isAbove, int32(0), int32(by))))
      reached += by
    }
    const output = group.outputs[0]
    const at = scope.materialize(linearIndex(indices, output.shape))
    builder.emit(storeTo(lowering.outputs.get(output)!, at, castTo(place, output.dtype)))
  })
  return lowering.finish()
}
