import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DType } from '../../base/dtype.ts'
import { DTypeError } from '../../base/errors.ts'
import type { OpName } from '../node.ts'
import { apply, host, numericDtypes, valuesOf } from './test-harness.ts'

type BinaryOp = Extract<
  OpName,
  'add' | 'mul' | 'div' | 'mod' | 'pow' | 'max' | 'and' | 'xor' | 'shiftLeft' | 'shiftRight'
>
const binary = (op: BinaryOp, dtype: DType, a: readonly (number | bigint)[], b: readonly (number | bigint)[]) =>
  valuesOf(apply(op, {}, host(dtype, a), host(dtype, b)))

test('integers wrap at their width', () => {
  assert.deepEqual(binary('add', 'int8', [127], [1]), [-128])
  assert.deepEqual(binary('mul', 'uint8', [16], [17]), [16])
  assert.deepEqual(binary('mul', 'int16', [256], [255]), [-256])
  assert.deepEqual(binary('mul', 'int32', [65537], [65537]), [131073])
  assert.deepEqual(binary('add', 'int64', [2n ** 63n - 1n], [1n]), [-(2n ** 63n)])
  assert.deepEqual(binary('mul', 'int64', [2n ** 62n], [4n]), [0n])
})

test('integer division truncates, gives 0 for 0, and wraps where the quotient does not fit', () => {
  for (const dtype of ['int8', 'int16', 'int32'] as const) {
    const lowest = dtype === 'int8' ? -128 : dtype === 'int16' ? -32768 : -(2 ** 31)
    assert.deepEqual(binary('div', dtype, [7, -7, 5, lowest], [-2, 2, 0, -1]), [-3, -3, 0, lowest])
  }
  assert.deepEqual(binary('div', 'int64', [-7n, 5n, -(2n ** 63n)], [2n, 0n, -1n]), [-3n, 0n, -(2n ** 63n)])
})

test("mod takes the divisor's sign", () => {
  assert.deepEqual(binary('mod', 'int32', [7, -7, 7, -7, 3], [3, 3, -3, -3, 0]), [1, 2, -2, -1, 0])
  assert.deepEqual(binary('mod', 'int64', [7n, -7n, 7n, 3n], [3n, 3n, -3n, 0n]), [1n, 2n, -2n, 0n])
  assert.deepEqual(binary('mod', 'float64', [5.5, -5.5, 5.5, -1, 1], [2, 2, -2, Number.POSITIVE_INFINITY, 0]), [
    1.5,
    0.5,
    -0.5,
    Number.POSITIVE_INFINITY,
    Number.NaN,
  ])
})

test('pow: integers by squaring with negative exponents, floats as in C', () => {
  assert.deepEqual(binary('pow', 'int32', [3, -2, 2, 1, -1, -1], [4, 3, -1, -5, -3, -4]), [81, -8, 0, 1, -1, 1])
  assert.deepEqual(binary('pow', 'int64', [3n, 2n, 2n], [40n, 64n, -1n]), [12157665459056928801n - 2n ** 64n, 0n, 0n])
  assert.deepEqual(
    binary('pow', 'float64', [1, -1, 0, 4], [Number.NaN, Number.POSITIVE_INFINITY, 0, 0.5]),
    [1, 1, 1, 2],
  )
})

test('max propagates NaN on either side', () => {
  for (const dtype of ['float16', 'bfloat16', 'float32', 'float64'] as const)
    assert.deepEqual(binary('max', dtype, [Number.NaN, 1, Number.NEGATIVE_INFINITY], [1, Number.NaN, -2]), [
      Number.NaN,
      Number.NaN,
      -2,
    ])
  assert.deepEqual(binary('max', 'int64', [-3n], [2n]), [2n])
})

test('floats keep IEEE zeros and infinities', () => {
  const [zero, infinite, minus, none] = binary('div', 'float32', [-0, 1, -1, 0], [5, 0, 0, 0])
  assert.ok(Object.is(zero, -0))
  assert.deepEqual([infinite, minus, none], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])
})

test('floats round at each op, halves by way of float32', () => {
  assert.deepEqual(binary('add', 'float32', [2 ** 24], [1]), [2 ** 24])
  assert.deepEqual(binary('add', 'float16', [2048, 65504], [1, 65504]), [2048, Number.POSITIVE_INFINITY])
  assert.deepEqual(binary('mul', 'bfloat16', [1 + 2 ** -7], [1 + 2 ** -7]), [1 + 2 ** -6])
  assert.deepEqual(valuesOf(apply('exp', {}, host('float16', [1]))), [2.71875])
})

test('shifts empty the value at the width and beyond', () => {
  assert.deepEqual(binary('shiftLeft', 'int8', [1, 1, 1, 1], [7, 8, -1, 3]), [-128, 0, 0, 8])
  assert.deepEqual(binary('shiftRight', 'int32', [-8, -8, 8, -1], [1, 40, 40, -1]), [-4, -1, 0, -1])
  assert.deepEqual(binary('shiftRight', 'uint8', [200, 200], [3, 8]), [25, 0])
  assert.deepEqual(binary('shiftLeft', 'int64', [1n, 1n], [63n, 64n]), [-(2n ** 63n), 0n])
})

test('bits of bool', () => {
  const [a, b] = [host('bool', [0, 0, 1, 1]), host('bool', [0, 1, 0, 1])]
  assert.deepEqual(valuesOf(apply('or', {}, a, b)), [0, 1, 1, 1])
  assert.deepEqual(valuesOf(apply('and', {}, a, b)), [0, 0, 0, 1])
  assert.deepEqual(valuesOf(apply('xor', {}, a, b)), [0, 1, 1, 0])
})

test('comparisons give bool; NaN equals nothing, the zeros are equal', () => {
  const [a, b] = [host('float32', [Number.NaN, -0, 1]), host('float32', [Number.NaN, 0, 2])]
  assert.deepEqual(apply('equal', {}, a, b).dtype, 'bool')
  assert.deepEqual(valuesOf(apply('equal', {}, a, b)), [0, 1, 0])
  assert.deepEqual(valuesOf(apply('less', {}, a, b)), [0, 0, 1])
  assert.deepEqual(valuesOf(apply('less', {}, host('int64', [2n ** 62n]), host('int64', [2n ** 62n + 1n]))), [1])
})

test('where picks without touching the other side', () => {
  const picked = apply(
    'where',
    {},
    host('bool', [1, 0]),
    host('float64', [1, Number.NaN]),
    host('float64', [Number.NaN, 2]),
  )
  assert.deepEqual(valuesOf(picked), [1, 2])
})

test('cast to bool is "not zero"', () => {
  assert.deepEqual(valuesOf(apply('cast', { dtype: 'bool' }, host('float32', [0, -0, Number.NaN, 0.1]))), [0, 0, 1, 1])
  assert.deepEqual(valuesOf(apply('cast', { dtype: 'bool' }, host('int64', [0n, 2n ** 40n]))), [0, 1])
})

test('float to integer truncates; what does not fit gives the minimum of int32 or int64', () => {
  const floats = host('float64', [2.9, -2.9, 300, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, -(2 ** 31) - 0.5])
  const lowest = -(2 ** 31)
  assert.deepEqual(valuesOf(apply('cast', { dtype: 'int32' }, floats)), [2, -2, 300, lowest, lowest, lowest, lowest])
  assert.deepEqual(valuesOf(apply('cast', { dtype: 'uint8' }, floats)), [2, 254, 44, 0, 0, 0, 0])
  const wide = valuesOf(apply('cast', { dtype: 'int64' }, floats))
  assert.deepEqual(wide, [2n, -2n, 300n, -(2n ** 63n), -(2n ** 63n), 2n ** 31n, -(2n ** 31n)])
})

test('integers wrap into narrower ones and round once into floats', () => {
  assert.deepEqual(valuesOf(apply('cast', { dtype: 'int8' }, host('int64', [2n ** 40n + 200n]))), [-56])
  // 2^60 + 2^36 + 1 lies just above halfway: rounding through float64 first would lose the 1 and go down to even
  assert.deepEqual(valuesOf(apply('cast', { dtype: 'float32' }, host('int64', [2n ** 60n + 2n ** 36n + 1n]))), [
    2 ** 60 + 2 ** 37,
  ])
  assert.deepEqual(valuesOf(apply('cast', { dtype: 'float32' }, host('int32', [2 ** 24 + 1]))), [2 ** 24])
  assert.deepEqual(valuesOf(apply('cast', { dtype: 'float16' }, host('float64', [70000, 1e-8]))), [
    Number.POSITIVE_INFINITY,
    0,
  ])
})

test('every dtype casts to every other and back for small whole values', () => {
  for (const from of numericDtypes)
    for (const to of numericDtypes) {
      const there = apply('cast', { dtype: to }, host(from, [0, 1, 2, 100]))
      assert.equal(there.dtype, to)
      assert.deepEqual(valuesOf(apply('cast', { dtype: from }, there)), valuesOf(host(from, [0, 1, 2, 100])))
    }
})

test('bitcast keeps the bits of the device formats', () => {
  assert.deepEqual(valuesOf(apply('bitcast', { dtype: 'int32' }, host('float32', [1, -0]))), [0x3f800000, -(2 ** 31)])
  assert.deepEqual(valuesOf(apply('bitcast', { dtype: 'int16' }, host('float16', [1, -2]))), [0x3c00, 0xc000 - 0x10000])
  assert.deepEqual(valuesOf(apply('bitcast', { dtype: 'float64' }, host('int64', [0x4000000000000000n]))), [2])
})

test('ops of floats only refuse integers with a sentence', () => {
  assert.throws(() => apply('sqrt', {}, host('int32', [4])), DTypeError)
})
