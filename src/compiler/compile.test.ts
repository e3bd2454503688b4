// Whole plans on the kernel interpreter against the reference semantics, with every stage on and with each one off.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backward } from '../autograd/backward.ts'
import { sizeOf } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import { relu } from '../graph/composites/basics.ts'
import { evaluateNodes } from '../graph/evaluate.ts'
import type { HostArray } from '../graph/host-array.ts'
import type { Node } from '../graph/node.ts'
import { type CompileOptions, compileGraph } from './compile.ts'
import { interpretPlan } from './interpret-plan.ts'
import { assertClose, sample, testTarget } from './lower/test-harness.ts'
import { kernelPasses } from './optimize/optimize.ts'
import { verifier } from './verifier.ts'

const variants: Record<string, CompileOptions> = {
  all: {},
  'no simplify': { simplify: false },
  'no fuse': { fuse: false },
  ...Object.fromEntries(kernelPasses.map(({ name }) => [`no ${name}`, { skip: new Set([name]) }])),
}

function check(leaves: readonly Node[], roots: readonly Node[], tolerance = 2e-5, names = Object.keys(variants)): void {
  const values = new Map<Node, HostArray>(leaves.map((leaf, i) => [leaf, sample(leaf, i + 1)]))
  const expected = evaluateNodes(roots, values)
  for (const name of names) {
    const plan = compileGraph({ leaves, outputs: roots.map((node) => ({ node, persistent: false })) }, testTarget, {
      ...variants[name],
      verifier,
    })
    for (const participants of [1, 3]) {
      const actual = interpretPlan(
        plan,
        leaves.map((leaf) => values.get(leaf)!),
        participants,
      )
      actual.forEach((value, i) => {
        assertClose(
          value,
          expected[i],
          tolerance,
          `${name}, output ${i}\n${plan.print('schedule')}\n${plan.print('optimize')}`,
        )
      })
    }
  }
}

const leaf = (...shape: number[]): Node => build.placeholder(shape, 'float32')

test('compile: linear, relu, mean and all gradients', () => {
  const [x, w, b] = [leaf(64, 40), leaf(24, 40), leaf(24)]
  const y = relu(build.add(build.matmul(x, build.transpose(w, 0, 1)), b))
  const loss = build.mean(y)
  const grads = backward([{ root: loss, grad: build.onesLike(loss) }], new Set([w, b, x]))
  check([x, w, b], [loss, grads.get(w)!, grads.get(b)!, grads.get(x)!])
})

test('compile: products of every transposition and odd sizes', () => {
  for (const [m, n, k] of [
    [17, 33, 29],
    [1, 40, 64],
    [40, 1, 64],
    [6, 16, 300],
    [130, 50, 70],
  ]) {
    const [a, b, at, bt] = [leaf(m, k), leaf(k, n), leaf(k, m), leaf(n, k)]
    const t = (x: Node) => build.transpose(x, 0, 1)
    check(
      [a, b, at, bt],
      [build.matmul(a, b), build.matmul(t(at), b), build.matmul(a, t(bt)), build.matmul(t(at), t(bt))],
      1e-4,
      ['all'],
    )
  }
})

test('compile: a long sum over k is split and added in order', () => {
  const [a, b] = [leaf(20, 5000), leaf(5000, 24)]
  check([a, b], [build.matmul(a, b)], 1e-3, ['all'])
})

test('compile: batched products', () => {
  const [a, b] = [leaf(3, 4, 20, 8), leaf(3, 4, 8, 20)]
  check([a, b], [build.matmul(a, b)], 1e-4, ['all', 'no fuse'])
})

test('compile: softmax is one row kernel', () => {
  const x = leaf(13, 37)
  const e = build.exp(build.sub(x, build.amax(x, 1, true)))
  const y = build.div(e, build.sum(e, 1, true))
  check([x], [y])
  const plan = compileGraph({ leaves: [x], outputs: [{ node: y, persistent: false }] }, testTarget)
  assert.equal(plan.calls.length, 1)
})

test('compile: an update in place that another kernel still reads', () => {
  const [p, g] = [leaf(40, 40), leaf(40, 40)]
  const updated = build.sub(p, build.mul(g, 0.5))
  const product = build.matmul(p, build.transpose(p, 0, 1))
  const graph = {
    leaves: [p, g],
    outputs: [
      { node: updated, target: 0, persistent: true },
      { node: product, persistent: false },
    ],
  }
  const values = [sample(p, 1), sample(g, 2)]
  const expected = evaluateNodes(
    [updated, product],
    new Map([
      [p, values[0]],
      [g, values[1]],
    ]),
  )
  const plan = compileGraph(graph, testTarget, { verifier })
  interpretPlan(plan, values).forEach((value, i) => {
    assertClose(value, expected[i], 1e-4, plan.print('memory'))
  })
})

test('compile: indices are tested before what outlasts the program is written', () => {
  const [p, x] = [leaf(40, 12), leaf(40, 12)]
  const rows = build.placeholder([5], 'int64')
  const each = build.placeholder([40, 12], 'int64')
  const calls = (node: Node) => {
    const outputs = [{ node: build.add(p, node), target: 0, persistent: true }]
    const plan = compileGraph({ leaves: [p, x, rows, each], outputs }, testTarget, { verifier })
    return plan.calls.map(({ label, persistent, barrier }) =>
      [label.split(' ')[0], ...(persistent ? ['persistent'] : []), ...(barrier ? ['barrier'] : [])].join(' '),
    )
  }
  const sum = (node: Node) => build.broadcastTo(build.sum(node, 0, true), [40, 12])
  assert.deepEqual(calls(sum(build.indexSelect(x, 0, rows))).slice(-1), ['map persistent'])
  assert.deepEqual(calls(build.gather(x, 0, each)), ['test barrier', 'map persistent'])
})

test('compile: outputs that are leaves, constants or each other', () => {
  const x = leaf(5, 3)
  const y = build.mul(x, 2)
  check([x], [x, y, y, build.full([4], 2.5, 'float32'), build.permute(x, [1, 0])])
})

test('compile: empty tensors', () => {
  const x = leaf(0, 3)
  const [sum] = evaluateNodes([build.sum(x, 0)], new Map([[x, sample(x)]]))
  assert.equal(sizeOf(sum.shape), 3)
  check([x], [build.sum(x, 0), build.mul(x, 2), build.matmul(x, build.transpose(x, 0, 1))])
})
