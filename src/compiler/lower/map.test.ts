import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  add,
  cast,
  concat,
  constant,
  exp,
  expand,
  flip,
  gather,
  iota,
  less,
  max,
  mul,
  pad,
  permute,
  placeholder,
  reshape,
  slice,
  transpose,
  unslice,
  where,
  window,
} from '../../graph/builders.ts'
import type { Node } from '../../graph/node.ts'
import type { For, Kernel, Statement } from '../../kernel/kernel-node.ts'
import { printKernel } from '../../kernel/print.ts'
import { checkGroup, sample } from './test-harness.ts'

const loopsOf = (body: readonly Statement[]): For[] =>
  body.flatMap((statement) => (statement.op === 'for' ? [statement, ...loopsOf(statement.body)] : []))
const shapeOf = (kernel: Kernel): string =>
  loopsOf(kernel.body)
    .map((loop) => loop.kind)
    .join(' ')

test('map: elementwise of any rank is one vector loop in blocks', () => {
  const [a, b] = [placeholder([3, 4, 5], 'float32'), placeholder([3, 4, 5], 'float32')]
  assert.equal(shapeOf(checkGroup('map', [max(add(a, b), constant(0, 'float32')), mul(a, b)])), 'parallel vector')
  const large = placeholder([300, 70], 'float32')
  assert.equal(shapeOf(checkGroup('map', [exp(large)])), 'parallel vector')
})

test('map: broadcasts keep the inner axis vectorised', () => {
  const [x, bias, scale] = [
    placeholder([6, 7, 40], 'float32'),
    placeholder([40], 'float32'),
    placeholder([7, 1], 'float32'),
  ]
  checkGroup('map', [add(x, bias)])
  checkGroup('map', [mul(add(x, bias), scale)])
})

test('map: reshapes and permutations', () => {
  const x = placeholder([4, 6, 10], 'float32')
  const heads = permute(reshape(x, [4, 6, 2, 5]), [0, 2, 1, 3])
  checkGroup('map', [heads])
  checkGroup('map', [reshape(heads, [8, 30])])
  checkGroup('map', [
    add(reshape(transpose(placeholder([5, 2], 'float32'), 0, 1), [5, 2]), placeholder([5, 2], 'float32')),
  ])
  checkGroup('map', [transpose(x, 0, 2)])
})

/** Pads rows and columns of a matrix. */
const padded = (x: Node, rows: readonly [number, number], columns: readonly [number, number], value: number): Node =>
  pad(x, [rows, columns], value)

test('map: pad, slice, window, concat and flip', () => {
  const x = placeholder([4, 9], 'float32')
  checkGroup('map', [padded(x, [1, 2], [0, 3], 2.5)])
  checkGroup('map', [exp(padded(mul(x, x), [1, 0], [2, 2], 1))], { tolerance: 1e-5 })
  checkGroup('map', [slice(x, [1, 8], [2, 4], [1, -2])])
  checkGroup('map', [window(x, 1, 3, 2, 2)])
  checkGroup('map', [window(padded(x, [0, 0], [1, 1], 0), 1, 3, 2)])
  const y = placeholder([4, 3], 'float32')
  checkGroup('map', [concat([x, y, mul(x, 2)], 1)])
  checkGroup('map', [padded(concat([x, y], 1), [1, 1], [1, 1], 7)])
  checkGroup('map', [add(flip(x, [1]), x)])
})

test('map: where the vector axis passes from one source to the next, loops of their own need no choice', () => {
  const [x, y] = [placeholder([4, 70], 'float32'), placeholder([4, 40], 'float32')]
  const joined = checkGroup('map', [concat([x, mul(y, 2)], 1)])
  assert.equal(shapeOf(joined), 'parallel serial vector parallel serial vector')
  assert.doesNotMatch(printKernel(joined), /where|inside/)
  checkGroup('map', [add(concat([slice(x, [0, 9], [4, 61]), slice(x, [0, 0], [4, 9])], 1), x)])
  checkGroup('map', [padded(x, [1, 2], [40, 35], 2.5)])
  checkGroup('map', [exp(concat([x, padded(y, [0, 0], [33, 0], 0)], 1))], { tolerance: 1e-5 })
})

/** Matrices of zeros but for a diagonal, which starts `start` elements from the first. */
const spread = (x: Node, size: number, start: number): Node =>
  reshape(
    unslice(
      x,
      [...x.shape.slice(0, -1), size * size],
      [0, start].slice(2 - x.shape.length),
      [1, size + 1].slice(2 - x.shape.length),
    ),
    [...x.shape.slice(0, -1), size, size],
  )

test('map: digits that do not come out even have loops of whole turns', () => {
  for (const start of [0, 3, 40 * 3]) {
    const kernel = checkGroup('map', [spread(placeholder([37], 'float32'), 40, start)])
    assert.doesNotMatch(printKernel(kernel), /[%/]/)
    checkGroup('map', [spread(placeholder([3, 37], 'float32'), 40, start)])
  }
})

test('map: copies across are made by squares', () => {
  const x = placeholder([50, 37], 'float32')
  assert.match(shapeOf(checkGroup('map', [permute(x, [1, 0])])), /^parallel serial serial unroll vector/)
  checkGroup('map', [permute(flip(x, [0]), [1, 0])])
  checkGroup('map', [permute(flip(x, [1]), [1, 0])])
  checkGroup('map', [permute(placeholder([3, 16, 24], 'int32'), [0, 2, 1])])
  checkGroup('map', [permute(placeholder([9, 3, 17], 'float32'), [2, 1, 0])])
  checkGroup('map', [permute(placeholder([32, 16], 'float64'), [1, 0])])
  checkGroup('map', [permute(add(x, 1), [1, 0])])
})

test('map: values without memory', () => {
  checkGroup('map', [add(reshape(cast(iota(12, 'int64'), 'float32'), [3, 4]), 0.5)])
  const rows = expand(reshape(iota(5, 'int64'), [5, 1]), [5, 5])
  const columns = expand(reshape(iota(5, 'int64'), [1, 5]), [5, 5])
  checkGroup('map', [less(rows, columns)])
  checkGroup('map', [where(less(rows, columns), placeholder([5, 5], 'float64'), 0)])
  checkGroup('map', [exp(placeholder([], 'float32'))])
  checkGroup('map', [placeholderSum(placeholder([0, 4], 'float32'))])
})

const placeholderSum = (x: Node): Node => add(x, x)

test('map: 16-bit floats round where the reference does', () => {
  for (const dtype of ['float16', 'bfloat16'] as const) {
    const [x, y] = [placeholder([33], dtype), placeholder([33], dtype)]
    checkGroup('map', [mul(add(x, y), exp(x)), cast(mul(x, 0.1), 'float32'), cast(cast(x, 'int32'), dtype)], {
      tolerance: 1e-2,
    })
  }
})

test('map: integer dtypes wrap', () => {
  for (const dtype of ['int8', 'uint8', 'int16', 'int32', 'int64'] as const) {
    const [x, y] = [placeholder([40], dtype), placeholder([40], dtype)]
    checkGroup('map', [mul(add(x, y), mul(x, 9)), max(x, y)])
  }
})

test('map: gather reads through tested indices', () => {
  const x = placeholder([7, 6], 'float32')
  const index = placeholder([3, 6], 'int64')
  const values = sample(index)
  const inside = { ...values, data: BigInt64Array.from({ length: 18 }, (_, i) => BigInt((i * 5) % 7)) }
  const x2 = sample(x, 3)
  checkGroup('map', [mul(gather(exp(x), 0, index), 2)], {
    inputs: new Map([
      [index, inside],
      [x, x2],
    ]),
    tolerance: 1e-5,
  })
})
