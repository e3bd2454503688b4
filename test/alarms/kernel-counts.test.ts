// Kernel calls, distinct kernels and arena bytes of the training cases, compiled for one fixed target: they may only go down.
// After an improvement: `node dist/test/alarms/kernel-counts.test.js --update`.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { compileGraph } from '../../src/compiler/compile.ts'
import { closeDevices, profile, setDevice } from '../../src/index.ts'
import { smallTarget } from '../fuzz/check-graph.ts'
import { compileTraining, prepareTraining, type TrainingName } from '../models/training-cases.ts'

interface Counts {
  readonly calls: number
  readonly kernels: number
  readonly arenaBytes: number
}

const names: readonly TrainingName[] = [
  'mlp-784-128-10-b64-sgd',
  'mlp-784-512-512-10-b128-adam',
  'cnn-28-b64-adam',
  'chargpt-4x128-t64-b12-adamw',
  'lstm-2x128-t50-b32-adam',
]
// tests run from the package root
const file = 'test/alarms/kernel-counts.json'
const committed = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Counts>>
const measured: Record<string, Counts> = {}

function nativeRefusal(): string | false {
  try {
    setDevice('native')
    return false
  } catch (error) {
    return (error as Error).message
  }
}

const updates = process.argv.includes('--update')
const skip = nativeRefusal()
after(async () => {
  await closeDevices()
  if (updates) writeFileSync(file, `${JSON.stringify(measured, undefined, 2)}\n`)
})

for (const name of names)
  test(`${name}: kernels and memory do not grow, and nothing runs on an interpreter`, { skip }, async () => {
    const training = prepareTraining(name)
    const step = compileTraining(training)
    const { rows } = await profile(async () => {
      await step(training.x, training.y).item()
    })
    assert.ok(rows.length > 0)
    for (const { label, lowering } of rows) assert.equal(lowering, 'x64', label)
    const plan = compileGraph(step.programs[0].graph, smallTarget)
    const counts = { calls: plan.calls.length, kernels: plan.kernels.length, arenaBytes: plan.arenaBytes }
    measured[name] = counts
    if (updates) return
    for (const key of ['calls', 'kernels', 'arenaBytes'] as const) {
      const [now, before] = [counts[key], committed[name][key]]
      assert.ok(now <= before, `${name}: ${key} grew from ${before} to ${now}`)
      if (now < before) console.log(`${name}: ${key} fell from ${before} to ${now}. Commit it: see the header.`)
    }
  })
