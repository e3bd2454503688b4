// Blocks never overlap, neighbours merge, memory grows, and what does not fit is refused with a sentence.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heapStart } from '../../codegen/wasm/layout.ts'
import { WasmHeap } from './heap.ts'

test('blocks are aligned, apart, and used again', () => {
  const heap = new WasmHeap(false)
  const [a, b, c] = [100, 1, 5000].map((bytes) => heap.allocate(bytes))
  assert.deepEqual([a, b, c], [heapStart, heapStart + 128, heapStart + 192])
  heap.release(b)
  assert.equal(heap.allocate(64), b)
  heap.release(a)
  heap.release(b)
  assert.equal(heap.allocate(192), a)
  heap.write(a, Uint8Array.of(1, 2, 3))
  assert.deepEqual([...heap.read(a, 3)], [1, 2, 3])
})

test('random blocks never overlap and all memory comes back', () => {
  const heap = new WasmHeap(false)
  const live = new Map<number, number>()
  let seed = 1
  const random = (limit: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (seed >>> 8) % limit
  }
  for (let step = 0; step < 3000; step++) {
    if (live.size > 0 && random(5) < 2) {
      const address = [...live.keys()][random(live.size)]
      live.delete(address)
      heap.release(address)
      continue
    }
    const bytes = 1 + random(4000)
    const address = heap.allocate(bytes)
    for (const [other, size] of live) assert.ok(address + bytes <= other || other + size <= address)
    live.set(address, bytes)
  }
  for (const address of live.keys()) heap.release(address)
  assert.equal(heap.allocate(64), heapStart)
})

test('memory grows, and more than 32-bit addresses hold is refused', () => {
  const heap = new WasmHeap(false)
  const before = heap.bytes
  const address = heap.allocate(before * 2)
  assert.ok(heap.bytes >= address + before * 2)
  assert.throws(
    () => heap.allocate(2 ** 32),
    /expected an allocation of at most the \d+\.\d MB that 32-bit addresses, the engine and the machine have left, got 42\d\d\.\d MB/,
  )
  heap.release(address)
  assert.throws(() => heap.release(address), /expected an address from allocate/)
})

test('more than the machine has left is refused, and what it has is not', () => {
  const room = 3 * 2 ** 20
  const heap = new WasmHeap(false, () => room)
  const before = heap.bytes
  assert.throws(
    () => heap.allocate(before + 2 * room),
    /expected an allocation of at most the 5\.\d MB .* the machine have left/,
  )
  assert.equal(heap.bytes, before)
  assert.equal(heap.allocate(room), heapStart)
})
