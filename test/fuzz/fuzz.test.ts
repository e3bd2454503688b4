// Random graphs: the reference, the interpreter with all passes and with each one off, and the native device must agree.
import { test } from 'node:test'
import fc from 'fast-check'
import { openNativeDevice } from '../../src/devices/native/native-device.ts'
import type { Device } from '../../src/runtime/device.ts'
import { recipes } from './arbitrary.ts'
import { checkInterpreted, checkOnDevice, referenceOf, variants } from './check-graph.ts'
import { buildGraph } from './random-graph.ts'

const native = openNativeDevice({ threads: 2 })
const checked = openNativeDevice({ threads: 2, checked: true })
const refused = 'refused' in native ? native.refused : false

test('random graphs agree with every pass on and with each one off', () => {
  fc.assert(
    fc.property(recipes(9), (recipe) => {
      const random = buildGraph(recipe, 1500)
      checkInterpreted(random, referenceOf(random), Object.keys(variants))
    }),
    { numRuns: 60, seed: 2 },
  )
})

const onDevice = (device: Device, longest: number, limit: number, numRuns: number, seed: number): Promise<void> =>
  fc.assert(
    fc.asyncProperty(recipes(longest), async (recipe) => {
      const random = buildGraph(recipe, limit)
      await checkOnDevice(device, random, referenceOf(random))
    }),
    { numRuns, seed },
  )

test('random graphs agree on native', { skip: refused }, () => onDevice(native as Device, 14, 20_000, 70, 3))
test('random graphs agree on native in checked mode', { skip: refused }, () => onDevice(checked as Device, 10, 4000, 40, 4))
