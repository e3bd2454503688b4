// Products on every microkernel that the processor has: 256-bit tiles and, where present, 512-bit ones, over sizes that no tile divides.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { backward } from '../../src/autograd/backward.ts'
import { CompileError } from '../../src/base/errors.ts'
import { emitKernel } from '../../src/codegen/x64/emit-kernel.ts'
import { compileGraph } from '../../src/compiler/compile.ts'
import type { Graph } from '../../src/compiler/graph.ts'
import { nativeTiles, openNativeDevice } from '../../src/devices/native/native-device.ts'
import * as build from '../../src/graph/builders.ts'
import { conv2d } from '../../src/graph/composites/conv.ts'
import { evaluateNodes } from '../../src/graph/evaluate.ts'
import type { HostArray } from '../../src/graph/host-array.ts'
import type { Node } from '../../src/graph/node.ts'
import type { Device } from '../../src/runtime/device.ts'
import { runOnDevice, smallTarget } from '../fuzz/check-graph.ts'

const sizes = [
  [1, 33, 100],
  [13, 16, 64],
  [14, 10, 200],
  [27, 47, 193],
  [28, 31, 385],
  [61, 65, 191],
  [127, 129, 131],
]

/** Quarters between -4 and 4: sums of their products are exact in float32, in any order. */
const quarters = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => (((i * 7919 + seed * 104729) % 33) - 16) / 4)

function product(dtype: 'float32' | 'float64', [m, n, k]: readonly number[]) {
  const arrays = dtype === 'float32' ? Float32Array : Float64Array
  const [a, b] = [build.placeholder([m, k], dtype), build.placeholder([k, n], dtype)]
  const [x, y] = [quarters(m * k, 1), quarters(k * n, 2)]
  const graph: Graph = { leaves: [a, b], outputs: [{ node: build.matmul(a, b), persistent: false }] }
  const values: HostArray[] = [
    { dtype, shape: [m, k], data: arrays.from(x) },
    { dtype, shape: [k, n], data: arrays.from(y) },
  ]
  const expected = new arrays(m * n)
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) for (let q = 0; q < k; q++) expected[i * n + j] += x[i * k + q] * y[q * n + j]
  return { graph, values, expected }
}

const opened = {
  'as wide as it gets': openNativeDevice({ threads: 2 }),
  '256 bits': openNativeDevice({ threads: 2, avx512: false }),
}
after(() => {
  for (const device of Object.values(opened)) if (!('refused' in device)) device.close()
})

for (const [name, device] of Object.entries(opened))
  for (const dtype of ['float32', 'float64'] as const)
    test(`${dtype} products, ${name}`, { skip: 'refused' in device ? device.refused : false }, async () => {
      for (const size of sizes) {
        const { graph, values, expected } = product(dtype, size)
        const [result] = await runOnDevice(device as Device, graph, values)
        assert.deepEqual(result.data, expected, size.join(' x '))
      }
    })

/**
 * Input, weight, stride: one image that is a block, several in a block, blocks within an image, within a row; windows that overlap, and that
 * do not.
 */
const convolutions = [
  [[1, 4, 7, 7], [8, 4, 3, 3], 1],
  [[1, 3, 20, 22], [5, 3, 3, 3], 1],
  [[5, 3, 5, 5], [20, 3, 3, 3], 1],
  [[2, 6, 30, 31], [9, 6, 1, 1], 1],
  [[3, 4, 17, 18], [7, 4, 5, 5], 2],
  [[2, 3, 3, 150], [5, 3, 3, 3], 1],
  [[2, 3, 4, 281], [4, 3, 3, 3], 2],
  [[2, 70, 19, 40], [6, 70, 3, 5], 1],
  [[1, 2, 21, 90], [3, 2, 7, 7], 1],
] as const

for (const [name, device] of Object.entries(opened))
  for (const dtype of ['float32', 'float64'] as const)
    test(`${dtype} convolutions and their gradients, ${name}`, {
      skip: 'refused' in device ? device.refused : false,
    }, async () => {
      for (const [xShape, weightShape, stride] of convolutions) {
        const [x, weight] = [xShape, weightShape].map((shape) => build.placeholder(shape, dtype))
        const y = conv2d(x, weight, undefined, { stride, padding: weightShape[2] >> 1 })
        const grad = build.placeholder(y.shape, dtype)
        const found = backward([{ root: y, grad }], new Set([x, weight]))
        const leaves = [x, weight, grad]
        const roots = [y, found.get(x)!, found.get(weight)!]
        const values = leaves.map(({ shape }, seed): HostArray => {
          const numbers = quarters(
            shape.reduce((size, extent) => size * extent, 1),
            seed,
          )
          return { dtype, shape, data: dtype === 'float32' ? Float32Array.from(numbers) : Float64Array.from(numbers) }
        })
        const expected = evaluateNodes(roots, new Map(leaves.map((leaf, i) => [leaf, values[i]])))
        for (const [i, node] of roots.entries()) {
          const graph: Graph = { leaves, outputs: [{ node, persistent: false }] }
          const [result] = await runOnDevice(device as Device, graph, values)
          assert.deepEqual(result.data, expected[i].data, `output ${i} of ${xShape} and ${weightShape}`)
        }
      }
    })

test('operands of any order multiply to the same', {
  skip: 'refused' in opened['256 bits'] ? opened['256 bits'].refused : false,
}, async () => {
  for (const device of Object.values(opened))
    for (const [m, n, k] of [...sizes, [300, 64, 520], [16, 300, 90]]) {
      const results = []
      for (const order of ['nn', 'nt', 'tn', 'tt']) {
        const leaf = (rows: number, columns: number, isTurned: boolean) =>
          build.placeholder(isTurned ? [columns, rows] : [rows, columns], 'float32')
        const [a, b] = [leaf(m, k, order[0] === 't'), leaf(k, n, order[1] === 't')]
        const turned = (x: Node, isTurned: boolean) => (isTurned ? build.permute(x, [1, 0]) : x)
        const node = build.matmul(turned(a, order[0] === 't'), turned(b, order[1] === 't'))
        const data = (rows: number, columns: number, seed: number, isTurned: boolean) =>
          Float32Array.from({ length: rows * columns }, (_, i) => {
            const at = isTurned ? (i % rows) * columns + Math.floor(i / rows) : i
            return (((at * 7919 + seed * 104729) % 33) - 16) / 4
          })
        const values: HostArray[] = [
          { dtype: 'float32', shape: a.shape, data: data(m, k, 1, order[0] === 't') },
          { dtype: 'float32', shape: b.shape, data: data(k, n, 2, order[1] === 't') },
        ]
        const graph: Graph = { leaves: [a, b], outputs: [{ node, persistent: false }] }
        results.push((await runOnDevice(device as Device, graph, values))[0].data)
      }
      for (const result of results) assert.deepEqual(result, results[0], `${m} x ${n} x ${k}`)
    }
})

test('a 512-bit tile is refused where the processor has none', () => {
  const { graph } = product('float32', [64, 64, 64])
  const { kernels } = compileGraph(graph, { ...smallTarget, tiles: nativeTiles(true) })
  const emit = (avx512: boolean) => emitKernel(kernels[0].kernel, { checked: false, features: { f16c: true, avx512 } })
  assert.ok(emit(true).code.length > 0)
  assert.throws(
    () => emit(false),
    (error) => error instanceof CompileError && /needs AVX-512/.test(error.message),
  )
})
