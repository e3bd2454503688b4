// One kernel for groups that differ in numbers only: the plan has one body, and every call its own values.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as build from '../graph/builders.ts'
import { evaluateNodes } from '../graph/evaluate.ts'
import type { HostArray } from '../graph/host-array.ts'
import type { Node } from '../graph/node.ts'
import { compileGraph } from './compile.ts'
import { interpretPlan } from './interpret-plan.ts'
import { assertClose, sample, testTarget } from './lower/test-harness.ts'
import { verifier } from './verifier.ts'

/** Compiles, compares with the reference, and gives the number of kernels. */
function kernelsOf(leaves: readonly Node[], roots: readonly Node[]): number {
  const values = new Map<Node, HostArray>(leaves.map((leaf, i) => [leaf, sample(leaf, i + 1)]))
  const plan = compileGraph({ leaves, outputs: roots.map((node) => ({ node, persistent: false })) }, testTarget, {
    verifier,
  })
  const expected = evaluateNodes(roots, values)
  const actual = interpretPlan(plan, [...values.values()])
  actual.forEach((value, i) => {
    assertClose(value, expected[i], 1e-6, plan.print('optimize'))
  })
  assert.equal(plan.calls.length, roots.length)
  return plan.kernels.length
}

const leaf = (...shape: number[]): Node => build.placeholder(shape, 'float32')

test('share: constants that differ become inputs', () => {
  const leaves = [leaf(40), leaf(40), leaf(40)]
  const scaled = leaves.map((x, i) => build.add(build.mul(x, 0.3 * (i + 1)), 7))
  assert.equal(kernelsOf(leaves, scaled), 1)
})

test('share: each call reads its own element of a vector', () => {
  const [rates, ...params] = [leaf(3), leaf(40), leaf(40), leaf(40)]
  const updated = params.map((x, i) => build.mul(x, build.select(rates, 0, i)))
  // siblings of one shape that share an operand would merge into one map kernel
  const reduced = updated.map((x) => build.sum(x, 0))
  assert.equal(kernelsOf([rates, ...params], reduced), 1)
})

test('share: what chooses the code keeps kernels apart', () => {
  const leaves = [leaf(40), leaf(40)]
  const powers = leaves.map((x, i) => build.pow(build.mul(x, x), 2.5 + i))
  assert.equal(kernelsOf(leaves, powers), 2)
  const [x, y, z] = [leaf(40), leaf(40), leaf(40)]
  assert.equal(kernelsOf([x, y, z], [build.mul(x, x), build.mul(y, z)]), 2)
})
