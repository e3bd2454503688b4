// Modules against PyTorch's on one device: load its state dict under its names, and give its outputs, gradients and new statistics.

import { test } from 'node:test'
import { setDevice } from '../../src/index.ts'
import * as nn from '../../src/nn/index.ts'
import { Tensor } from '../../src/tensor/index.ts'
import { assertClose, cotangentOf, readFixture, readFixtureTensors } from './torch-fixtures.ts'

interface TensorSpec {
  readonly tensor: string
  readonly requiresGrad?: boolean
}
type Value = TensorSpec | readonly Value[] | number | string | boolean | null

interface ModuleSpec {
  readonly module: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
}

interface ModuleCase extends ModuleSpec {
  readonly name: string
  readonly training: boolean
  readonly stateDict: Readonly<Record<string, string>>
  readonly inputs: readonly Value[]
  readonly callKwargs: Readonly<Record<string, Value>>
  readonly outputs: readonly string[]
  /** null for an input that the outputs do not depend on */
  readonly inputGradients: readonly (string | null)[]
  readonly parameterGradients: Readonly<Record<string, string>>
  readonly buffersAfter: Readonly<Record<string, string>>
}

const cases = ['modules', 'recurrent', 'module-info'].flatMap((file) => {
  const tensorAt = readFixtureTensors(file)
  return readFixture<{ modules: readonly ModuleCase[] }>(file).modules.map((module) => ({ ...module, tensorAt }))
})
const constructors = nn as unknown as Record<string, new (...args: unknown[]) => nn.Module>

const infinities: Readonly<Record<string, number>> = { inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY }
type Decode = (value: unknown) => unknown

/** An argument of a constructor: a plain value, a float, a tensor, or a module to build. */
const argumentsFrom = (tensorAt: (key: string) => Tensor): Decode => {
  const decoded: Decode = (value) => {
    if (Array.isArray(value)) return value.map(decoded)
    if (value === null || typeof value !== 'object') return value
    if ('float' in value) return typeof value.float === 'string' ? infinities[value.float] : value.float
    if ('tensor' in value) return tensorAt(value.tensor as string)
    return build(value as ModuleSpec, decoded)
  }
  return decoded
}

function build({ module, args, kwargs }: ModuleSpec, decoded: Decode): nn.Module {
  const options = Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [key, decoded(value)]))
  return new constructors[module](...args.map(decoded), ...(Object.keys(kwargs).length > 0 ? [options] : []))
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

/** Tensors in arrays and, of functions that give values and their indices, in both. */
function flattenOutputs(output: unknown): Tensor[] {
  if (output instanceof Tensor) return [output]
  if (Array.isArray(output)) return output.flatMap(flattenOutputs)
  return output ? Object.values(output).flatMap(flattenOutputs) : []
}

/** Absolute tolerances beyond PyTorch's 1e-5: sums of hundreds of products in float32, rounded after each product on wasm. */
const looser: Readonly<Record<string, number>> = { Conv3d: 3e-5, ConvTranspose3d: 3e-5 }

/** One test for each recorded module, on `device`. */
export function testModules(device: string): void {
  setDevice(device)
  for (const { name, tensorAt, ...expected } of cases)
    test(name, async () => {
      const model = build(expected, argumentsFrom(tensorAt))
      const state = Object.entries(expected.stateDict).map(([key, at]) => [key, tensorAt(at)] as const)
      model.loadStateDict(new Map(state))
      model.train(expected.training)
      const tracked: Tensor[] = []
      const inputs = expected.inputs.map((value) => decode(value, tracked, tensorAt))
      const keywords = Object.entries(expected.callKwargs).map(([key, value]) => [
        key,
        decode(value, tracked, tensorAt),
      ])
      const call = model as unknown as (...args: unknown[]) => unknown
      const outputs = flattenOutputs(call(...inputs, ...(keywords.length > 0 ? [Object.fromEntries(keywords)] : [])))

      for (const [i, key] of expected.outputs.entries()) await assertClose(outputs[i], tensorAt(key), `output ${i}`)
      const parameters = new Map(model.namedParameters())
      const differentiable = outputs.filter((output) => output.requiresGrad)
      if (differentiable.length > 0)
        differentiable
          .map((output) => output.mul(cotangentOf(output)).sum())
          .reduce((sum, each) => sum.add(each))
          .backward()
      for (const [i, key] of expected.inputGradients.entries())
        if (key !== null) await assertClose(tracked[i].grad!, tensorAt(key), `gradient of input ${i}`)
      for (const [key, at] of Object.entries(expected.parameterGradients))
        await assertClose(
          parameters.get(key)!.grad!,
          tensorAt(at),
          `gradient of ${key}`,
          1.3e-6,
          looser[expected.module],
        )
      const buffers = new Map(model.namedBuffers())
      for (const [key, at] of Object.entries(expected.buffersAfter))
        await assertClose(buffers.get(key)!, tensorAt(at), key)
    })
}
