// Meaning of the structure ops: a scan evaluates its body once a step; the others pass a value on.
import { CompileError } from '../../base/errors.ts'
import { sizeOf } from '../../base/shape.ts'
import { prepareEvaluation } from '../evaluate.ts'
import { type HostArray, hostZeros } from '../host-array.ts'
import type { ScanBody } from '../node.ts'
import type { Semantics } from './semantics.ts'

const rowOf = (sequence: HostArray, step: number): HostArray => {
  const shape = sequence.shape.slice(1)
  const size = sizeOf(shape)
  return { ...sequence, shape, data: sequence.data.subarray(step * size, (step + 1) * size) as typeof sequence.data }
}

/** Runs the whole loop: final carries, then stacked outputs. Nodes that differ in `result` only share one run. */
export function runScan(inputs: readonly HostArray[], body: ScanBody): HostArray[] {
  const { length, placeholders, outputs } = body
  let carries = inputs.slice(0, body.carries)
  const sequences = inputs.slice(body.carries, body.carries + body.sequences)
  const constants = inputs.slice(body.carries + body.sequences)
  const evaluation = prepareEvaluation(outputs, placeholders)
  const stacked = outputs.slice(body.carries).map((node) => hostZeros(node.dtype, [length, ...node.shape]))
  for (let i = 0; i < length; i++) {
    const step = body.reverse ? length - 1 - i : i
    const values = [...carries, ...sequences.map((sequence) => rowOf(sequence, step)), ...constants]
    const results = evaluation.run(values)
    carries = results.slice(0, body.carries)
    stacked.forEach((stack, at) => {
      const { data } = results[body.carries + at]
      const target = stack.data as { set(values: typeof data, offset: number): void }
      target.set(data, step * data.length)
    })
  }
  return [...carries, ...stacked]
}

export const structureSemantics: Semantics<'scan' | 'composite' | 'assign' | 'copy' | 'collective'> = {
  scan: (inputs, node) => runScan(inputs, node.attrs.body)[node.attrs.result],
  composite: (_, node) => {
    throw new CompileError(
      `composite: expected ${node.attrs.name} to be expanded before evaluation; evaluateNodes does so.`,
      { op: 'composite', name: node.attrs.name },
    )
  },
  assign: ([, value]) => value,
  copy: ([x]) => x,
  // a sum over this process alone
  collective: ([x]) => x,
}
