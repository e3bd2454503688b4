// Replays PyTorch's table of result dtypes: tensors with tensors, with tensors without dimensions and with numbers, division and sums.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type DType, ones } from '../../src/index.ts'

interface Table {
  /** left, right, their sum's, and that with a left of no dimensions */
  readonly pairs: readonly (readonly [DType, DType, DType, DType])[]
  /** a tensor's, with a boolean, with a whole number, with a fraction */
  readonly scalars: readonly (readonly [DType, DType, DType, DType])[]
  /** a tensor's, divided by 2, summed */
  readonly unary: readonly (readonly [DType, DType, DType])[]
}

const table = JSON.parse(readFileSync('test/fixtures/torch/promotion.json', 'utf8')) as Table

test('the sum of two tensors has the dtype that PyTorch gives it', () => {
  for (const [left, right, both, leftZeroDimensional] of table.pairs) {
    const other = ones([2], { dtype: right })
    assert.equal(ones([2], { dtype: left }).add(other).dtype, both, `${left} with ${right}`)
    assert.equal(ones([], { dtype: left }).add(other).dtype, leftZeroDimensional, `0-d ${left} with ${right}`)
  }
})

test('a number never widens a tensor within its category', () => {
  for (const [dtype, withBool, withInteger, withFloat] of table.scalars) {
    const x = ones([2], { dtype })
    const found = [true, 2, 0.5].map((number) => x.add(number).dtype)
    assert.deepEqual(found, [withBool, withInteger, withFloat], dtype)
  }
})

test('division gives floats, and sums of integers int64', () => {
  for (const [dtype, divided, summed] of table.unary) {
    const x = ones([2], { dtype })
    assert.deepEqual([x.div(2).dtype, x.sum().dtype], [divided, summed], dtype)
  }
})
