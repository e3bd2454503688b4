// Modules against PyTorch's: load its state dict under its names, and give its outputs, gradients and new statistics.

import { test } from 'node:test'
import '../../src/index.ts'
import * as nn from '../../src/nn/index.ts'
import { Tensor } from '../../src/tensor/index.ts'
import { assertClose, cotangentOf, readFixture, readFixtureTensors } from './torch-fixtures.ts'

interface TensorSpec {
  readonly tensor: string
  readonly requiresGrad?: boolean
}
type Value = TensorSpec | readonly Value[] | number | string | boolean | null

interface ModuleCase {
  readonly name: string
  readonly module: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly training: boolean
  readonly stateDict: Readonly<Record<string, string>>
  readonly inputs: readonly Value[]
  readonly callKwargs: Readonly<Record<string, Value>>
  readonly outputs: readonly string[]
  readonly inputGradients: readonly string[]
  readonly parameterGradients: Readonly<Record<string, string>>
  readonly buffersAfter: Readonly<Record<string, string>>
}

const cases = ['modules', 'recurrent'].flatMap((file) => {
  const tensorAt = readFixtureTensors(file)
  return readFixture<{ modules: readonly ModuleCase[] }>(file).modules.map((module) => ({ ...module, tensorAt }))
})
const constructors = nn as unknown as Record<string, new (...args: unknown[]) => nn.Module>

/** An argument of a constructor: a plain value, a whole float, or a module to build. */
function argument(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if ('float' in value) return value.float
  if (!('module' in value)) return value
  const { module, args, kwargs } = value as { module: string; args: unknown[]; kwargs: object }
  return new constructors[module](...args, kwargs)
}

/** The value and, in reading order, the tensors in it whose gradient is compared. */
function decode(value: Value, tracked: Tensor[], tensorAt: (key: string) => Tensor): unknown {
  if (Array.isArray(value)) return value.map((item) => decode(item, tracked, tensorAt))
  if (value === null || typeof value !== 'object') return value
  const { tensor, requiresGrad = false } = value as TensorSpec
  const leaf = tensorAt(tensor).requiresGrad_(requiresGrad)
  if (requiresGrad) tracked.push(leaf)
  return leaf
}

const flattenOutputs = (output: unknown): Tensor[] =>
  output instanceof Tensor ? [output] : Array.isArray(output) ? output.flatMap(flattenOutputs) : []

for (const { name, module, args, kwargs, tensorAt, ...expected } of cases)
  test(name, async () => {
    const options = Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [key, argument(value)]))
    const model = new constructors[module](...args.map(argument), ...(Object.keys(kwargs).length > 0 ? [options] : []))
    const state = Object.entries(expected.stateDict).map(([key, at]) => [key, tensorAt(at)] as const)
    model.loadStateDict(new Map(state))
    model.train(expected.training)
    const tracked: Tensor[] = []
    const inputs = expected.inputs.map((value) => decode(value, tracked, tensorAt))
    const keywords = Object.entries(expected.callKwargs).map(([key, value]) => [key, decode(value, tracked, tensorAt)])
    const call = model as unknown as (...args: unknown[]) => unknown
    const outputs = flattenOutputs(call(...inputs, ...(keywords.length > 0 ? [Object.fromEntries(keywords)] : [])))

    for (const [i, key] of expected.outputs.entries()) await assertClose(outputs[i], tensorAt(key), `output ${i}`)
    const parameters = new Map(model.namedParameters())
    if (tracked.length + parameters.size > 0)
      outputs
        .map((output) => output.mul(cotangentOf(output)).sum())
        .reduce((sum, each) => sum.add(each))
        .backward()
    for (const [i, key] of expected.inputGradients.entries())
      await assertClose(tracked[i].grad!, tensorAt(key), `gradient of input ${i}`)
    for (const [key, at] of Object.entries(expected.parameterGradients))
      await assertClose(parameters.get(key)!.grad!, tensorAt(at), `gradient of ${key}`)
    const buffers = new Map(model.namedBuffers())
    for (const [key, at] of Object.entries(expected.buffersAfter))
      await assertClose(buffers.get(key)!, tensorAt(at), key)
  })
