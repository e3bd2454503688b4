// Every function of the conformance tests' case table on about a million elements: the row calls ours, its name in PyTorch calls theirs,
// with the same values. Views are copied on both sides, since only a copy is work.
import { fromHost, type Tensor } from '../src/index.ts'
import { type Call, cases, type Results, type Value } from '../test/conformance/cases.ts'
import { peerFill } from '../test/models/peer-weights.ts'
import { type FunctionInputs, inputsOf, type TensorSpec, views } from './functions-inputs.ts'
import { overwriting } from './overwriting.ts'
import type { Case, Json } from './suite.ts'

function tensorOf({ shape, fill, seed, bound, classes, dtype }: TensorSpec): Tensor {
  const spec = fill === 'integer' ? { shape, fill, seed, classes } : { shape, fill: 'uniform' as const, seed, bound }
  const tensor = fromHost(peerFill(spec), shape).to(dtype)
  return fill === 'positive' ? tensor.abs() : tensor
}

const isTensor = (value: object): value is TensorSpec => 'fill' in value

/** A description's tensors made, all else as it is. */
function decode(value: Value): Value {
  if (Array.isArray(value)) return value.map(decode)
  if (typeof value !== 'object' || value === null) return value
  return isTensor(value) ? tensorOf(value).realize() : value
}

function tensorsIn(value: Value): readonly TensorSpec[] {
  if (Array.isArray(value)) return value.flatMap(tensorsIn)
  return typeof value === 'object' && value !== null && isTensor(value) ? [value] : []
}

const elementBytes: Readonly<Record<string, number>> = { float32: 4, float64: 8, int64: 8, bool: 1 }
const bytesOf = ({ shape, dtype }: { readonly shape: readonly number[]; readonly dtype: string }): number =>
  elementBytes[dtype] * shape.reduce((product, extent) => product * extent, 1)

const listOf = (results: Results): readonly Tensor[] => (Array.isArray(results) ? results : [results as Tensor])

function prepare(call: Call, { args, keywords = {} }: FunctionInputs) {
  const given = args.map(decode)
  const { sample, results } = overwriting(() => listOf(call(given, keywords) as Results))
  return { sample, resultBytes: results.reduce((sum, result) => sum + bytesOf(result), 0) }
}

export const functions = (): Case[] =>
  Object.entries(cases).flatMap(([name, call]) => {
    const inputs = inputsOf(name)
    if (inputs === undefined) return []
    return {
      name,
      work: {
        function: name,
        args: inputs.args as Json,
        keywords: (inputs.keywords ?? {}) as Json,
        copy: views.has(name),
      },
      flops: 0,
      bytes: inputs.args.flatMap(tensorsIn).reduce((sum, spec) => sum + bytesOf(spec), 0),
      ours: () => prepare(call, inputs),
    }
  })
