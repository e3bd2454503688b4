// Runs a lowered group on the kernel interpreter and compares it with the graph's reference semantics; other tests of `lower` and `optimize` import it.
import assert from 'node:assert/strict'
import { isFloat } from '../../base/dtype.ts'
import { sizeOf } from '../../base/shape.ts'
import { evaluateNodes } from '../../graph/evaluate.ts'
import type { HostArray } from '../../graph/host-array.ts'
import { decodeHost, encodeHost } from '../../graph/host-bytes.ts'
import { type Node, topologicalOrder } from '../../graph/node.ts'
import { type DeviceData, deviceArrays, poisoned } from '../../kernel/device-data.ts'
import { type CheckFailure, interpretKernel } from '../../kernel/interpret.ts'
import type { Kernel } from '../../kernel/kernel-node.ts'
import { printKernel } from '../../kernel/print.ts'
import { verifyKernel } from '../../kernel/verify.ts'
import { kernelPasses, optimize } from '../optimize/optimize.ts'
import type { Anchor, KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { lower } from './lower.ts'
import type { LoweredKernel } from './lowered-kernel.ts'

export const testTarget: Target = {
  dtypes: new Set(['float32', 'float64', 'int32', 'int64', 'bool']),
  vectorBytes: 32,
  vectorRegisters: 16,
  l1: 32768,
  l2: 1048576,
  l3: 33554432,
  threads: 2,
  tiles: { float32: [{ mr: 6, nr: 16, lanes: 8, rate: 32 }], float64: [{ mr: 6, nr: 8, lanes: 4, rate: 16 }] },
}

export function groupOf(anchor: Anchor, outputs: readonly Node[], anchorNode?: Node): KernelGroup {
  const order = topologicalOrder(outputs)
  return {
    anchor,
    anchorNode,
    inputs: order.filter((node) => node.op === 'buffer'),
    inner: order.filter((node) => node.op !== 'buffer'),
    outputs,
  }
}

/** Small whole numbers and halves, so that sums are exact in every order; `seed` varies them. */
export function sample(node: Node, seed = 1): HostArray {
  const size = sizeOf(node.shape)
  const values = Array.from({ length: size }, (_, i) => ((i * 7919 + seed * 104729) % 31) - 15)
  if (node.dtype === 'bool')
    return { dtype: node.dtype, shape: node.shape, data: Uint8Array.from(values, (v) => v & 1) }
  if (isFloat(node.dtype)) {
    const floats = values.map((value) => value / 4)
    const data = node.dtype === 'float64' ? Float64Array.from(floats) : Float32Array.from(floats)
    return { dtype: node.dtype, shape: node.shape, data }
  }
  if (node.dtype === 'int64')
    return { dtype: node.dtype, shape: node.shape, data: BigInt64Array.from(values, (value) => BigInt(value)) }
  return { dtype: node.dtype, shape: node.shape, data: new (deviceArrays[node.dtype] as Int32ArrayConstructor)(values) }
}

const toDevice = (value: HostArray): DeviceData => {
  const data = poisoned(value.dtype, value.data.length)
  new Uint8Array(data.buffer).set(encodeHost(value))
  return data
}

export interface RunResult {
  readonly outputs: readonly HostArray[]
  readonly failure: CheckFailure | undefined
}

export function runKernel(
  kernel: Kernel,
  group: KernelGroup,
  temporaries: LoweredKernel['temporaries'],
  inputs: readonly HostArray[],
  participants = 1,
): RunResult {
  const results = group.outputs.map((node) => poisoned(node.dtype, sizeOf(node.shape)))
  const own = temporaries.map(({ dtype, size }) => poisoned(dtype, size))
  const failure = interpretKernel(kernel, [...inputs.map(toDevice), ...results, ...own], [], participants)
  const outputs = group.outputs.map((node, i) => {
    const data = results[i]
    return decodeHost(node.dtype, node.shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  })
  return { outputs, failure }
}

export function assertClose(
  actual: HostArray,
  expected: HostArray,
  tolerance: number,
  hint: string,
  length = expected.data.length,
): void {
  assert.deepEqual(actual.shape, expected.shape)
  for (let i = 0; i < length; i++) {
    const [a, b] = [Number(actual.data[i]), Number(expected.data[i])]
    if (Object.is(a, b) || a === b) continue
    if (Math.abs(a - b) <= tolerance * (1 + Math.abs(b))) continue
    assert.fail(`element ${i}: expected ${b}, got ${a}\n${hint}`)
  }
}

export interface CheckOptions {
  readonly tolerance?: number
  readonly inputs?: ReadonlyMap<Node, HostArray>
  readonly anchorNode?: Node
  /** elements of each output from its start that mean something, unless all do */
  readonly lengths?: readonly number[]
}

/** The kernel as lowered, optimized, and optimized with each pass left out. */
const variantsOf = (kernel: Kernel): readonly Kernel[] => [
  kernel,
  optimize(kernel),
  ...kernelPasses.map(({ name }) => optimize(kernel, new Set([name]))),
]

/** Lowers, verifies, runs with one and three participants, and compares with the reference. */
export function checkGroup(anchor: Anchor, outputs: readonly Node[], options: CheckOptions = {}): Kernel {
  const group = groupOf(anchor, outputs, options.anchorNode)
  const lowered = lower(group, testTarget)
  const values = new Map(group.inputs.map((node, i) => [node, options.inputs?.get(node) ?? sample(node, i + 1)]))
  const expected = evaluateNodes(outputs, values)
  const inputs = group.inputs.map((node) => values.get(node)!)
  for (const kernel of variantsOf(lowered.kernel)) {
    const hint = printKernel(kernel)
    try {
      verifyKernel(kernel)
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${hint}`)
    }
    for (const participants of [1, 3]) {
      const { outputs: actual, failure } = runKernel(kernel, group, lowered.temporaries, inputs, participants)
      assert.equal(failure, undefined, hint)
      actual.forEach((value, i) => {
        assertClose(value, expected[i], options.tolerance ?? 1e-6, hint, options.lengths?.[i])
      })
    }
  }
  return lowered.kernel
}
