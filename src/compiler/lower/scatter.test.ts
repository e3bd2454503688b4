import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alongAxis, exp, full, mul, placeholder, scatter } from '../../graph/builders.ts'
import type { HostArray } from '../../graph/host-array.ts'
import type { Node } from '../../graph/node.ts'
import { lower } from './lower.ts'
import { checkGroup, groupOf, runKernel, sample, testTarget } from './test-harness.ts'

const indexValues = (node: Node, limit: number): HostArray => ({
  dtype: 'int64',
  shape: node.shape,
  data: BigInt64Array.from({ length: node.shape.reduce((a, b) => a * b, 1) }, (_, i) => BigInt((i * 7 + 3) % limit)),
})

function checkScatter(node: Node, index: Node, limit: number, outputs: readonly Node[] = [node]): void {
  checkGroup('scatter', outputs, {
    anchorNode: node,
    inputs: new Map([[index, indexValues(index, limit)]]),
    tolerance: 1e-5,
  })
}

test('scatter: gradient of an embedding runs along its rows', () => {
  const [index, grad] = [placeholder([19], 'int64'), placeholder([19, 40], 'float32')]
  const node = scatter(full([6, 40], 0, 'float32'), 0, alongAxis(index, 0, [19, 40]), mul(grad, 2), 'sum')
  checkScatter(node, index, 6)
})

test('scatter: every kind, along every axis', () => {
  for (const kind of ['set', 'sum', 'prod', 'max', 'min'] as const)
    for (const axis of [0, 1, 2]) {
      const base = placeholder([4, 5, 6], 'float32')
      const index = placeholder([3, 4, 5], 'int64')
      checkScatter(scatter(base, axis, index, placeholder([3, 4, 5], 'float32'), kind), index, 4)
    }
})

test('scatter: few destinations and many updates', () => {
  const index = placeholder([20000], 'int64')
  const node = scatter(full([10], 0, 'float32'), 0, index, full([20000], 1, 'float32'), 'sum')
  checkScatter(node, index, 10)
})

test('scatter: what follows it reads the finished result', () => {
  const index = placeholder([5], 'int64')
  const node = scatter(full([10], 0, 'float32'), 0, index, placeholder([5], 'float32'), 'sum')
  checkScatter(node, index, 10, [exp(node)])
})

test('scatter: an index out of range is reported and writes nothing outside', () => {
  const index = placeholder([3], 'int32')
  const node = scatter(full([4], 0, 'float32'), 0, index, placeholder([3], 'float32'), 'sum')
  const group = groupOf('scatter', [node], node)
  const lowered = lower(group, testTarget)
  const inputs = group.inputs.map((input) =>
    input === index ? { dtype: 'int32' as const, shape: [3], data: Int32Array.of(1, 9, 2) } : sample(input),
  )
  const { failure } = runKernel(lowered.kernel, group, lowered.temporaries, inputs)
  assert.deepEqual(failure, { id: 0, position: 1, index: 9 })
  assert.deepEqual(lowered.checks, [{ op: 'scatter', limit: 4 }])
})
