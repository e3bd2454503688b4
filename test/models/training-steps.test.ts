// Ten training steps of the peer's cases, plain and compiled, from the same weights as PyTorch: the losses must be PyTorch's within 1e-4.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { closeDevices, device, setDevice } from '../../src/index.ts'
import {
  compiledLosses,
  plainLosses,
  prepareTraining,
  recordOf,
  type TrainingName,
  worstDeviation,
} from './training-cases.ts'

const tolerance = 1e-4
const steps = 10

const mlps = ['mlp-784-128-10-b64-sgd', 'mlp-784-512-512-10-b128-adam'] as const
const casesOf: Readonly<Record<string, readonly TrainingName[]>> = {
  native: [...mlps, 'cnn-28-b64-adam', 'chargpt-4x128-t64-b12-adamw'],
  reference: mlps,
}
const refusalOf = (name: string): string | false => {
  try {
    setDevice(name)
    return false
  } catch (error) {
    return (error as Error).message
  }
}

after(() => closeDevices())

for (const [deviceName, names] of Object.entries(casesOf)) {
  const skip = refusalOf(deviceName)
  for (const name of names) {
    for (const [mode, losses] of Object.entries({ plain: plainLosses, compiled: compiledLosses })) {
      test(`${name}, ${mode} on ${deviceName}: PyTorch's losses over ${steps} steps`, { skip }, async () => {
        setDevice(deviceName)
        assert.equal(device().name, deviceName)
        assert.equal(recordOf(name).comparableSteps, steps)
        const got = await losses(prepareTraining(name), steps)
        assert.equal(got.length, steps)
        const worst = worstDeviation(name, got)
        assert.ok(worst <= tolerance, `deviates by ${worst.toExponential(1)}: ${got.join(' ')}`)
      })
    }
  }
}
