import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dtypes } from '../base/dtype.ts'
import { CompileError } from '../base/errors.ts'
import { aluFunction } from './alu-arithmetic.ts'
import { aluTable, operandCategory } from './alu-table.ts'
import type { AluKind, KernelDType } from './kernel-node.ts'

test('every row of the table computes for every dtype it accepts', () => {
  for (const kind of Object.keys(aluTable) as AluKind[])
    for (const dtype of [...dtypes, 'index'] as KernelDType[]) {
      const { accepts, arity, result } = aluTable[kind]
      if (!(accepts as readonly string[]).includes(operandCategory(dtype))) continue
      const one = dtype === 'int64' ? 1n : 1
      const operands = result === 'where' ? [1, one, one] : Array(arity).fill(one)
      const value = aluFunction(kind, dtype, dtype)(...operands)
      if (result === 'same' || result === 'where') assert.equal(typeof value, typeof one, `${kind} of ${dtype}`)
      if (result === 'bool') assert.ok(value === 0 || value === 1)
    }
})

test('a dtype outside the table is a CompileError', () => {
  assert.throws(() => aluFunction('sqrt', 'int32', 'int32'), CompileError)
  assert.throws(() => aluFunction('sin', 'int64', 'int64'), CompileError)
})

test('indices divide and take remainders downwards', () => {
  assert.equal(aluFunction('div', 'index', 'index')(-7, 2), -4)
  assert.equal(aluFunction('mod', 'index', 'index')(-7, 3), 2)
})

test('integers wrap, negation and absolute value of the minimum too', () => {
  assert.equal(aluFunction('sub', 'uint8', 'uint8')(1, 2), 255)
  assert.equal(aluFunction('neg', 'int8', 'int8')(-128), -128)
  assert.equal(aluFunction('abs', 'int64', 'int64')(-(2n ** 63n)), -(2n ** 63n))
  assert.equal(aluFunction('not', 'bool', 'bool')(0), 1)
  assert.equal(aluFunction('not', 'uint8', 'uint8')(1), 254)
  assert.equal(aluFunction('shiftLeft', 'int16', 'int16')(1, 16), 0)
})

test('a float32 multiply-add rounds once', () => {
  const x = 1 + 2 ** -12
  const exact = x * x - 1
  assert.equal(aluFunction('multiplyAdd', 'float32', 'float32')(x, x, -1), exact)
  assert.notEqual(Math.fround(Math.fround(x * x) - 1), exact)
})

test('casts: halves round, an int64 beyond 2^53 rounds once, an index holds an int64', () => {
  assert.equal(aluFunction('cast', 'float16', 'float32')(2049), 2048)
  assert.equal(aluFunction('cast', 'float32', 'int64')(2n ** 60n + 2n ** 36n + 1n), 2 ** 60 + 2 ** 37)
  assert.equal(aluFunction('cast', 'int8', 'float32')(300.7), 44)
  assert.equal(aluFunction('cast', 'int64', 'index')(-3), -3n)
  assert.equal(aluFunction('cast', 'index', 'int64')(-3n), -3)
  assert.equal(aluFunction('cast', 'bool', 'float64')(Number.NaN), 1)
  assert.equal(aluFunction('bitcast', 'int16', 'bfloat16')(1), 0x3f80)
})
