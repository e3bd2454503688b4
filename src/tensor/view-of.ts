// viewOf: a movement of a tensor's node goes in, the same movement as a view step comes out: readable, and writable in place.
import { CompileError } from '../base/errors.ts'
import { isOp, type Node } from '../graph/node.ts'
import { expandStep, permuteStep, readThrough, reshapeStep, sliceStep, type ViewStep, writeThrough } from './view.ts'

/** The steps from `from` up to `moved`, which movement builders made of it, as one step. */
export function viewOf(moved: Node, from: Node): ViewStep {
  const steps: ViewStep[] = []
  for (let node = moved; node !== from; node = node.inputs[0]) steps.unshift(stepOf(node))
  return steps.length === 1 ? steps[0] : chain(steps)
}

function stepOf(node: Node): ViewStep {
  if (isOp(node, 'reshape')) return reshapeStep(node.attrs.shape)
  if (isOp(node, 'permute')) return permuteStep(node.attrs.axes)
  if (isOp(node, 'expand')) return expandStep(node.attrs.shape)
  if (isOp(node, 'slice')) return sliceStep(node.attrs.starts, node.attrs.sizes, node.attrs.steps)
  throw new CompileError(`view: expected reshape, permute, expand or slice, got ${node.op}.`, { op: node.op })
}

const chain = (steps: readonly ViewStep[]): ViewStep => ({
  name: steps.map(({ name }) => name).join(' '),
  apply: (base) => readThrough(steps, base),
  place: (base, value) => writeThrough(steps, base, value),
})
