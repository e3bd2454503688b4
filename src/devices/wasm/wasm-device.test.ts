// The device as a whole: values, bits over numbers of threads, failed programs, profile, and processes that end.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { IndexError } from '../../base/errors.ts'
import type { Shape } from '../../base/shape.ts'
import type { Graph } from '../../compiler/graph.ts'
import * as build from '../../graph/builders.ts'
import { makeNode, type Node } from '../../graph/node.ts'
import type { Device, DeviceBuffer } from '../../runtime/device.ts'
import { openWasmNodeDevice, type WasmNodeOptions } from './node-device.ts'
import { openWasmDevice } from './wasm-device.ts'

let storages = 0
const leafOf = (shape: Shape, dtype: 'float32' | 'int32' = 'float32'): Node =>
  makeNode('buffer', [], { leaf: { storage: storages++, version: 0 }, shape, dtype }, shape, dtype)

function open(options: WasmNodeOptions): Device {
  const device = openWasmNodeDevice(options)
  if ('refused' in device) assert.fail(device.refused)
  return device
}

function upload(device: Device, data: ArrayBufferView): DeviceBuffer {
  const handle = device.allocate(data.byteLength)
  device.write(handle, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  return handle
}

const wave = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(i * i + 1))

/** A product, a softmax over it, and its sum: tile, row and split reductions. */
function network(n: number): Graph {
  const [x, w] = [leafOf([n, n]), leafOf([n, n])]
  const product = build.matmul(x, w)
  const e = build.exp(build.sub(product, build.amax(product, 1, true)))
  const rows = build.div(e, build.sum(e, 1, true))
  return {
    leaves: [x, w],
    outputs: [product, rows, build.sum(build.mul(rows, x))].map((node) => ({ node, persistent: false })),
  }
}

async function bitsOf(device: Device, n: number, runs: number): Promise<string[]> {
  const program = device.compile(network(n))
  const leaves = [wave(n * n), wave(n * n).map((value) => value / 4)].map((data) => upload(device, data))
  const outputs = [4 * n * n, 4 * n * n, 4].map((bytes) => device.allocate(bytes))
  const found: string[] = []
  for (let i = 0; i < runs; i++) {
    device.submit(program, { leaves, outputs })
    const bytes = await Promise.all(outputs.map((buffer) => device.read(buffer)))
    assert.equal(device.takeFailure(), undefined)
    found.push(bytes.map((each) => Buffer.from(each).toString('base64')).join())
  }
  return found
}

test('the same bits with 1, 2, 3 and 4 threads, in place and apart, run after run', async () => {
  for (const n of [40, 300]) {
    const all: string[] = []
    for (const threads of [1, 2, 3, 4]) {
      const device = open({ threads })
      assert.equal(device.target.threads, threads)
      all.push(...(await bitsOf(device, n, 5)))
      device.close()
    }
    assert.equal(new Set(all).size, 1)
  }
})

test('one thread needs no shared memory', async () => {
  const device = openWasmDevice()
  if ('refused' in device) assert.fail(device.refused)
  assert.equal(device.features.sharedMemory, false)
  assert.equal((await bitsOf(device, 40, 1)).length, 1)
})

test('an index out of range writes nothing that lasts, drops what follows, and is told once', async () => {
  for (const threads of [1, 2]) {
    const device = open({ threads })
    const [table, index, kept] = [leafOf([4, 3]), leafOf([2], 'int32'), leafOf([2, 3])]
    const rows = build.gather(table, 0, build.expand(build.reshape(index, [2, 1]), [2, 3]))
    const program = device.compile({
      leaves: [table, index, kept],
      outputs: [
        { node: rows, persistent: false },
        { node: build.add(kept, build.add(kept, kept)), target: 2, persistent: true },
      ],
    })
    const leaves = [upload(device, wave(12)), upload(device, Int32Array.of(1, 7)), upload(device, wave(6))]
    const outputs = [device.allocate(24), undefined]
    const submission = device.submit(program, { leaves, outputs })
    await device.synchronize()
    const failure = device.takeFailure()
    assert.equal(failure?.submission, submission)
    assert.ok(failure.error instanceof IndexError, failure.error.message)
    assert.match(failure.error.message, /from 0 to 3, got 7 at position 1/)
    assert.equal(device.takeFailure(), undefined)
    assert.deepEqual(new Float32Array((await device.read(leaves[2])).buffer), wave(6))
    device.write(leaves[1], new Uint8Array(Int32Array.of(1, 2).buffer))
    device.submit(program, { leaves, outputs })
    assert.deepEqual(new Float32Array((await device.read(outputs[0]!)).buffer), wave(12).slice(3, 9))
    assert.notDeepEqual(new Float32Array((await device.read(leaves[2])).buffer), wave(6))
    device.close()
  }
})

test('profile counts every call of every run, with any number of threads', async () => {
  for (const threads of [1, 2]) {
    const device = open({ threads })
    device.profile(true)
    await bitsOf(device, 200, 3)
    const rows = device.profile(false)
    assert.ok(rows.length > 1)
    for (const { calls, lowering, milliseconds } of rows) {
      assert.deepEqual([calls, lowering], [3, 'wasm'])
      assert.ok(milliseconds >= 0)
    }
    device.close()
  }
})

test('every stage prints, the last one as WebAssembly text', () => {
  const program = open({ threads: 1 }).compile(network(40))
  for (const stage of program.stages) assert.ok(program.print(stage).length > 0)
  assert.match(program.print('emit'), /func kernel0 .*\n[\s\S]*f32x4\.(relaxed_madd|mul)[\s\S]*func run /)
  assert.throws(() => program.print('nothing'), /expected one of graph/)
})

test('four threads on busy processors finish, and a process with sleeping workers ends by itself', () => {
  const device = JSON.stringify(new URL('./node-device.js', import.meta.url).href)
  const memory = `const d = (await import(${device})).openWasmNodeDevice({ threads: 4 })`
  const builders = JSON.stringify(new URL('../../graph/builders.js', import.meta.url).href)
  const body = `${memory}
    const build = await import(${builders})
    const x = build.placeholder([400, 400], 'float32')
    const program = d.compile({ leaves: [x], outputs: [{ node: build.matmul(x, x), persistent: false }] })
    const [a, b] = [d.allocate(640000), d.allocate(640000)]
    d.write(a, new Uint8Array(new Float32Array(160000).fill(1).buffer))
    for (let i = 0; i < 20; i++) { d.submit(program, { leaves: [a], outputs: [b] }); await d.synchronize() }
    console.log(new Float32Array((await d.read(b)).buffer)[7])`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', body], { encoding: 'utf8', timeout: 30_000 })
  assert.deepEqual([child.status, child.stdout.trim()], [0, '400'], child.stderr)
})
