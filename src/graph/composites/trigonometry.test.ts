// Accuracy of inverse trigonometric and hyperbolic functions and of rounding: at ordinary points, at the ends, at zeros of both signs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reshape } from '../builders.ts'
import type { Node } from '../node.ts'
import { cosh, sinh } from './hyperbolic.ts'
import { atanh } from './inverse-hyperbolic.ts'
import { round } from './rounding.ts'
import { type AccuracyRow, evaluateAt, testAccuracy } from './test-accuracy.ts'
import { acos, asin, atan, atan2 } from './trigonometry.ts'

const everywhere = (): boolean => true
const belowOne = (x: number): boolean => Math.abs(x) < 0.9999
const rows: Readonly<Record<string, AccuracyRow>> = {
  atan: { build: atan, exact: Math.atan, limit: 2, domain: everywhere },
  asin: { build: asin, exact: Math.asin, limit: 2.5, domain: belowOne },
  acos: { build: acos, exact: Math.acos, limit: 1.5, domain: belowOne },
  atanh: { build: atanh, exact: Math.atanh, limit: 2, domain: belowOne },
  sinh: { build: sinh, exact: Math.sinh, limit: 3, domain: everywhere },
  cosh: { build: cosh, exact: Math.cosh, limit: 3, domain: everywhere },
}
testAccuracy(rows)

const { NaN: nan, POSITIVE_INFINITY: inf } = Number

test('limits, signs of zeros and not-a-number', () => {
  const half = Math.fround(Math.PI / 2)
  const pi = Math.fround(Math.PI)
  for (const dtype of ['float32', 'float64'] as const) {
    const at = (build: (x: Node) => Node, ...points: number[]): number[] =>
      evaluateAt(build, dtype, points)[1].map(Math.fround)
    assert.deepEqual(at(atan, 0, -0, inf, -inf, nan), [0, -0, half, -half, nan])
    assert.deepEqual(at(asin, 0, -0, 1, -1, 1.5, nan), [0, -0, half, -half, nan, nan])
    assert.deepEqual(at(acos, 0, 1, -1, -1.5, nan), [half, 0, pi, nan, nan])
    assert.deepEqual(at(atanh, 0, -0, 1, -1, 1.5, nan), [0, -0, inf, -inf, nan, nan])
    assert.deepEqual(at(sinh, 0, -0, inf, -inf, nan), [0, -0, inf, -inf, nan])
    assert.deepEqual(at(cosh, 0, -0, inf, -inf, nan), [1, 1, inf, inf, nan])
    assert.deepEqual(at(round, 0.5, 1.5, -0.5, -2.5, 2.51, inf, -inf, nan), [0, 2, -0, -2, 3, inf, -inf, nan])
  }
  // e^x overflows before these do
  assert.ok(Math.abs(evaluateAt(sinh, 'float32', [-89.2])[1][0] / Math.sinh(Math.fround(-89.2)) - 1) < 4e-7)
  assert.ok(Math.abs(evaluateAt(cosh, 'float64', [710.3])[1][0] / Math.cosh(710.3) - 1) < 2e-15)
})

test('round leaves whole numbers alone, up to the largest', () => {
  const points = [2 ** 22 + 0.5, 2 ** 22 + 1.5, 2 ** 23 - 0.5, 2 ** 23 + 1, -(2 ** 24), 3e38]
  assert.deepEqual(evaluateAt(round, 'float32', points)[1].slice(0, 5), [
    2 ** 22,
    2 ** 22 + 2,
    2 ** 23,
    2 ** 23 + 1,
    -(2 ** 24),
  ])
  assert.equal(evaluateAt(round, 'float32', points)[1][5], Math.fround(3e38))
  assert.deepEqual(evaluateAt(round, 'float64', [2 ** 51 + 0.5, 2 ** 52 + 1])[1], [2 ** 51, 2 ** 52 + 1])
})

test('atan2 in all quadrants, at zeros, infinities and far from 1', () => {
  const values = [0, -0, 1, -1, 3e-5, -2e7, 1e-44, -1e-44, 1e38, -1e38, inf, -inf, nan]
  const count = values.length
  for (const dtype of ['float32', 'float64'] as const) {
    const ofPairs = (x: Node): Node => atan2(reshape(x, [count, 1]), reshape(x, [1, count]))
    const [points, results] = evaluateAt(ofPairs, dtype, values)
    results.forEach((result, i) => {
      const [y, x] = [points[Math.floor(i / count)], points[i % count]]
      const exact = Math.atan2(y, x)
      const error = Math.abs(result - exact) / (Math.abs(exact) * 2 ** (dtype === 'float32' ? -23 : -52))
      // a ratio may vanish
      const isNear = error <= 3 || Math.abs(result - exact) < 1e-37
      assert.ok(Object.is(result, exact) || isNear, `atan2(${y}, ${x}) gives ${result}, expected ${exact}`)
    })
  }
})
