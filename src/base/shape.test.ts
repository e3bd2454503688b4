import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShapeError } from './errors.ts'
import { broadcastShapes, checkShape, normalizeAxes, normalizeAxis, sizeOf, stridesOf } from './shape.ts'

const says = (sentence: RegExp) => (error: unknown) => error instanceof ShapeError && sentence.test(error.message)

test('sizes and strides', () => {
  assert.equal(sizeOf([]), 1)
  assert.equal(sizeOf([2, 0, 3]), 0)
  assert.deepEqual(stridesOf([2, 3, 4]), [12, 4, 1])
  assert.deepEqual(stridesOf([]), [])
})

test("broadcasting follows NumPy's rule", () => {
  assert.deepEqual(broadcastShapes('add', [3, 1], [4]), [3, 4])
  assert.deepEqual(broadcastShapes('add', [], [2, 0]), [2, 0])
  assert.deepEqual(broadcastShapes('where', [2, 1, 1], [3, 1], [4]), [2, 3, 4])
  assert.deepEqual(broadcastShapes('add', [1], [0]), [0])
  assert.throws(() => broadcastShapes('add', [2, 3], [2, 4]), says(/add: .*\[2, 3\] and \[2, 4\]: axis -1 has 3 and 4/))
  assert.throws(() => broadcastShapes('add', [2], [0]), ShapeError)
})

test('axes count from either end', () => {
  assert.equal(normalizeAxis('sum', -1, 3), 2)
  assert.deepEqual(normalizeAxes('sum', [-1, 0], 3), [0, 2])
  assert.deepEqual(normalizeAxes('sum', undefined, 2), [0, 1])
  assert.deepEqual(normalizeAxes('sum', 0, 0), [])
  assert.throws(() => normalizeAxis('sum', 3, 3), says(/from -3 to 2 .*got 3/))
  assert.throws(() => normalizeAxes('sum', [1, -1], 2), says(/each axis once/))
})

test('absurd sizes are refused', () => {
  assert.throws(() => checkShape('zeros', [2, -1]), says(/whole numbers from 0/))
  assert.throws(() => checkShape('zeros', [1.5]), ShapeError)
  assert.throws(() => checkShape('zeros', [2 ** 21, 2 ** 20]), says(/2\^40/))
})
