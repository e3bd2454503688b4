// The choice of the vector axis: contiguous lanes before scattered ones, near before far, whole vectors before a few lanes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Affine, add, axisIndex, floorDivide, makeAxis, modulo, scale } from './index-algebra.ts'
import { chooseVectorAxis } from './loops.ts'

const lanes = 8
const [rows, columns, taps] = [makeAxis('rows', 64), makeAxis('columns', 14), makeAxis('taps', 3)]
const at = (row: number, column: number, tap: number): Affine =>
  add(add(scale(axisIndex(rows), row), scale(axisIndex(columns), column)), scale(axisIndex(taps), tap))

test('contiguous in most accesses', () => {
  assert.equal(chooseVectorAxis([rows, columns], [at(14, 1, 0), at(14, 1, 0)], lanes), columns)
  assert.equal(chooseVectorAxis([rows, columns], [at(1, 64, 0), at(1, 64, 0)], lanes), rows)
})

test('near lanes before far ones, even when the last vector is partial', () => {
  assert.equal(chooseVectorAxis([rows, columns], [at(56, 2, 0), at(28, 2, 0)], lanes), columns)
})

test('a short axis is no vector where a longer one is half contiguous', () => {
  assert.equal(chooseVectorAxis([columns, taps], [at(0, 1, 1), at(0, 9, 1)], lanes), columns)
})

test('digits of an axis cost more than strides', () => {
  const row = axisIndex(rows)
  const digits = add(modulo(row, 24), scale(floorDivide(row, 24), 640))
  assert.equal(chooseVectorAxis([rows, columns], [add(digits, at(0, 32, 0)), at(1, 14, 0)], lanes), columns)
})
