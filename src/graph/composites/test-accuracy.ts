// Accuracy of composites of one operand, as their bodies give it on the reference implementation: what tests of families of functions share.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DType } from '../../base/dtype.ts'
import { placeholder } from '../builders.ts'
import { evaluateNodes } from '../evaluate.ts'
import { hostZeros } from '../host-array.ts'
import type { Node } from '../node.ts'

export interface AccuracyRow {
  readonly build: (x: Node) => Node
  readonly exact: (x: number) => number
  /** of results below 1e30, in units of the dtype's epsilon */
  readonly limit: number
  /** near zeros the error is measured against this */
  readonly least?: number
  readonly domain: (x: number) => boolean
}

/** The points as the dtype has them, and the function's values there. */
export function evaluateAt(build: (x: Node) => Node, dtype: DType, points: readonly number[]): [number[], number[]] {
  const value = hostZeros(dtype, [points.length])
  points.forEach((point, i) => {
    value.data[i] = point
  })
  const x = placeholder(value.shape, dtype)
  const [result] = evaluateNodes([build(x)], new Map([[x, value]]))
  return [Array.from(value.data as ArrayLike<number>), Array.from(result.data as ArrayLike<number>)]
}

const sizes = Array.from({ length: 4000 }, (_, i) => Math.exp((i / 4000) * 22 - 18))

/** One test a row, in float32 and float64, at points of both signs from 1e-8 to 50. */
export function testAccuracy(rows: Readonly<Record<string, AccuracyRow>>): void {
  for (const [name, { build, exact, limit, least = 0, domain }] of Object.entries(rows))
    test(`${name} is exact to a few units in the last place`, () => {
      for (const [dtype, epsilon, slack] of [
        ['float32', 2 ** -23, 1],
        ['float64', 2 ** -52, 8],
      ] as const) {
        const [points, results] = evaluateAt(build, dtype, [...sizes, ...sizes.map((size) => -size)].filter(domain))
        points.forEach((x, i) => {
          const expected = exact(x)
          const error = Math.abs(results[i] - expected) / (Math.max(Math.abs(expected), least) * epsilon)
          assert.ok(error <= limit * slack, `${name}(${x}) in ${dtype}: off by ${error} epsilon`)
        })
      }
    })
}
