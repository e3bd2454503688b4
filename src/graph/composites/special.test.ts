// Accuracy of the special functions against JavaScript's own and, for erf, its series and continued fraction; limits and signs of zeros.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeholder } from '../builders.ts'
import type { Node } from '../node.ts'
import { erf, erfc, erfinv } from './error-function.ts'
import { exp2, expm1, log1p, log1pExp, sigmoid, tanh } from './special.ts'
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
  return Math.sign(x) * (1 - erfcBeyond(size))
}

/** erfc of 1 and more by its continued fraction; the square of the upper half is exact. */
function erfcBeyond(x: number): number {
  let fraction = 0
  for (let k = 300; k >= 1; k--) fraction = k / 2 / (x + fraction)
  const upper = Math.fround(x)
  return (Math.exp(-upper * upper) * Math.exp((upper - x) * (upper + x))) / Math.sqrt(Math.PI) / (x + fraction)
}

const erfcReference = (x: number): number => (x < 1 ? 1 - erfReference(x) : erfcBeyond(x))

/** By bisection, on erfc where erf is flat. */
function erfinvReference(y: number): number {
  const size = Math.abs(y)
  const isBelow = size < 0.5 ? (x: number) => erfReference(x) < size : (x: number) => erfcReference(x) > 1 - size
  let [low, high] = [0, 6]
  for (let step = 0; step < 90; step++) {
    const middle = (low + high) / 2
    if (isBelow(middle)) low = middle
    else high = middle
  }
  return Math.sign(y) * low
}

const everywhere = (): boolean => true
const rows: Readonly<Record<string, AccuracyRow>> = {
  expm1: { build: expm1, exact: Math.expm1, limit: 2, domain: (x) => x < 69 },
  log1p: { build: log1p, exact: Math.log1p, limit: 2, domain: (x) => x > -0.99 },
  tanh: { build: tanh, exact: Math.tanh, limit: 3, domain: everywhere },
  sigmoid: { build: sigmoid, exact: (x) => 1 / (1 + Math.exp(-x)), limit: 2, domain: (x) => x > -87 },
  exp2: { build: exp2, exact: (x) => 2 ** x, limit: 1, domain: everywhere },
  log1pExp: { build: log1pExp, exact: (x) => Math.log1p(Math.exp(x)), limit: 2, domain: (x) => x < 0 },
  erfc: { build: erfc, exact: erfcReference, limit: 6, domain: (x) => x < 9.1 },
  erfinv: { build: erfinv, exact: erfinvReference, limit: 4, domain: (x) => Math.abs(x) < 1 },
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
  assert.deepEqual(at(exp2), [1, inf, 0, nan])
  assert.deepEqual(at(erfc), [1, 0, 2, nan])
})

test('edges and signs of zeros', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number
  for (const dtype of ['float32', 'float64'] as const) {
    const at = (build: (x: Node) => Node, ...points: number[]): number[] => evaluateAt(build, dtype, points)[1]
    for (const odd of [expm1, log1p, erfinv, erf]) assert.deepEqual(at(odd, 0, -0), [0, -0])
    assert.deepEqual(at(erfinv, 1, -1, 1.5, -1.5), [inf, -inf, nan, nan])
    assert.deepEqual(at(log1p, -1, -1.5), [-inf, nan])
    assert.deepEqual(at(exp2, 3, -1, 0, -0, 1100, -1100), [8, 0.5, 1, 1, inf, 0])
    assert.deepEqual(at(expm1, 1000, -1000), [inf, -1])
  }
  // the smallest and the largest numbers that are neither 0 nor infinite
  assert.deepEqual(evaluateAt(exp2, 'float32', [-149, -126, 127])[1], [2 ** -149, 2 ** -126, 2 ** 127])
  assert.deepEqual(evaluateAt(exp2, 'float64', [-1074, -1022, 1023])[1], [2 ** -1074, 2 ** -1022, 2 ** 1023])
  assert.ok(Math.abs(evaluateAt(expm1, 'float32', [88.72])[1][0] / Math.expm1(Math.fround(88.72)) - 1) < 1e-6)
})

test('2-byte floats are computed in float32 and rounded once, integers become float32', () => {
  const half = tanh(placeholder([2], 'float16'))
  assert.equal(half.dtype, 'float16')
  assert.deepEqual(evaluateAt(tanh, 'bfloat16', [1])[1], [0.76171875])
  assert.equal(tanh(placeholder([2], 'int32')).dtype, 'float32')
})
