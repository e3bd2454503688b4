import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReferenceDevice } from '../devices/reference/reference-device.ts'
import * as build from '../graph/builders.ts'
import type { Node } from '../graph/node.ts'
import { keyGraph } from './graph-key.ts'
import { Session } from './session.ts'
import { Storage } from './storage.ts'

const numbersOf = async (session: Session, node: Node): Promise<number[]> => [
  ...new Float32Array((await session.read(node)).slice().buffer),
]

function stored(session: Session, ...values: number[]): Storage {
  const storage = new Storage(session, build.full([values.length], 0, 'float32'))
  session.hostWrite(storage, new Uint8Array(Float32Array.from(values).buffer))
  return storage
}

test('a pending leaf is computed by the first program that needs it, along with what needs it', async () => {
  const session = new Session(createReferenceDevice())
  const storage = new Storage(session, build.full([2], 3, 'float32'))
  const leaf = storage.becomeLeaf()
  assert.equal(storage.becomeLeaf(), leaf)
  const double = build.mul(leaf.node, 2)
  assert.equal(leaf.isReady, false)
  assert.deepEqual(await numbersOf(session, double), [6, 6])
  assert.equal(leaf.isReady, true)
  assert.equal(session.programs.compiles, 1)
})

test('updates alternate between two buffers, and keep a third when the older version is still needed', async () => {
  const session = new Session(createReferenceDevice())
  const storage = stored(session, 1, 2)
  const buffers = new Set<unknown>()
  const update = (node: Node): void => {
    storage.write(node)
    session.submit()
    buffers.add(storage.leaf!.buffer)
  }
  for (let i = 0; i < 6; i++) update(build.add(storage.node, 1))
  assert.equal(buffers.size, 2)
  const previous = storage.node
  update(build.add(storage.node, 1))
  update(build.add(storage.node, previous))
  assert.equal(buffers.size, 3)
  assert.deepEqual(await numbersOf(session, storage.node), [15, 17])
})

test('the same structure is one program, whatever its leaves; cut histories have one key', () => {
  const session = new Session(createReferenceDevice())
  const [a, b] = [stored(session, 1), stored(session, 2)]
  const sum = build.add(a.node, b.node)
  assert.equal(keyGraph([build.mul(sum, a.node)]).key, keyGraph([build.mul(build.add(b.node, a.node), b.node)]).key)
  assert.notEqual(keyGraph([build.mul(sum, a.node)]).key, keyGraph([build.mul(sum, b.node)]).key)
  session.submit([sum])
  assert.equal(keyGraph([build.exp(sum)]).key, keyGraph([build.exp(a.node)]).key)
})

test('a node that a second program needs again is an output of the first from then on', async () => {
  const device = createReferenceDevice()
  const session = new Session(device)
  const x = stored(session, 1, 2)
  const round = async (): Promise<number> => {
    const hidden = build.exp(x.node)
    session.submit([build.sum(hidden)])
    const before = session.programs.compiles
    device.profile(true)
    await numbersOf(session, build.mul(hidden, 2))
    const exps = device.profile(false).find(({ label }) => label === 'exp')?.calls ?? 0
    assert.ok(session.programs.compiles - before <= 1)
    return exps
  }
  assert.deepEqual([await round(), await round(), await round()], [1, 0, 0])
  assert.equal(session.programs.compiles, 4)
})

test('forgotten results are bounded; copies and effects are not forgotten', async () => {
  const session = new Session(createReferenceDevice())
  const x = stored(session, 1)
  const results = Array.from({ length: 40 }, (_, i) => build.add(x.node, i))
  for (const node of results) session.keepResult(node)
  const copy = build.copy(x.node)
  session.keep(copy)
  session.submit()
  assert.equal(results.filter((node) => node.value !== undefined).length, 16)
  assert.notEqual(copy.value, undefined)
  assert.deepEqual(await numbersOf(session, results[3]), [4])
})

test('a failed program takes its updates back, a host write behind it stays', async () => {
  const session = new Session(createReferenceDevice())
  const [table, count, set] = [stored(session, 1, 2), stored(session, 0), stored(session, 5)]
  const at = build.constant(7, 'int32')
  const lost = build.gather(table.node, 0, build.reshape(at, [1]))
  count.write(build.add(count.node, lost))
  set.write(build.add(set.node, 1))
  session.submit()
  session.hostWrite(set, new Uint8Array(Float32Array.of(9).buffer))
  assert.throws(() => session.submit(), { code: 'INDEX' })
  assert.deepEqual(await numbersOf(session, count.node), [0])
  assert.deepEqual(await numbersOf(session, set.node), [9])
})

test('timers fire in a loop that awaits only step()', async () => {
  const session = new Session(createReferenceDevice())
  const x = stored(session, 0)
  let fired = false
  setTimeout(() => {
    fired = true
  }, 1)
  const deadline = performance.now() + 2000
  while (!fired && performance.now() < deadline) {
    x.write(build.add(x.node, 1))
    await session.step()
  }
  assert.equal(fired, true)
})

test('what a discarded value was computed for stays; who reads it after all computes it again', async () => {
  const session = new Session(createReferenceDevice())
  const x = stored(session, 1, 2, 3)
  const whole = build.mul(x.node, 2)
  const part = build.narrow(whole, 0, 0, 2)
  session.submit([whole])
  session.submit([part])
  assert.notEqual(whole.value, undefined)
  session.discard(whole)
  session.discard(whole)
  assert.equal(whole.value, undefined)
  assert.deepEqual(await numbersOf(session, part), [2, 4])
  assert.deepEqual(await numbersOf(session, build.add(whole, part.shape.length)), [3, 5, 7])
})
