import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apply, host, valuesOf } from './test-harness.ts'

const ramp = (shape: readonly number[]) => {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return host('float32', [...Array(size).keys()], shape)
}

test('permute, expand and reshape', () => {
  assert.deepEqual(valuesOf(apply('permute', { axes: [1, 0] }, ramp([2, 3]))), [0, 3, 1, 4, 2, 5])
  assert.deepEqual(valuesOf(apply('permute', { axes: [2, 0, 1] }, ramp([2, 1, 3]))), [0, 3, 1, 4, 2, 5])
  assert.deepEqual(valuesOf(apply('expand', { shape: [2, 3] }, ramp([2, 1]))), [0, 0, 0, 1, 1, 1])
  assert.deepEqual(apply('reshape', { shape: [3, 2] }, ramp([2, 3])).shape, [3, 2])
  assert.deepEqual(valuesOf(apply('permute', { axes: [] }, ramp([]))), [0])
})

test('pad fills, slice steps either way', () => {
  const padded = apply('pad', { before: [1, 0], after: [0, 1], value: -1 }, ramp([2, 2]))
  assert.deepEqual(valuesOf(padded), [-1, -1, -1, 0, 1, -1, 2, 3, -1])
  const backwards = apply('slice', { starts: [1, 3], sizes: [2, 2], steps: [-1, -2] }, ramp([2, 4]))
  assert.deepEqual(valuesOf(backwards), [7, 5, 3, 1])
  assert.deepEqual(valuesOf(apply('slice', { starts: [0], sizes: [0], steps: [1] }, ramp([4]))), [])
})

test('window holds its taps last', () => {
  const windows = apply('window', { axis: 0, size: 2, stride: 2, dilation: 3 }, ramp([8]))
  assert.deepEqual(windows.shape, [3, 2])
  assert.deepEqual(valuesOf(windows), [0, 3, 2, 5, 4, 7])
  const inner = apply('window', { axis: 0, size: 2, stride: 1, dilation: 1 }, ramp([3, 2]))
  assert.deepEqual(inner.shape, [2, 2, 2])
  assert.deepEqual(valuesOf(inner), [0, 2, 1, 3, 2, 4, 3, 5])
})

test('concat joins along any axis, empty parts too', () => {
  const joined = apply('concat', { axis: 1 }, ramp([2, 1]), ramp([2, 0]), ramp([2, 2]))
  assert.deepEqual(valuesOf(joined), [0, 0, 1, 1, 2, 3])
  const int64 = apply('concat', { axis: 0 }, host('int64', [1n]), host('int64', [2n]))
  assert.deepEqual(valuesOf(int64), [1n, 2n])
})
