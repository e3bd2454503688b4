// Checks a random graph: the reference semantics, the kernel interpreter with every pass on and with each one off, and devices must agree.

import assert from 'node:assert/strict'
import { bytesOf, isFloat } from '../../src/base/dtype.ts'
import { sizeOf } from '../../src/base/shape.ts'
import { type CompileOptions, compileGraph } from '../../src/compiler/compile.ts'
import type { Graph } from '../../src/compiler/graph.ts'
import { interpretPlan } from '../../src/compiler/interpret-plan.ts'
import { kernelPasses } from '../../src/compiler/optimize/optimize.ts'
import type { Target } from '../../src/compiler/target.ts'
import { verifier } from '../../src/compiler/verifier.ts'
import { evaluateNodes } from '../../src/graph/evaluate.ts'
import type { HostArray } from '../../src/graph/host-array.ts'
import { decodeHost, encodeHost } from '../../src/graph/host-bytes.ts'
import type { Node } from '../../src/graph/node.ts'
import type { Device } from '../../src/runtime/device.ts'
import { formatRandomGraph, type RandomGraph } from './random-graph.ts'

/** Caches small enough that small graphs are blocked, split and spread over participants too. */
export const smallTarget: Target = {
  dtypes: new Set(['float32', 'float64', 'int32', 'int64', 'bool']),
  vectorBytes: 32,
  vectorRegisters: 16,
  l1: 32768,
  l2: 1048576,
  l3: 33554432,
  threads: 2,
  tiles: { float32: [{ mr: 6, nr: 16, lanes: 8, rate: 32 }], float64: [{ mr: 6, nr: 8, lanes: 4, rate: 16 }] },
}

export const variants: Readonly<Record<string, CompileOptions>> = {
  'all on': {},
  'no simplify': { simplify: false },
  'no fuse': { fuse: false },
  ...Object.fromEntries(kernelPasses.map(({ name }) => [`no ${name}`, { skip: new Set([name]) }])),
}

export const referenceOf = ({ graph, values }: RandomGraph): HostArray[] =>
  evaluateNodes(
    graph.outputs.map(({ node }) => node),
    new Map<Node, HostArray>(graph.leaves.map((leaf, i) => [leaf, values[i]])),
  )

/** The graph compiled in one way and run by the interpreter, with one and three participants. */
export function checkInterpreted(random: RandomGraph, expected: readonly HostArray[], names: readonly string[]): void {
  for (const name of names) {
    const plan = compileGraph(random.graph, smallTarget, { ...variants[name], verifier })
    for (const participants of [1, 3])
      assertAgree(
        interpretPlan(plan, random.values, participants),
        expected,
        random,
        `${name}, ${participants} participants`,
      )
  }
}

export async function checkOnDevice(
  device: Device,
  random: RandomGraph,
  expected: readonly HostArray[],
): Promise<void> {
  assertAgree(await runOnDevice(device, random.graph, random.values), expected, random, `device ${device.name}`)
}

/** Values of the outputs after one run on a device. */
export async function runOnDevice(device: Device, graph: Graph, values: readonly HostArray[]): Promise<HostArray[]> {
  const program = device.compile(graph)
  const leaves = values.map((value) => {
    const bytes = encodeHost(value)
    const buffer = device.allocate(bytes.byteLength)
    device.write(buffer, bytes)
    return buffer
  })
  const own = graph.outputs.map(({ node, target }) =>
    target === undefined ? device.allocate(sizeOf(node.shape) * bytesOf(node.dtype)) : undefined,
  )
  device.submit(program, { leaves, outputs: own })
  const bytes = await Promise.all(graph.outputs.map(({ target }, i) => device.read(own[i] ?? leaves[target!])))
  const failure = device.takeFailure()
  for (const buffer of [...leaves, ...own]) buffer?.release()
  program.release()
  if (failure) throw failure.error
  return graph.outputs.map(({ node }, i) =>
    decodeHost(node.dtype, node.shape, bytes[i].slice(0, sizeOf(node.shape) * bytesOf(node.dtype))),
  )
}

function assertAgree(
  actual: readonly HostArray[],
  expected: readonly HostArray[],
  random: RandomGraph,
  how: string,
): void {
  actual.forEach((value, i) => {
    const tolerance = isFloat(value.dtype)
      ? 2 * random.tolerances[i] * (random.isRelative ? 1 + largest(expected[i]) : 1)
      : 0
    const at = firstDifference(value, expected[i], tolerance)
    if (at === undefined) return
    const [got, wanted] = [value.data[at], expected[i].data[at]]
    assert.fail(
      `${how}: output ${i} at ${at}: expected ${wanted} within ${tolerance}, got ${got}\n${formatRandomGraph(random)}`,
    )
  })
}

const largest = ({ data }: HostArray): number => {
  let result = 0
  for (const value of data) result = Math.max(result, Math.abs(Number(value)))
  return result
}

function firstDifference(actual: HostArray, expected: HostArray, tolerance: number): number | undefined {
  assert.deepEqual(actual.shape, expected.shape)
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [actual.data[i], expected.data[i]]
    if (a === b || Object.is(a, b)) continue
    if (!(Math.abs(Number(a) - Number(b)) <= tolerance)) return i
  }
  return undefined
}
