// Bit-identical results: over 1, 2 and 4 threads, five runs each, and whatever valid order the kernels run in.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { compileGraph } from '../../src/compiler/compile.ts'
import { interpretPlan } from '../../src/compiler/interpret-plan.ts'
import { verifier } from '../../src/compiler/verifier.ts'
import { openNativeDevice } from '../../src/devices/native/native-device.ts'
import type { HostArray } from '../../src/graph/host-array.ts'
import { closeDevices, setDevice } from '../../src/index.ts'
import { runOnDevice, smallTarget } from '../fuzz/check-graph.ts'
import { compileTraining, prepareTraining, type TrainingName } from '../models/training-cases.ts'
import { shuffled, steps } from './graphs.ts'

const threadCounts = [1, 2, 4]
const runs = 5
const probe = openNativeDevice({ threads: 1 })
const refused = 'refused' in probe ? probe.refused : false
if (!('refused' in probe)) probe.close()
after(() => closeDevices())

function assertSameBits(actual: readonly HostArray[], expected: readonly HostArray[], how: string): void {
  actual.forEach((value, i) => {
    const bytes = (array: HostArray) => Buffer.from(array.data.buffer, array.data.byteOffset, array.data.byteLength)
    assert.ok(bytes(value).equals(bytes(expected[i])), `${how}: output ${i} has other bits`)
  })
}

for (const [name, makeStep] of Object.entries(steps)) {
  test(`${name}: the same bits with any number of threads, in step or delayed at random`, {
    skip: refused,
  }, async () => {
    const { graph, values } = makeStep()
    let first: readonly HostArray[] | undefined
    for (const threads of threadCounts)
      for (const jitter of [0, 1023]) {
        const device = openNativeDevice({ threads, jitter })
        assert.ok(!('refused' in device))
        for (let run = 0; run < runs; run++) {
          const outputs = await runOnDevice(device, graph, values)
          first ??= outputs
          assertSameBits(outputs, first, `${threads} threads, waits up to ${jitter}, run ${run}`)
        }
        device.close()
      }
  })

  test(`${name}: the same bits in any order of its kernels and with any number of participants`, () => {
    const { graph, values } = makeStep()
    const expected = interpretPlan(compileGraph(graph, smallTarget, { verifier }), values)
    for (let seed = 1; seed <= 4; seed++) {
      const reorder = (groups: Parameters<typeof shuffled>[0]) => shuffled(groups, seed)
      const plan = compileGraph(graph, smallTarget, { verifier, reorder })
      assertSameBits(interpretPlan(plan, values, seed), expected, `order ${seed}, ${seed} participants`)
    }
  })
}

/** Parameters after a few compiled steps, as one text of bits. */
async function trainedBits(name: TrainingName, count: number): Promise<string> {
  const training = prepareTraining(name)
  const step = compileTraining(training)
  for (let i = 0; i < count; i++) await step(training.x, training.y).item()
  const bits: string[] = []
  for (const parameter of training.model.parameters()) {
    const data = await parameter.data()
    bits.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'))
  }
  return bits.join()
}

for (const name of ['cnn-28-b64-adam', 'chargpt-4x128-t64-b12-adamw', 'lstm-2x128-t50-b32-adam'] as const)
  test(`${name}: the same parameters with any number of threads`, { skip: refused }, async () => {
    let first: string | undefined
    for (const threads of threadCounts) {
      await closeDevices()
      setDevice('native', { threads })
      for (let run = 0; run < 2; run++) {
        const bits = await trainedBits(name, 2)
        first ??= bits
        assert.ok(bits === first, `${threads} threads, run ${run}: other bits`)
      }
    }
  })
