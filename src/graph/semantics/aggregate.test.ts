import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReduceKind } from '../../base/scalar.ts'
import type { HostArray } from '../host-array.ts'
import { apply, host, valuesOf } from './test-harness.ts'

const reduce = (kind: ReduceKind, axes: readonly number[], x: HostArray) => valuesOf(apply('reduce', { kind, axes }, x))

test('reduces over any axes, keeping them with size 1', () => {
  const x = host('float32', [1, 2, 3, 4, 5, 6], [1, 2, 3])
  assert.deepEqual(apply('reduce', { kind: 'sum', axes: [1] }, x).shape, [1, 1, 3])
  assert.deepEqual(reduce('sum', [1], x), [5, 7, 9])
  assert.deepEqual(reduce('prod', [2], x), [6, 120])
  assert.deepEqual(reduce('max', [0, 2], x), [3, 6])
  assert.deepEqual(reduce('min', [0, 1, 2], x), [1])
})

test('max and min propagate NaN; ties and negative numbers are no trouble', () => {
  assert.deepEqual(reduce('max', [0], host('float32', [1, Number.NaN, 3])), [Number.NaN])
  assert.deepEqual(reduce('min', [0], host('bfloat16', [Number.NaN, 1])), [Number.NaN])
  assert.deepEqual(reduce('max', [0], host('int8', [-5, -3, -3])), [-3])
})

test('nothing reduced gives the identity', () => {
  assert.deepEqual(reduce('sum', [0], host('float64', [])), [0])
  assert.deepEqual(reduce('prod', [0], host('int64', [])), [1n])
})

test('float32 and halves accumulate in float64 and round once', () => {
  const many = host('float32', [2 ** 24, ...Array(16).fill(1)])
  assert.deepEqual(reduce('sum', [0], many), [2 ** 24 + 16])
  assert.deepEqual(reduce('sum', [0], host('float16', [2048, 1, 1])), [2050])
})

test('sums and products of integers wrap', () => {
  assert.deepEqual(reduce('sum', [0], host('uint8', [200, 100])), [44])
  assert.deepEqual(reduce('prod', [0], host('int32', [65537, 65537])), [131073])
})

test('contract shares leading and trailing axes', () => {
  const a = host('float32', [1, 2, 3, 4, 5, 6], [2, 3])
  const b = host('float32', [1, 0, 1, 0, 1, 0], [2, 3])
  const product = apply('contract', { batch: 0, contracted: 1 }, a, b)
  assert.deepEqual(product.shape, [2, 2])
  assert.deepEqual(valuesOf(product), [4, 2, 10, 5])
  const batched = apply('contract', { batch: 1, contracted: 1 }, a, b)
  assert.deepEqual(batched.shape, [2])
  assert.deepEqual(valuesOf(batched), [4, 5])
  const full = apply('contract', { batch: 0, contracted: 2 }, a, b)
  assert.deepEqual(valuesOf(full), [9])
})

test('contract in integers wraps, over nothing gives 0', () => {
  const int64 = host('int64', [2n ** 62n, 1n], [1, 2])
  assert.deepEqual(valuesOf(apply('contract', { batch: 0, contracted: 1 }, int64, host('int64', [4n, 7n], [1, 2]))), [
    7n,
  ])
  const int32 = apply(
    'contract',
    { batch: 0, contracted: 1 },
    host('int32', [65537], [1, 1]),
    host('int32', [65537], [1, 1]),
  )
  assert.deepEqual(valuesOf(int32), [131073])
  const empty = apply('contract', { batch: 0, contracted: 1 }, host('float64', [], [2, 0]), host('float64', [], [1, 0]))
  assert.deepEqual(valuesOf(empty), [0, 0])
})
