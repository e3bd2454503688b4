// Native memory: blocks, copies, bounds, guard pages, reuse, refusal of absurd sizes.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DeviceError } from '../../base/errors.ts'
import { NativeMemory } from './memory.ts'
import { openNativeHost } from './native-host.ts'
import { openSystem } from './system.ts'

const answer = openNativeHost()
const options = { skip: answer.refused ?? false }
const host = answer.host!

after(() => answer.host?.close())

test('blocks of all sizes are aligned, apart, and keep what is written', options, () => {
  const { memory } = host
  const sizes = [1, 4, 63, 64, 65, 1000, 4096, 65_536, 65_537, 1_000_000, 5_000_000]
  const blocks = sizes.map((bytes, i) => ({ bytes, fill: i + 1, address: memory.allocate(bytes) }))
  for (const { address, bytes, fill } of blocks) memory.write(address, new Uint8Array(bytes).fill(fill))
  for (const { address, bytes, fill } of blocks) {
    assert.equal(address % 64, 0)
    assert.ok(memory.read(address, bytes).every((byte) => byte === fill))
    assert.deepEqual(memory.read(address + bytes - 1, 1), Uint8Array.of(fill))
  }
  assert.equal(
    memory.bytesHeld,
    sizes.reduce((sum, bytes) => sum + bytes, 0),
  )
  for (const { address } of blocks) memory.release(address)
  assert.equal(memory.bytesHeld, 0)
})

test('a read returns a copy, and released blocks are used again', options, () => {
  const { memory } = host
  for (const bytes of [100, 3_000_000]) {
    const address = memory.allocate(bytes)
    memory.write(address, Uint8Array.of(1, 2, 3, 4))
    assert.equal(memory.readUint32(address), 0x04030201)
    memory.read(address, 4).fill(9)
    assert.deepEqual(memory.read(address, 4), Uint8Array.of(1, 2, 3, 4))
    const mapped = memory.bytesMapped
    memory.release(address)
    assert.equal(memory.allocate(bytes), address)
    assert.equal(memory.bytesMapped, mapped)
    memory.release(address)
  }
  memory.trim()
})

test('a typed array that shows part of a larger buffer is written from its own offset', options, () => {
  const address = host.memory.allocate(4)
  host.memory.write(address, Uint8Array.of(0, 1, 2, 3, 4, 5, 6).subarray(2, 6))
  assert.deepEqual(host.memory.read(address, 4), Uint8Array.of(2, 3, 4, 5))
  host.memory.release(address)
})

test('every access outside a live block is an error', options, () => {
  const { memory } = host
  const address = memory.allocate(100)
  const large = memory.allocate(100_000)
  const accesses = [
    () => memory.read(address, 101),
    () => memory.read(address - 1, 1),
    () => memory.write(address + 97, new Uint8Array(4)),
    () => memory.readUint32(address + 97),
    () => memory.read(large + 100_001, 0),
    () => memory.read(large, -1),
    () => memory.read(Number.NaN, 1),
    () => memory.read(0, 1),
  ]
  for (const access of accesses) assert.throws(access, /leaves every live block/)
  memory.release(address)
  memory.release(large)
  assert.throws(() => memory.read(address, 1), /leaves every live block/)
  assert.throws(() => memory.release(address), /expects the address of a live block/)
  assert.throws(() => memory.release(large), /expects the address of a live block/)
  for (const bytes of [0, -1, 1.5, Number.NaN]) assert.throws(() => memory.allocate(bytes), /size of at least 1 byte/)
})

test('an allocation beyond what the machine has left is refused with a sentence', options, () => {
  const expected = (error: unknown) =>
    error instanceof DeviceError &&
    /at most 0\.9 of the .* MB that the machine and its cgroup have left, got/.test(error.message)
  assert.throws(() => host.memory.allocate(1e15), expected)
  const small = new NativeMemory(openSystem(), () => 100e6)
  assert.throws(() => small.allocate(91e6), expected)
  small.release(small.allocate(80e6))
  small.allocate(85e6)
  small.close()
})

test('released large blocks are given back when room is short', options, () => {
  let left = 100e6
  const memory = new NativeMemory(openSystem(), () => left)
  memory.release(memory.allocate(60e6))
  left = 40e6
  const mapped = memory.bytesMapped
  assert.throws(() => memory.allocate(50e6))
  assert.equal(memory.bytesMapped, 0, `${mapped} bytes were kept`)
  memory.close()
})

test('a guarded block ends at an unreadable page', options, () => {
  const { memory } = host
  const address = memory.allocateGuarded(100)
  memory.write(address, new Uint8Array(100).fill(5))
  assert.deepEqual(memory.read(address + 99, 1), Uint8Array.of(5))
  const guard = (address + 100).toString(16)
  assert.match(readFileSync('/proc/self/maps', 'utf8'), new RegExp(`^0*${guard}-[0-9a-f]+ ---p`, 'm'))
  memory.release(address)
  assert.doesNotMatch(readFileSync('/proc/self/maps', 'utf8'), new RegExp(`^0*${guard}-[0-9a-f]+ ---p`, 'm'))
})

test('emitted code that reads past a guarded block dies there', options, () => {
  const child = fileURLToPath(
    new URL(`./test-child${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url),
  )
  const inside = spawnSync(process.execPath, [child, 'guarded', '92'])
  assert.deepEqual([inside.status, String(inside.stdout)], [0, 'survived\n'], String(inside.stderr))
  assert.equal(spawnSync(process.execPath, [child, 'guarded', '93']).signal, 'SIGSEGV')
})
