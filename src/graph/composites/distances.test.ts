import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArgumentError } from '../../base/errors.ts'
import { placeholder } from '../builders.ts'
import { evaluateNodes } from '../evaluate.ts'
import { type HostArray, hostZeros } from '../host-array.ts'
import type { Node } from '../node.ts'
import { type CdistMode, cdist } from './distances.ts'

const sample = (rows: number, seed: number): HostArray => {
  const array = hostZeros('float64', [rows, 3])
  for (let i = 0; i < array.data.length; i++) array.data[i] = (((i + seed) * 7919) % 101) / 50 - 1
  return array
}

const contains = (node: Node, name: string): boolean =>
  (node.op === 'composite' && node.attrs.name === name) || node.inputs.some((input) => contains(input, name))

test('Euclidean distances by a product are those of the differences, from 26 rows or when asked for', () => {
  const [few, many] = [25, 26].map((rows) => placeholder([rows, 3], 'float64'))
  const values = new Map([
    [few, sample(25, 1)],
    [many, sample(26, 40)],
  ])
  const modes: readonly CdistMode[] = ['use_mm_for_euclid_dist', 'donot_use_mm_for_euclid_dist']
  const both = modes.map((mode) => cdist(few, many, 2, mode))
  const [product, direct] = evaluateNodes(both, values)
  product.data.forEach((value, i) => {
    assert.ok(Math.abs(Number(value) - Number(direct.data[i])) < 1e-7)
  })
  const isProduct = (node: Node): boolean => contains(node, 'euclideanDistances')
  assert.deepEqual(both.map(isProduct), [true, false])
  assert.deepEqual([cdist(few, few), cdist(few, many), cdist(few, many, 3)].map(isProduct), [false, true, false])
  assert.throws(() => cdist(few, few, 2, 'fast' as CdistMode), ArgumentError)
})
