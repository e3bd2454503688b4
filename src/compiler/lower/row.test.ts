import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  add,
  amax,
  cast,
  div,
  equal,
  exp,
  flatten,
  iota,
  log,
  mean,
  mul,
  neg,
  permute,
  placeholder,
  reshape,
  rsqrt,
  square,
  sub,
  sum,
  transpose,
} from '../../graph/builders.ts'
import type { Node } from '../../graph/node.ts'
import { printKernel } from '../../kernel/print.ts'
import { checkGroup } from './test-harness.ts'

function softmax(x: Node, axis: number): Node {
  const shifted = exp(sub(x, amax(x, axis, true)))
  return div(shifted, sum(shifted, axis, true))
}

function normalize(x: Node, axes: readonly number[]): Node {
  const centred = sub(x, mean(x, axes, true))
  return mul(centred, rsqrt(add(mean(square(centred), axes, true), 1e-5)))
}

const close = { tolerance: 2e-5 }

test('row: plain reductions of every kind and dtype', () => {
  for (const dtype of ['float32', 'float64', 'int32', 'int64', 'bfloat16'] as const) {
    const x = placeholder([5, 37], dtype)
    const tolerance = dtype === 'bfloat16' ? 2e-2 : 1e-6
    checkGroup('row', [amax(x, 1)], { tolerance })
    checkGroup('row', [amax(x, 0)], { tolerance })
    if (dtype !== 'int32') checkGroup('row', [sum(x, 1, true), amax(x, 1)], { tolerance })
  }
  checkGroup('row', [sum(placeholder([4, 6, 5], 'float32'))])
  checkGroup('row', [sum(placeholder([4, 6, 5], 'float32'), [0, 2])])
  checkGroup('row', [sum(placeholder([4, 6, 5], 'float32'), [1])])
  checkGroup('row', [sum(placeholder([3, 0], 'float32'), [1])])
  checkGroup('row', [sum(placeholder([3, 1], 'float32'), [1])])
})

test('row: softmax over the last axis holds its exponentials', () => {
  const kernel = checkGroup('row', [softmax(placeholder([9, 70], 'float32'), 1)], close)
  assert.equal(kernel.scratch.length, 1)
  checkGroup('row', [softmax(placeholder([3, 4, 10], 'float32'), 2)], close)
})

test('row: softmax over a first or middle axis runs along columns', () => {
  checkGroup('row', [softmax(placeholder([12, 40], 'float32'), 0)], close)
  checkGroup('row', [softmax(placeholder([3, 7, 40], 'float32'), 1)], close)
})

test('row: layer norm and batch norm, with outputs per row and per element', () => {
  const x = placeholder([6, 33], 'float32')
  checkGroup('row', [normalize(x, [1])], close)
  checkGroup('row', [mul(normalize(x, [1]), placeholder([33], 'float32')), mean(x, [1])], close)
  checkGroup('row', [normalize(placeholder([4, 3, 5, 6], 'float32'), [0, 2, 3])], close)
})

test('row: outputs behind reshapes and permutations', () => {
  const x = placeholder([4, 6, 10], 'float32')
  checkGroup('row', [permute(softmax(x, 2), [0, 2, 1])], close)
  checkGroup('row', [flatten(softmax(x, 2))], close)
  checkGroup('row', [add(transpose(softmax(x, 2), 1, 2), placeholder([4, 10, 6], 'float32'))], close)
  checkGroup('row', [mul(reshape(sum(x, [2]), [24]), 2)], close)
})

test('row: cross-entropy of one row per target', () => {
  const [logits, target] = [placeholder([7, 13], 'float32'), placeholder([7], 'int64')]
  const top = amax(logits, 1, true)
  const logSum = add(log(sum(exp(sub(logits, top)), 1, true)), top)
  const hit = equal(reshape(target, [7, 1]), reshape(iota(13, 'int64'), [1, 13]))
  const picked = sum(mul(cast(hit, 'float32'), logits), 1, true)
  checkGroup('row', [neg(sub(picked, logSum))], close)
})

test('row: long reductions with few rows go to blocks first', () => {
  const total = checkGroup('row', [sum(placeholder([70000], 'float32'))], close)
  assert.ok(total.body.some((statement) => statement.op === 'barrier'))
  checkGroup('row', [sum(placeholder([9000, 10], 'float32'), [0])], close)
  checkGroup('row', [mean(placeholder([8, 3, 60, 60], 'float32'), [0, 2, 3]), normalizeLarge()], close)
})

test('row: sums over rows are added up by blocks of rows', () => {
  for (const shape of [
    [70, 24],
    [5, 30, 24],
  ]) {
    const [x, g] = [placeholder(shape, 'float32'), placeholder(shape, 'float32')]
    const kept = shape.map((_, axis) => axis).slice(0, -1)
    const normal = normalize(x, [shape.length - 1])
    const sums = [sum(mul(g, normal), kept), reshape(sum(g, kept, true), [24])]
    const kernel = checkGroup('row', [mul(normal, g), ...sums], close)
    assert.equal(kernel.params.filter(({ name }) => name === 'partial').length, 2)
  }
})

const normalizeLarge = (): Node => normalize(placeholder([8, 3, 60, 60], 'float32'), [0, 2, 3])

test('row: prints as loops', () => {
  const kernel = checkGroup('row', [sum(placeholder([3, 8], 'float32'), [1])])
  assert.match(printKernel(kernel), /vector 8/)
})
