// Memory: bounded by what is alive, without anybody calling dispose or forcing a collection.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { availableDevices } from '../../src/index.ts'

const child = fileURLToPath(new URL('memory-child.js', import.meta.url))

/** Resident bytes over a run in a process of its own. */
function measure(scenario: string, device: string, steps: number): number[] {
  // a small heap, so that the engine's own growth does not hide ours; nothing forces a collection
  const heap = ['--max-semi-space-size=1', '--max-old-space-size=40']
  const output = execFileSync(process.execPath, [...heap, child, scenario, device, String(steps)], { encoding: 'utf8' })
  return JSON.parse(output.trim().split('\n').at(-1)!) as number[]
}

const attempts = 3

/** A leak grows in every run; the engine, which collects when it likes, only in some: one run within the bound proves there is none. */
function expectFlat(scenario: string, device: string, steps: number, growth: number): void {
  const seen: string[] = []
  for (let i = 0; i < attempts; i++) {
    const [early, late] = measure(scenario, device, steps)
    if (late <= early * growth) return
    seen.push(`${(early / 2 ** 20).toFixed(1)} MiB after warming up, ${(late / 2 ** 20).toFixed(1)} MiB at the end`)
  }
  assert.fail(seen.join('; '))
}

for (const device of availableDevices()) {
  // the reference device's buffers are arrays of the engine's, which it lays out more loosely as it goes
  const growth = device === 'reference' ? 1.05 : 1.02
  const steps = device === 'reference' ? 4000 : 10_000
  test(`${steps} plain steps leave resident memory flat after the first 200 (${device})`, () => {
    expectFlat('steps', device, steps, growth)
  })

  test(`graphs built and never read leave memory flat (${device})`, () => {
    // little is compiled before the first reading, so the engine itself still grows; 100 000 graphs end where 50 000 do
    expectFlat('unread', device, 20_000, 1.05)
  })
}
