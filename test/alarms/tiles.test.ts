// Products on every microkernel that the processor has: 256-bit tiles and, where present, 512-bit ones, over sizes that no tile divides.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { CompileError } from '../../src/base/errors.ts'
import { emitKernel } from '../../src/codegen/x64/emit-kernel.ts'
import { compileGraph } from '../../src/compiler/compile.ts'
import type { Graph } from '../../src/compiler/graph.ts'
import { nativeTiles, openNativeDevice } from '../../src/devices/native/native-device.ts'
import * as build from '../../src/graph/builders.ts'
import type { HostArray } from '../../src/graph/host-array.ts'
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
