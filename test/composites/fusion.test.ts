// How composites fuse: the kernels that the compiler forms around each, forward alone and with the gradient.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backward } from '../../src/autograd/backward.ts'
import { schedule } from '../../src/compiler/schedule/schedule.ts'
import type { Anchor } from '../../src/compiler/schedule-types.ts'
import { simplify } from '../../src/compiler/simplify/simplify.ts'
import type { Target } from '../../src/compiler/target.ts'
import { placeholder } from '../../src/graph/builders.ts'
import * as c from '../../src/graph/composites.ts'
import { type Node, topologicalOrder } from '../../src/graph/node.ts'

const target: Target = {
  dtypes: new Set(['bool', 'int32', 'int64', 'float32', 'float64']),
  vectorBytes: 32,
  vectorRegisters: 16,
  l1: 32 << 10,
  l2: 1 << 20,
  l3: 32 << 20,
  threads: 2,
  tiles: { float32: [{ mr: 6, nr: 16, lanes: 8, rate: 32 }] },
}

function anchorsOf(leaves: readonly Node[], roots: readonly Node[]): Anchor[] {
  const outputs = roots.map((node) => ({ node, persistent: false }))
  const simple = simplify({ leaves, outputs })
  return schedule(topologicalOrder(simple.roots), simple.roots, target).groups.map((group) => group.anchor)
}

const f = (...shape: number[]) => placeholder(shape, 'float32')

/** Kernels of the forward pass, and of it with the gradients of `wanted`. */
function check(y: Node, leaves: readonly Node[], wanted: readonly Node[], forward: Anchor[], both: Anchor[]): void {
  assert.deepEqual(anchorsOf(leaves, [y]), forward)
  const grad = f(...y.shape)
  const gradients = backward([{ root: y, grad }], new Set(wanted))
  const roots = [y, ...wanted.map((node) => gradients.get(node)!)]
  assert.deepEqual(
    anchorsOf([...leaves, grad], roots).filter((anchor) => anchor !== 'map'),
    both,
  )
}

const rows = f(64, 128)

test('softmax is one row kernel, and so it is with its gradient', () => {
  check(c.softmax(rows, 1), [rows], [rows], ['row'], ['row'])
})

test('logSoftmax is one row kernel, and one more for its gradient', () => {
  check(c.logSoftmax(rows, 1), [rows], [rows], ['row'], ['row', 'row'])
})

test('layerNorm is one row kernel with all its gradients; with few rows those of the parameters are one column kernel', () => {
  const [weight, bias] = [f(128), f(128)]
  for (const [count, both] of [
    [256, ['row']],
    [32, ['row', 'row']],
  ] as const) {
    const x = f(count, 128)
    check(c.layerNorm(x, [128], { weight, bias }), [x, weight, bias], [x, weight, bias], ['row'], [...both])
  }
})

test('batchNorm is one row kernel with all its gradients', () => {
  const [x, weight, bias] = [f(16, 8, 14, 14), f(8), f(8)]
  const y = c.batchNormTraining(x, { weight, bias }).output
  check(y, [x, weight, bias], [x, weight, bias], ['row'], ['row'])
})

test('conv2d with bias and relu is one tile kernel; each gradient is one more', () => {
  const [x, weight, bias] = [f(16, 8, 14, 14), f(16, 8, 3, 3), f(16)]
  const y = c.relu(c.conv2d(x, weight, bias, { padding: 1 }))
  check(y, [x, weight, bias], [x, weight, bias], ['tile'], ['tile', 'tile', 'tile', 'row'])
})

test('attention is a product, a row kernel and a product', () => {
  const [q, k, v] = [f(2, 4, 64, 16), f(2, 4, 64, 16), f(2, 4, 64, 16)]
  const y = c.scaledDotProductAttention(q, k, v, { isCausal: true })
  const both: Anchor[] = ['tile', 'row', 'tile', 'row', 'tile', 'tile', 'tile', 'tile']
  check(y, [q, k, v], [q, k, v], ['tile', 'row', 'tile'], both)
})
