// Ten training steps of the peer's cases, plain and compiled, from the same weights as PyTorch: the losses must be PyTorch's within 1e-4.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { closeDevices, device, setDevice } from '../../src/index.ts'
import { lossesOf, prepareTraining, recordOf, stepOf, type TrainingName, worstDeviation } from './training-cases.ts'

const tolerance = 1e-4
const steps = 10

const mlps = ['mlp-784-128-10-b64-sgd', 'mlp-784-512-512-10-b128-adam'] as const

interface Coverage {
  readonly names: readonly TrainingName[]
  readonly modes: readonly ('plain' | 'compiled')[]
}

/** The reference device is slow, and its plain loop runs through the same interpreter; refused.test.ts has the plain loop on wasm. */
const coverageOf: Readonly<Record<string, Coverage>> = {
  native: {
    names: [...mlps, 'cnn-28-b64-adam', 'chargpt-4x128-t64-b12-adamw', 'lstm-2x128-t50-b32-adam'],
    modes: ['plain', 'compiled'],
  },
  wasm: { names: [...mlps, 'cnn-28-b64-adam', 'chargpt-4x128-t64-b12-adamw'], modes: ['compiled'] },
  reference: { names: mlps, modes: ['compiled'] },
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

for (const [deviceName, coverage] of Object.entries(coverageOf)) {
  const skip = refusalOf(deviceName)
  for (const name of coverage.names) {
    for (const mode of coverage.modes) {
      test(`${name}, ${mode} on ${deviceName}: PyTorch's losses over ${steps} steps`, { skip }, async () => {
        setDevice(deviceName)
        assert.equal(device().name, deviceName)
        assert.equal(recordOf(name).comparableSteps, steps)
        const got = await lossesOf(stepOf(prepareTraining(name), mode === 'compiled'), steps)
        assert.equal(got.length, steps)
        const worst = worstDeviation(name, got)
        assert.ok(worst <= tolerance, `deviates by ${worst.toExponential(1)}: ${got.join(' ')}`)
      })
    }
  }
}
