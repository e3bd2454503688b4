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

for (const device of availableDevices()) {
  // no leak: over 40,000 steps memory ends where it was after 10,000. The room is for the engine, which collects when it likes (Node 26
  // swings by 4 %), and on the reference device also lays out our buffers
  const growth = device === 'reference' ? 1.09 : 1.05
  const steps = device === 'reference' ? 4000 : 10_000
  test(`${steps} plain steps leave resident memory flat after the first 200 (${device})`, () => {
    const [early, late] = measure('steps', device, steps)
    assert.ok(
      late <= early * growth,
      `${(early / 2 ** 20).toFixed(1)} MiB after warming up, ${(late / 2 ** 20).toFixed(1)} MiB at the end`,
    )
  })

  test(`graphs built and never read leave memory flat (${device})`, () => {
    const [early, late] = measure('unread', device, 20_000)
    // little is compiled before the first reading, so the engine itself still grows; 100 000 graphs end where 50 000 do
    assert.ok(
      late <= early * 1.05,
      `${(early / 2 ** 20).toFixed(1)} MiB after warming up, ${(late / 2 ** 20).toFixed(1)} MiB at the end`,
    )
  })
}
