// Accuracy of the special functions against JavaScript's own and, for erf, its series and continued fraction.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeholder } from '../builders.ts'
import type { Node } from '../node.ts'
import { erf, expm1, log1p, sigmoid, tanh } from './special.ts'
import { type AccuracyRow, evaluateAt, testAccuracy } from './test-accuracy.ts'

function erfReference(x: number): number {
  const size = Math.abs(x)
  if (size < 2) {
    let [term, sum] = [size, size]
    for (let n = 1; n < 60; n++) {
      term *= (-size * size) / n
      sum += term / (2 * n + 1)
    }
    return Math.sign(x) * sum * (2 / Math.sqrt(Math.PI))
  }
  let fraction = 0
  for (let k = 120; k >= 1; k--) fraction = k / 2 / (size + fraction)
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + fraction))
}

const everywhere = (): boolean => true
const rows: Readonly<Record<string, AccuracyRow>> = {
  expm1: { build: expm1, exact: Math.expm1, limit: 2, domain: (x) => x < 69 },
  log1p: { build: log1p, exact: Math.log1p, limit: 2, domain: (x) => x > -0.99 },
  tanh: { build: tanh, exact: Math.tanh, limit: 3, domain: everywhere },
  sigmoid: { build: sigmoid, exact: (x) => 1 / (1 + Math.exp(-x)), limit: 2, domain: (x) => x > -87 },
  erf: { build: erf, exact: erfReference, limit: 4, domain: everywhere },
}

testAccuracy(rows)

test('limits and not-a-number', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number
  const at = (build: (x: Node) => Node): number[] => evaluateAt(build, 'float32', [0, inf, -inf, nan])[1]
  assert.deepEqual(at(expm1), [0, inf, -1, nan])
  assert.deepEqual(at(log1p), [0, inf, nan, nan])
  assert.deepEqual(at(tanh), [0, 1, -1, nan])
  assert.deepEqual(at(sigmoid), [0.5, 1, 0, nan])
  assert.deepEqual(at(erf), [0, 1, -1, nan])
})

test('2-byte floats are computed in float32 and rounded once, integers become float32', () => {
  const half = tanh(placeholder([2], 'float16'))
  assert.equal(half.dtype, 'float16')
  assert.deepEqual(evaluateAt(tanh, 'bfloat16', [1])[1], [0.76171875])
  assert.equal(tanh(placeholder([2], 'int32')).dtype, 'float32')
})
