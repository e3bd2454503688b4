import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOf, categoryOf, dtypes, promoteTypes, promoteWeak, weakCategoryOf } from './dtype.ts'

test('promoteTypes is a join: commutative, associative, idempotent', () => {
  for (const a of dtypes) {
    assert.equal(promoteTypes(a, a), a)
    for (const b of dtypes) {
      const joined = promoteTypes(a, b)
      assert.equal(joined, promoteTypes(b, a))
      assert.equal(promoteTypes(joined, a), joined)
      for (const c of dtypes) assert.equal(promoteTypes(joined, c), promoteTypes(a, promoteTypes(b, c)))
    }
  }
})

test("promoteTypes agrees with PyTorch's table", () => {
  assert.equal(promoteTypes('uint8', 'int8'), 'int16')
  assert.equal(promoteTypes('uint8', 'int16'), 'int16')
  assert.equal(promoteTypes('uint8', 'int64'), 'int64')
  assert.equal(promoteTypes('int64', 'float16'), 'float16')
  assert.equal(promoteTypes('float16', 'bfloat16'), 'float32')
  assert.equal(promoteTypes('bfloat16', 'float32'), 'float32')
  assert.equal(promoteTypes('bool', 'uint8'), 'uint8')
})

test('a scalar raises the category and never the width', () => {
  assert.equal(promoteWeak('float16', weakCategoryOf(1.5)), 'float16')
  assert.equal(promoteWeak('int8', weakCategoryOf(1000)), 'int8')
  assert.equal(promoteWeak('int8', weakCategoryOf(0.5)), 'float32')
  assert.equal(promoteWeak('bool', weakCategoryOf(3)), 'int64')
  assert.equal(promoteWeak('bool', weakCategoryOf(true)), 'bool')
})

test('sizes and categories of all ten', () => {
  assert.deepEqual(
    dtypes.map((dtype) => `${categoryOf(dtype)}${8 * bytesOf(dtype)}`),
    ['bool8', 'int8', 'int8', 'int16', 'int32', 'int64', 'float16', 'float16', 'float32', 'float64'],
  )
})
