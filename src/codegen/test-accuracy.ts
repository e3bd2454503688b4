// Accuracy of exp, log, sin, cos and pow over their whole ranges, in units of the last place of the true result: cases for every code
// generator.
import assert from 'node:assert/strict'
import { alu, loadOf, storeTo } from '../kernel/builders.ts'
import type { AluKind } from '../kernel/kernel-node.ts'
import { type Cases, dataOf, empty, kernelOf, loopOver, param, type TestedGenerator } from './test-generator.ts'

/** The function's values under one of the generator's variants. */
function run(generator: TestedGenerator, variant: object, [kind, dtype, columns]: Case): number[] {
  const size = columns[0].length
  const params = columns.map((_, slot) => param(slot, dtype, size))
  const out = param(params.length, dtype, size)
  const loop = loopOver('vector', size, 16, (i) => [
    storeTo(out, i, alu(kind, dtype, ...params.map((p) => loadOf(p, i)))),
  ])
  const data = [...columns.map((values) => dataOf(dtype, values)), empty(dtype, size)]
  const results = generator.run(kernelOf([...params, out], [loop]), data, variant).data
  return Array.from(results[columns.length] as Float64Array)
}

/** Distance in units of the last place. JavaScript's own functions are within one of float64. */
function distance(got: number, expected: number, dtype: 'float32' | 'float64'): number {
  if (got === expected || (Number.isNaN(got) && Number.isNaN(expected))) return 0
  const [bits, lowest] = dtype === 'float32' ? [23, -126] : [52, -1022]
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(expected))), lowest)
  return Math.abs(got - expected) / 2 ** Math.max(exponent - bits, -1074)
}

type Case = [AluKind, 'float32' | 'float64', number[][], (...x: number[]) => number]

/** The largest distance under any of the generator's variants. */
const worst = (generator: TestedGenerator, ...of: Case): number =>
  Math.max(...generator.variants.map((variant) => worstWith(generator, variant, of)))

function worstWith(generator: TestedGenerator, variant: object, [kind, dtype, columns, reference]: Case): number {
  const rounded = dtype === 'float32' ? columns.map((column) => column.map(Math.fround)) : columns
  const got = run(generator, variant, [kind, dtype, rounded, reference])
  let most = 0
  got.forEach((value, i) => {
    const exact = reference(...rounded.map((column) => column[i]))
    const expected = dtype === 'float32' ? Math.fround(exact) : exact
    const apart = Number.isFinite(expected) ? distance(value, exact, dtype) : distance(value, expected, dtype)
    assert.ok(
      !Number.isNaN(apart),
      `${kind}(${rounded.map((column) => column[i])}) gives ${value}, expected ${expected}`,
    )
    most = Math.max(most, apart)
  })
  return most
}

const count = 20001
const line = (from: number, to: number) =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1))
const scaled = (from: number, to: number) => line(from, to).map((exponent) => 2 ** exponent)

export const accuracyCases: Cases = {
  'exp is within 2 ulp, down to denormals': (generator) => {
    assert.ok(worst(generator, 'exp', 'float32', [line(-87, 88.7)], Math.exp) < 1.5)
    assert.ok(worst(generator, 'exp', 'float32', [line(-110, 95)], Math.exp) < 1.5)
    assert.ok(worst(generator, 'exp', 'float64', [line(-708, 709.7)], Math.exp) < 2.5)
    assert.ok(worst(generator, 'exp', 'float64', [line(-750, 712)], Math.exp) < 2.5)
  },

  'log is within 2 ulp, denormals included': (generator) => {
    assert.ok(worst(generator, 'log', 'float32', [scaled(-149, 127.9)], Math.log) < 1.5)
    assert.ok(worst(generator, 'log', 'float32', [line(0.5, 2)], Math.log) < 1.5)
    assert.ok(worst(generator, 'log', 'float64', [scaled(-1074, 1023.9)], Math.log) < 2.5)
    assert.ok(worst(generator, 'log', 'float64', [line(0.5, 2)], Math.log) < 2.5)
  },

  'sin and cos are within 3 ulp for all finite arguments, 2 in float64': (generator) => {
    for (const [kind, reference] of [
      ['sin', Math.sin],
      ['cos', Math.cos],
    ] as const) {
      for (const angles of [line(-10, 10), line(-1e6, 1e6), scaled(0, 127), line(-1e15, 1e15), line(-1e35, 1e35)])
        assert.ok(worst(generator, kind, 'float32', [angles], reference) < generator.float32Errors.angle)
      const multiples = Array.from({ length: count }, (_, i) => (i * Math.PI) / 2)
      for (const angles of [
        line(-10, 10),
        line(-1e6, 1e6),
        multiples,
        scaled(40, 60),
        scaled(-30, 1023),
        line(-1e17, 1e17),
      ])
        assert.ok(worst(generator, kind, 'float64', [angles], reference) < 2.5)
    }
  },

  'pow is within 1 ulp in float32 and a few in float64': (generator) => {
    const [bases, powers] = [scaled(-20, 20), line(-6, 6).map((_, i) => ((i * 7919) % 1200) / 100 - 6)]
    assert.ok(worst(generator, 'pow', 'float32', [bases, powers], Math.pow) < generator.float32Errors.pow)
    assert.ok(worst(generator, 'pow', 'float64', [bases, powers], Math.pow) < 6)
    assert.ok(worst(generator, 'pow', 'float64', [line(0.9, 1.1), powers.map((y) => y * 1000)], Math.pow) < 6)
  },
}
