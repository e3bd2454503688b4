// Every function of the conformance tests' case table on about a million elements: the row calls ours, its name in PyTorch calls theirs,
// with the same values. Views are copied on both sides, since only a copy is work.
import { bytesOf } from '../src/base/dtype.ts'
import { sizeOf } from '../src/base/shape.ts'
import { type DType, fromHost, Tensor } from '../src/index.ts'
import { type Call, cases, type Value } from '../test/conformance/cases.ts'
import { peerFill } from '../test/models/peer-weights.ts'
import { type FunctionInputs, inputsOf, type TensorSpec, views } from './functions-inputs.ts'
import { overwriting } from './overwriting.ts'
import type { Case, Json, Prepared } from './suite.ts'
import { repeated } from './timing.ts'

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

const memoryOf = ({ shape, dtype }: { readonly shape: readonly number[]; readonly dtype: DType }): number =>
  bytesOf(dtype) * sizeOf(shape)

const tensorsOf = (results: unknown): readonly Tensor[] =>
  [results].flat().filter((each): each is Tensor => each instanceof Tensor)

function prepare(call: Call, { args, keywords = {} }: FunctionInputs): Prepared {
  const given = args.map(decode)
  const evaluate = () => call(given, keywords)
  const first = evaluate()
  // values decide what there is to write, and nothing is there to be written over
  if (first instanceof Promise) return { sample: repeated(async () => waitFor(tensorsOf(await evaluate()))) }
  const { sample, results } = overwriting(() => tensorsOf(evaluate()))
  return { sample, resultBytes: results.reduce((sum, result) => sum + memoryOf(result), 0) }
}

async function waitFor(results: readonly Tensor[]): Promise<void> {
  for (const result of results) result.realize()
  await results[0]?.session.synchronize()
}

export const functions = (): Case[] =>
  Object.entries(cases).map(([name, call]) => {
    const inputs = inputsOf(name)
    return {
      name,
      work: {
        function: name,
        args: inputs.args as Json,
        keywords: (inputs.keywords ?? {}) as Json,
        copy: views.has(name),
      },
      flops: 0,
      bytes: inputs.args.flatMap(tensorsIn).reduce((sum, spec) => sum + memoryOf(spec), 0),
      ours: () => prepare(call, inputs),
    }
  })
