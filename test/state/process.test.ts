// The library and its process: Workers, the end of a program, Ctrl-C, and a kill in the middle of a save.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { readFile } from '../../src/formats/safetensors/index.ts'
import { availableDevices } from '../../src/index.ts'
import { close } from './matrix.ts'

const child = fileURLToPath(new URL('process-child.js', import.meta.url))

const start = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })

/** Resolves at the first output that contains `text`. */
async function saw(running: ChildProcess, text: string): Promise<void> {
  for await (const chunk of running.stdout!) if (String(chunk).includes(text)) return
  assert.fail(`the process ended without printing '${text}'`)
}

const ended = async (running: ChildProcess): Promise<{ code: number | null; signal: string | null }> => {
  const [code, signal] =
    running.exitCode === null && running.signalCode === null
      ? await once(running, 'exit')
      : [running.exitCode, running.signalCode]
  return { code, signal }
}

for (const device of availableDevices()) {
  test(`in two Workers at once (${device})`, { timeout: 60_000 }, async () => {
    const run = async (seed: number): Promise<number[]> => {
      const worker = new Worker(new URL('worker-child.js', import.meta.url), { workerData: { device, seed } })
      const [[weights]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
      return weights as number[]
    }
    const results = await Promise.all([run(1), run(2)])
    // w <- w - 0.1 * 2 (w - seed), 50 times from 0
    results.forEach((weights, i) => {
      close(weights, [(i + 1) * (1 - 0.8 ** 50)])
    })
  })

  test(`a process that ends by itself (${device})`, { timeout: 60_000 }, async () => {
    assert.deepEqual(await ended(start('ends', device)), { code: 0, signal: null })
  })

  test(`Ctrl-C during a long program (${device})`, { timeout: 60_000 }, async () => {
    const running = start('trains', device)
    await saw(running, 'training')
    running.kill('SIGINT')
    assert.deepEqual(await ended(running), { code: null, signal: 'SIGINT' })
  })

  test(`a handler of Ctrl-C runs in a loop that awaits only step() (${device})`, { timeout: 60_000 }, async () => {
    const running = start('handles', device)
    await saw(running, 'training')
    running.kill('SIGINT')
    assert.deepEqual(await ended(running), { code: 7, signal: null })
  })

  test(`kill -9 in the middle of saving leaves the old file or the new one (${device})`, {
    timeout: 60_000,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tensorloom-'))
    try {
      const path = join(folder, 'weights.safetensors')
      for (const delay of [0, 3, 11]) {
        const running = start('saves', device, path)
        await saw(running, 'saving')
        await new Promise((resolve) => setTimeout(resolve, delay))
        running.kill('SIGKILL')
        assert.deepEqual(await ended(running), { code: null, signal: 'SIGKILL' })
        const { tensors } = await readFile(path)
        const { bytes } = tensors.get('weight')!
        const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
        assert.equal(values.length, 2 ** 18)
        assert.ok(values.every((value) => value === values[0]))
      }
      assert.ok((await readdir(folder)).includes('weights.safetensors'))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
}
