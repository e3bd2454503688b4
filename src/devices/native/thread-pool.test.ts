// Runs emitted kernels on real threads: participation, barriers, errors, profiles, the event loop, signals, Workers.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { commandFlags, profileSlot } from '../../codegen/x64/calling-convention.ts'
import { openNativeHost } from './native-host.ts'
import { type Call, programBuilder } from './test-kernels.ts'
import type { ThreadPool } from './thread-pool.ts'

const answer = openNativeHost()
const options = { skip: answer.refused ?? false }
const host = answer.host!
const builder = answer.host && programBuilder(host)
const child = new URL(`./test-child${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url)

after(() => answer.host?.close())

const runCalls = (pool: ThreadPool, calls: readonly Call[], participants?: 'all' | 'one') => {
  const { address, count } = builder!.program(calls)
  return pool.runInPlace(address, count, participants)
}
const helperThreads = () => readdirSync('/proc/self/task').length
const settled = async (condition: () => boolean, ms: number) => {
  for (const end = Date.now() + ms; Date.now() < end && !condition(); ) await new Promise((r) => setTimeout(r, 50))
  return condition()
}

test('every participant takes part once per program, on any number of threads', options, async () => {
  for (const threads of [1, 2, 4]) {
    const pool = host.createPool({ threads })
    const [slots, counter] = [builder!.table([0, 0, 0, 0]), builder!.table([0])]
    const call: Call = { kernel: 'count', bindings: [slots, counter] }
    for (let i = 0; i < 200; i++) assert.deepEqual(runCalls(pool, [call]), { kind: 'done' })
    assert.equal(builder!.words(counter, 1)[0], 200 * threads)
    assert.deepEqual(builder!.words(slots, threads), [1, 2, 3, 4].slice(0, threads))
    runCalls(pool, [call], 'one')
    assert.equal(builder!.words(counter, 1)[0], 200 * threads + 1)
    await pool.close()
  }
})

test('no participant passes a barrier before all have arrived, over 100,000 of them', options, async () => {
  for (const threads of [1, 2, 4]) {
    const pool = host.createPool({ threads })
    const start = performance.now()
    const call: Call = { kernel: 'rounds', bindings: [builder!.table(new Array(32).fill(0))], sizes: [50_000] }
    assert.deepEqual(runCalls(pool, [call]), { kind: 'done' })
    console.log(`# ${threads} threads: ${((performance.now() - start) * 10).toFixed(0)} ns a barrier`)
    await pool.close()
  }
})

test('each participant has its own scratch memory, which can grow', options, async () => {
  const pool = host.createPool({ threads: 3, scratchBytes: 1000 })
  const slots = builder!.table([0, 0, 0])
  for (const bytes of [1024, 1 << 20]) {
    pool.ensureScratch(bytes)
    runCalls(pool, [{ kernel: 'scratch', bindings: [slots] }])
    const [a, b, c] = builder!.words(slots, 3)
    assert.deepEqual([b - a, c - b, a % 64], [bytes, bytes, 0])
  }
  await pool.close()
})

test('the lowest raised error is reported, and persistent writes after it do not happen', options, async () => {
  const pool = host.createPool({ threads: 2 })
  const counter = builder!.table([0])
  const slots = builder!.table([0, 0])
  const count: Call = { kernel: 'count', bindings: [slots, counter] }
  const calls: Call[] = [
    { ...count, flags: commandFlags.skipOnError },
    { kernel: 'raise', sizes: [41], flags: commandFlags.barrier },
    { kernel: 'raise', sizes: [3], flags: commandFlags.barrier },
    { ...count, flags: commandFlags.skipOnError },
  ]
  const error = { call: 1, code: 7, position: 41n, value: -5n }
  for (let i = 1; i <= 50; i++) {
    assert.deepEqual(runCalls(pool, calls), { kind: 'raised', error })
    assert.equal(builder!.words(counter, 1)[0], 2 * i)
  }
  assert.deepEqual(runCalls(pool, [{ ...count, flags: commandFlags.skipOnError }]), { kind: 'done' })
  await pool.close()
})

test('a command for the first thread runs once, and profiled commands accumulate ticks', options, async () => {
  const pool = host.createPool({ threads: 2 })
  const counter = builder!.table([0])
  const profile = host.memory.allocate(profileSlot.bytes)
  host.memory.write(profile, new Uint8Array(profileSlot.bytes))
  const first: Call = {
    kernel: 'count',
    bindings: [builder!.table([0, 0]), counter],
    flags: commandFlags.firstThreadOnly,
  }
  const start = performance.now()
  for (let i = 0; i < 3; i++) runCalls(pool, [first, { kernel: 'burn', sizes: [2_000_000], profile }])
  const elapsed = (performance.now() - start) / 1000
  const [ticks, calls] = builder!.words(profile, 2)
  const seconds = ticks / host.ticksPerSecond()
  assert.equal(builder!.words(counter, 1)[0], 3)
  assert.equal(calls, 3)
  assert.ok(seconds > 0.0005 && seconds <= elapsed * 1.1, `${seconds} of ${elapsed} s`)
  await pool.close()
})

test('a program off the event loop makes the pool busy, and may be closed while it runs', options, async () => {
  const pool = host.createPool({ threads: 2 })
  const { address, count } = builder!.program([{ kernel: 'burn', sizes: [50_000_000] }])
  const running = pool.run(address, count)
  assert.equal(pool.busy, true)
  assert.throws(() => pool.runInPlace(address, count), /expects an idle pool.*Await it first/)
  const closing = pool.close()
  assert.deepEqual(await running, { kind: 'done' })
  assert.equal(pool.busy, false)
  await closing
  assert.throws(() => pool.runInPlace(address, count), /got a closed one/)
})

test('an idle pool of the system sleeps, wakes, and its threads are gone after close', options, async () => {
  const before = helperThreads()
  const pool = host.createPool({ threads: 4 })
  assert.equal(helperThreads(), before + 3)
  const counter = builder!.table([0])
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    runCalls(pool, [{ kernel: 'count', bindings: [builder!.table([0, 0, 0, 0]), counter] }])
  }
  assert.equal(builder!.words(counter, 1)[0], 20)
  await pool.close()
  assert.equal(helperThreads(), before)
})

test('every signal that can be blocked is blocked in helpers, and none in the JavaScript thread', options, async () => {
  const tasks = () => readdirSync('/proc/self/task')
  const blocked = (task: string) =>
    BigInt(`0x${/^SigBlk:\s+(\w+)$/m.exec(readFileSync(`/proc/self/task/${task}/status`, 'utf8'))![1]}`)
  const before = tasks()
  const pool = host.createPool({ threads: 2 })
  const [helper] = tasks().filter((task) => !before.includes(task))
  // SIGKILL (9), SIGSTOP (19) and the C library's own (32, 33) cannot be.
  const unblockable = [9n, 19n, 32n, 33n].reduce((mask, signal) => mask | (1n << (signal - 1n)), 0n)
  assert.equal(blocked(helper) | unblockable, 2n ** 64n - 1n)
  assert.equal(blocked(String(process.pid)), 0n)
  await pool.close()
})

test('four threads on one processor finish within three times the time of one', options, (t) => {
  const { status, stdout, stderr, error } = spawnSync('taskset', [
    '-c',
    '0',
    process.execPath,
    fileURLToPath(child),
    'crowded',
  ])
  if (error) return t.skip('taskset is not installed')
  assert.equal(status, 0, String(stderr))
  const [one, four] = JSON.parse(String(stdout)) as number[]
  console.log(
    `# one thread ${one.toFixed(1)} ms, four on one processor ${four.toFixed(1)} ms: ${(four / one).toFixed(2)}`,
  )
  assert.ok(four < 3 * one + 20, `${four} ms against ${one} ms`)
})

test('a running program keeps the process alive, leaves the loop free, and lets the process end', options, () => {
  const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(child), 'async'], { timeout: 30_000 })
  assert.equal(status, 0)
  assert.match(String(stdout), /^loop\ndone \d+\n$/)
})

for (const [program, expected] of [
  ['long', { code: null, signal: 'SIGINT' }],
  ['handled', { code: 7, signal: null }],
] as const) {
  test(`an interrupt ends the process promptly during a long program (${program})`, options, async () => {
    const running = spawn(process.execPath, [fileURLToPath(child), program], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(running.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, 100))
    const start = performance.now()
    running.kill('SIGINT')
    const [code, signal] = await once(running, 'exit')
    assert.deepEqual({ code, signal }, expected)
    assert.ok(performance.now() - start < 5000, `${performance.now() - start} ms`)
  })
}

test(
  'two Workers use the library at once, with one thread unless asked, and leave no thread behind',
  options,
  async () => {
    const before = helperThreads()
    const workers = [{}, { threads: 2 }, { threads: 2, busy: true }, { threads: 3, terminated: true }].map((data) => ({
      data: data as { threads?: number; terminated?: boolean },
      worker: new Worker(child, { workerData: { ...data, program: 'worker' } }),
    }))
    await Promise.all(
      workers.map(async ({ data, worker }) => {
        const [{ threads, counted }] = await once(worker, 'message')
        assert.equal(threads, data.threads ?? 1)
        assert.equal(counted, 1000 * threads)
        if (data.terminated) return worker.terminate()
        worker.postMessage('end')
        assert.deepEqual(await once(worker, 'exit'), [0])
      }),
    )
    assert.ok(await settled(() => helperThreads() <= before, 8000), `${helperThreads()} threads, ${before} before`)
  },
)
