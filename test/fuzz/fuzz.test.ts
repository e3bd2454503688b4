// Random graphs: the reference, the interpreter with all passes and with each one off, and the native device, also with each pass off and
// in checked mode, must agree. `npm run fuzz` looks further.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { kernelPasses } from '../../src/compiler/optimize/optimize.ts'
import { type NativeDeviceOptions, openNativeDevice } from '../../src/devices/native/native-device.ts'
import { openNativeHost } from '../../src/devices/native/native-host.ts'
import { recipes } from './arbitrary.ts'
import { checkInterpreted, checkOnDevice, referenceOf, variants } from './check-graph.ts'
import { buildGradientGraph, buildGraph } from './random-graph.ts'

test('random graphs agree with every pass on and with each one off', () => {
  fc.assert(
    fc.property(recipes(12), (recipe) => {
      const random = buildGraph(recipe, 1000)
      checkInterpreted(random, referenceOf(random), Object.keys(variants))
    }),
    { numRuns: 100, seed: 2 },
  )
})

interface Tier {
  readonly options: NativeDeviceOptions
  readonly size: 'small' | 'large'
  readonly elementLimit: number
  readonly numRuns: number
}

const tiers: Readonly<Record<string, Tier>> = {
  'small ones': { options: { threads: 2 }, size: 'small', elementLimit: 20_000, numRuns: 150 },
  'large ones': { options: { threads: 2 }, size: 'large', elementLimit: 60_000, numRuns: 30 },
  'with three threads': { options: { threads: 3 }, size: 'large', elementLimit: 20_000, numRuns: 15 },
  'in checked mode': { options: { threads: 2, checked: true }, size: 'small', elementLimit: 4000, numRuns: 40 },
  'without simplify': { options: { threads: 1, simplify: false }, size: 'small', elementLimit: 4000, numRuns: 15 },
  'without fusing': { options: { threads: 1, fuse: false }, size: 'small', elementLimit: 4000, numRuns: 15 },
  'without reuse of memory': {
    options: { threads: 1, reuseMemory: false },
    size: 'small',
    elementLimit: 4000,
    numRuns: 15,
  },
  ...Object.fromEntries(
    kernelPasses.map(({ name }): [string, Tier] => [
      `without ${name}`,
      { options: { threads: 1, skip: [name] }, size: 'small', elementLimit: 4000, numRuns: 15 },
    ]),
  ),
}

const { host, refused } = openNativeHost()
void host?.close()

Object.entries(tiers).forEach(([name, { options, size, elementLimit, numRuns }], seed) => {
  test(`random graphs agree on native, ${name}`, { skip: refused }, async () => {
    const device = openNativeDevice(options)
    assert.ok(!('refused' in device))
    const property = fc.asyncProperty(recipes(12, size), async (recipe) => {
      const random = buildGraph(recipe, elementLimit)
      await checkOnDevice(device, random, referenceOf(random))
    })
    await fc.assert(property, { numRuns, seed: seed + 3 })
    device.close()
  })
})

test('gradients of random graphs agree on the interpreter and on native', { skip: refused }, async () => {
  const device = openNativeDevice({ threads: 2 })
  assert.ok(!('refused' in device))
  const property = fc.asyncProperty(recipes(8), async (recipe) => {
    const random = buildGradientGraph(recipe, 600)
    if (!random) return
    const expected = referenceOf(random)
    checkInterpreted(random, expected, ['all on', 'no fuse'])
    await checkOnDevice(device, random, expected)
  })
  await fc.assert(property, { numRuns: 60, seed: 21 })
  device.close()
})
