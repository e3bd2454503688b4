// sin and cos of float32 where their code takes turns: zeros of both signs, the largest angles that are reduced in float32, and groups of
// lanes in which only some go through float64. Their accuracy is measured in ../test-accuracy.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alu, loadOf, storeTo } from '../../kernel/builders.ts'
import { dataOf, empty, kernelOf, loopOver, param } from '../test-generator.ts'
import { machineCode, refusal } from './test-harness.ts'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const angles = [
  0,
  -0,
  1e-40,
  -1e-5,
  0.5,
  -3,
  131071.99,
  -131072,
  1e9,
  -3e38,
  inf,
  -inf,
  nan,
  Math.PI / 2,
  Math.PI,
  -22,
].map(Math.fround)

test('sin and cos of what lies in one group of lanes', { skip: refusal }, () => {
  for (const kind of ['sin', 'cos'] as const)
    for (const avx512 of [true, false]) {
      const size = 64
      const [x, out] = [param(0, 'float32', size), param(1, 'float32', size)]
      const loop = loopOver('vector', size, 32, (i) => [storeTo(out, i, alu(kind, 'float32', loadOf(x, i)))])
      // the second half of the lanes is small
      const values = Array.from({ length: size }, (_, i) => (i < size / 2 ? angles[i % angles.length] : i / 8))
      const data = [dataOf('float32', values), empty('float32', size)]
      const got = machineCode.run(kernelOf([x, out], [loop]), data, { avx512 }).data[1] as Float32Array
      values.forEach((angle, i) => {
        const exact = Math[kind](Math.fround(angle))
        const isRight = Math.abs(got[i] - exact) <= 2e-7 * Math.abs(exact) || Object.is(got[i], Math.fround(exact))
        assert.ok(isRight, `${kind}(${angle}) gives ${got[i]}, expected ${exact}`)
      })
    }
})
