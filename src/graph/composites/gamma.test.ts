// Accuracy of the gamma function's family against sums and series in float64; limits and poles.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '../node.ts'
import { digamma, lgamma, polygamma } from './gamma.ts'
import { type AccuracyRow, evaluateAt, testAccuracy } from './test-accuracy.ts'

/** A series in z less a sum over x, x + 1, … up to z. */
function shifted(x: number, term: (x: number) => number, series: (z: number) => number): number {
  let [z, sum] = [x, 0]
  for (; z < 60; z++) sum += term(z)
  return series(z) - sum
}

const turn = (x: number): number => Math.PI * (x - Math.round(x))

function lgammaReference(x: number): number {
  if (x < 0) return Math.log(Math.PI / Math.abs(x * Math.sin(turn(x)))) - lgammaReference(-x)
  let [z, product] = [x, 1]
  for (; z < 14; z++) product *= z
  const powers = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360]
  const rest = powers.reduce((sum, coefficient, k) => sum + coefficient / z ** (2 * k + 1), 0)
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + rest - Math.log(product)
}

function digammaReference(x: number): number {
  if (x < 0) return digammaReference(-x) - 1 / x - Math.PI / Math.tan(turn(x))
  const series = (z: number) => Math.log(z) - 1 / (2 * z) - 1 / (12 * z ** 2) + 1 / (120 * z ** 4) - 1 / (252 * z ** 6)
  return shifted(x, (z) => 1 / z, series)
}

function trigammaReference(x: number): number {
  if (x < 0) return (Math.PI / Math.sin(turn(x))) ** 2 + 1 / x ** 2 - trigammaReference(-x)
  const series = (z: number) => 1 / z + 1 / (2 * z ** 2) + 1 / (6 * z ** 3) - 1 / (30 * z ** 5) + 1 / (42 * z ** 7)
  return shifted(x, (z) => -1 / z ** 2, series)
}

const everywhere = (): boolean => true
const rows: Readonly<Record<string, AccuracyRow>> = {
  lgamma: { build: lgamma, exact: lgammaReference, limit: 8, least: 1, domain: everywhere },
  digamma: { build: digamma, exact: digammaReference, limit: 8, least: 1, domain: everywhere },
  trigamma: { build: (x) => polygamma(1, x), exact: trigammaReference, limit: 8, domain: everywhere },
}

testAccuracy(rows)

test('limits and poles', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number
  for (const dtype of ['float32', 'float64'] as const) {
    const at = (build: (x: Node) => Node, ...points: number[]): number[] => evaluateAt(build, dtype, points)[1]
    assert.deepEqual(at(lgamma, 0, -0, inf, -inf, nan, -1, -7, -1e9), [inf, inf, inf, inf, nan, inf, inf, inf])
    assert.deepEqual(at(digamma, 0, -0, inf, -inf, nan, -1, -7), [-inf, inf, inf, nan, nan, nan, nan])
    assert.deepEqual(
      at((x) => polygamma(1, x), 0, -0, -3, inf, nan),
      [inf, inf, inf, 0, nan],
    )
    assert.deepEqual(
      at((x) => polygamma(2, x), 0, inf, nan),
      [-inf, -0, nan],
    )
  }
})
