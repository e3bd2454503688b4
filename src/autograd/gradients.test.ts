// Every gradient rule against differences in float64, once and twice, and PyTorch's choices where differences cannot tell.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DType } from '../base/dtype.ts'
import { type Shape, sizeOf } from '../base/shape.ts'
import * as b from '../graph/builders.ts'
import { abs, detach, relu } from '../graph/composites/basics.ts'
import { defineComposite } from '../graph/composites/composite-table.ts'
import { erf } from '../graph/composites/error-function.ts'
import { expm1, log1p, sigmoid, tanh } from '../graph/composites/special.ts'
import { evaluateNodes } from '../graph/evaluate.ts'
import { type HostArray, hostZeros } from '../graph/host-array.ts'
import { type Node, topologicalOrder } from '../graph/node.ts'
import { opNames, opTable } from '../graph/op-table.ts'
import { verifyGraph } from '../graph/verify.ts'
import { backward } from './backward.ts'
import { customFunction } from './custom-function.ts'
import { gradcheck } from './gradcheck.ts'
import { grad, jvp } from './transforms.ts'

const evaluate = (nodes: readonly Node[], values: ReadonlyMap<Node, HostArray>): HostArray[] => {
  verifyGraph(nodes)
  return evaluateNodes(nodes, values)
}

/** Uneven values away from zero and from each other; `low` and `high` bound their sizes. */
function sample(shape: Shape, seed = 1, low = 0.3, signed = true): HostArray {
  const array = hostZeros('float64', shape)
  for (let i = 0; i < array.data.length; i++) {
    const noise = ((i + 1) * 7919 * (seed + 12) * 104729) % 1009
    const size = low + (noise / 1009) * 1.5 + i * 1e-3
    array.data[i] = signed && (i + seed) % 2 === 0 ? -size : size
  }
  return array
}

const given = (dtype: DType, shape: Shape, list: readonly number[]): HostArray => {
  const array = hostZeros(dtype, shape)
  list.forEach((value, i) => {
    array.data[i] = dtype === 'int64' ? BigInt(value) : value
  })
  return array
}

type Case = readonly [program: (...inputs: readonly Node[]) => Node | readonly Node[], ...values: HostArray[]]

const positive = (shape: Shape, seed = 1): HostArray => sample(shape, seed, 0.4, false)
const [x23, y23] = [sample([2, 3]), sample([2, 3], 2)]
const index = given('int64', [2, 2], [1, 0, 1, 1])
const step = ([h, n]: readonly Node[], w: Node, s: Node) => {
  const next = tanh(b.add(b.matmul(h, w), s))
  return { carries: [next, b.add(n, 1)], outputs: [b.mul(next, s)] }
}
const recur =
  (reverse: boolean) =>
  (h: Node, w: Node, s: Node): Node[] => {
    const count = b.constant(0, 'int64')
    const { carries, outputs } = b.scan({ carries: [h, count], sequences: [s], reverse }, (c, [slice]) =>
      step(c, w, slice),
    )
    return [carries[0], outputs[0]]
  }

const cases: Readonly<Record<string, Case>> = {
  sqrt: [b.sqrt, positive([3])],
  exp: [b.exp, x23],
  log: [b.log, positive([3])],
  sin: [b.sin, x23],
  cos: [b.cos, x23],
  add: [b.add, x23, sample([3], 2)],
  sub: [b.sub, x23, sample([2, 1], 2)],
  mul: [b.mul, x23, y23],
  multiplyAdd: [b.multiplyAdd, x23, y23, sample([3], 4)],
  div: [b.div, x23, y23],
  mod: [b.mod, sample([4]), positive([4], 3)],
  pow: [b.pow, positive([2, 3]), y23],
  'pow by a number': [(x) => [b.pow(x, 2), b.pow(x, 3), b.pow(x, 4), b.pow(x, -1)], x23],
  max: [b.max, x23, y23],
  min: [b.min, x23, y23],
  where: [(x, y) => b.where(b.less(x, y), x, b.mul(y, y)), x23, y23],
  reshape: [(x) => b.mul(b.reshape(x, [3, 2]), b.reshape(x, [3, 2])), x23],
  permute: [(x) => b.exp(b.permute(x, [2, 0, 1])), sample([2, 3, 2])],
  expand: [(x, y) => b.mul(b.expand(x, [2, 4, 3]), y), sample([2, 1, 1]), sample([2, 4, 3])],
  pad: [
    (x) =>
      b.exp(
        b.pad(
          x,
          [
            [1, 0],
            [0, 2],
          ],
          3,
        ),
      ),
    x23,
  ],
  'pad that cuts off': [
    (x) =>
      b.exp(
        b.pad(x, [
          [-1, 0],
          [1, -1],
        ]),
      ),
    x23,
  ],
  slice: [(x) => b.exp(b.slice(x, [0, 1], [2, 2])), x23],
  'slice with steps': [(x) => b.exp(b.slice(x, [1, 6], [2, 3], [3, -2])), sample([5, 8])],
  window: [(x) => b.exp(b.window(x, 1, 3, 2, 2)), sample([2, 9])],
  'window that overlaps': [(x) => b.exp(b.window(x, 0, 3)), sample([5, 2])],
  concat: [(x, y) => b.exp(b.concat([x, y, x], 1)), x23, sample([2, 1], 2)],
  stack: [(x, y) => b.exp(b.stack([x, y], 1)), x23, y23],
  flip: [(x) => b.exp(b.flip(x, [0, 1])), x23],
  sum: [(x) => b.exp(b.sum(x, 1)), x23],
  mean: [(x) => b.exp(b.mean(x, 0)), x23],
  prod: [(x) => b.prod(x, 1), x23],
  amax: [(x) => b.exp(b.amax(x, 1)), x23],
  amin: [(x) => b.exp(b.amin(x)), x23],
  'contract with batch': [(x, y) => b.contract(x, y, 1, 2), sample([2, 3, 2, 2]), sample([2, 1, 2, 2], 2)],
  'matmul of vectors': [b.matmul, sample([3]), sample([3], 2)],
  'matmul of a matrix and batches': [b.matmul, x23, sample([2, 3, 2], 2)],
  'matmul of batches that broadcast': [b.matmul, sample([2, 1, 2, 3]), sample([2, 3, 1], 2)],
  gather: [(x) => b.exp(b.gather(x, 0, b.reshape(b.iota(2, 'int64'), [2, 1]))), x23],
  'gather with repeats': [(x, i) => b.exp(b.gather(x, 1, i)), x23, index],
  'scatter set': [
    (x, i, s) => b.exp(b.scatter(x, 1, i, s)),
    x23,
    given('int64', [2, 2], [1, 0, 2, 1]),
    sample([2, 2], 3),
  ],
  'scatter sum': [(x, i, s) => b.exp(b.scatter(x, 1, i, s, 'sum')), x23, index, sample([2, 2], 3)],
  'scatter prod': [(x, i, s) => b.scatter(x, 1, i, s, 'prod'), x23, index, sample([2, 2], 3)],
  'scatter max': [(x, i, s) => b.exp(b.scatter(x, 1, i, s, 'max')), x23, index, sample([2, 2], 3)],
  'scatter min': [(x, i, s) => b.exp(b.scatter(x, 1, i, s, 'min')), x23, index, sample([2, 2], 3)],
  copy: [(x) => b.exp(b.copy(x)), x23],
  collective: [(x) => b.exp(b.collectiveSum(x, 'all')), x23],
  scan: [recur(false), sample([2]), sample([2, 2], 2), sample([3, 2], 3)],
  'scan in reverse': [recur(true), sample([2]), sample([2, 2], 2), sample([3, 2], 3)],
  relu: [relu, x23],
  abs: [abs, x23],
  expm1: [expm1, x23],
  log1p: [log1p, positive([4])],
  sigmoid: [sigmoid, x23],
  tanh: [tanh, x23],
  erf: [erf, x23],
}

for (const [name, [program, ...values]] of Object.entries(cases))
  test(`gradient of ${name}`, () => gradcheck(program, values, evaluate, { secondOrder: true }))

test('every row with a gradient is in the table above', () => {
  const differenced = new Set<string>(['floor', 'cast'])
  for (const [program, ...values] of Object.values(cases)) {
    const inputs = values.map(({ shape, dtype }) => b.placeholder(shape, dtype))
    for (const node of topologicalOrder([program(...inputs)].flat())) differenced.add(node.op)
  }
  const missing = opNames.filter((op) => opTable[op].vjp !== 'none' && !differenced.has(op))
  assert.deepEqual(missing, [])
})

/** Gradients of the sum of the outputs at given values. */
function gradientAt(program: (...inputs: readonly Node[]) => Node, ...lists: (readonly number[])[]): number[][] {
  const inputs = lists.map((list) => b.placeholder([list.length], 'float64'))
  const bindings = new Map(
    inputs.map((input, i): [Node, HostArray] => [input, given('float64', input.shape, lists[i])]),
  )
  const gradients = grad(b.sum(program(...inputs)), inputs)
  return evaluate(
    gradients.map((gradient, i) => gradient ?? b.zerosLike(inputs[i])),
    bindings,
  ).map(({ data }) => Array.from(data as ArrayLike<number | bigint>, (value) => Number(value) + 0))
}

test('ties, zeros and kinks go as in PyTorch', () => {
  assert.deepEqual(gradientAt(b.max, [1, 2], [1, 3]), [
    [0.5, 0],
    [0.5, 1],
  ])
  assert.deepEqual(gradientAt(b.min, [1, 2], [1, 3]), [
    [0.5, 1],
    [0.5, 0],
  ])
  assert.deepEqual(gradientAt(relu, [-1, 0, 2]), [[0, 0, 1]])
  assert.deepEqual(gradientAt(abs, [-1, 0, 2]), [[-1, 0, 1]])
  assert.deepEqual(
    gradientAt((x) => b.amax(x, 0), [3, 1, 3]),
    [[0.5, 0, 0.5]],
  )
  assert.deepEqual(
    gradientAt((x) => b.prod(x, 0), [0, 2, 3]),
    [[6, 0, 0]],
  )
  assert.deepEqual(
    gradientAt((x) => b.prod(x, 0), [0, 2, 0]),
    [[0, 0, 0]],
  )
  assert.deepEqual(gradientAt(b.pow, [0, 0, 0], [0, 2, 1]), [
    [0, 0, 1],
    [0, 0, 0],
  ])
  assert.deepEqual(
    gradientAt((x) => b.floor(x), [1.5]),
    [[0]],
  )
  assert.deepEqual(
    gradientAt((x) => b.mul(x, detach(x)), [3]),
    [[3]],
  )
})

test('scatter prod gives the only zero the product of the others', () => {
  const base = b.constant(2, 'float64')
  const program = (s: Node): Node =>
    b.scatter(b.reshape(base, [1]), 0, b.full([sizeOf(s.shape)], 0, 'int64'), s, 'prod')
  assert.deepEqual(gradientAt(program, [3, 0, 5]), [[0, 30, 0]])
})

defineComposite('testProduct', { infer: ([x]) => x, body: ([x, y]) => b.mul(x, y) })

test('a composite without a rule is differentiated through its body, shared and dependent inputs included', () => {
  const program = (x: Node): Node => {
    const y = b.mul(x, 3)
    return b.add(b.composite('testProduct', [x, y]), b.composite('testProduct', [x, x]))
  }
  assert.deepEqual(gradientAt(program, [2]), [[3 * 2 * 2 + 2 * 2]])
})

test('a custom function uses its own backward', () => {
  const clipped = customFunction({ forward: (x) => b.mul(x, 2), backward: (g) => [b.mul(g, 10)] })
  assert.deepEqual(gradientAt(clipped, [1, 2]), [[10, 10]])
  const wrong = customFunction({ forward: (x) => b.mul(x, 2), backward: () => [] })
  assert.throws(() => gradientAt(wrong, [1]), /expected backward to give 1 gradients, one per input, got 0/)
})

test('jvp pushes tangents forward', () => {
  const [x, y] = [b.placeholder([2], 'float64'), b.placeholder([2], 'float64')]
  const [u, v] = [b.placeholder([2], 'float64'), b.placeholder([2], 'float64')]
  const [tangent] = jvp([b.mul(b.sin(x), y)], [x, y], [u, v])
  const at = (...list: number[]): HostArray => given('float64', [2], list)
  const bindings = new Map<Node, HostArray>([
    [x, at(1, 2)],
    [y, at(3, 4)],
    [u, at(5, 6)],
    [v, at(7, 8)],
  ])
  const expected = [1, 2].map((_, i) => {
    const [a, c, p, q] = [
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ].map((list) => list[i])
    return Math.cos(a) * p * c + Math.sin(a) * q
  })
  const got = Array.from(evaluate([tangent], bindings)[0].data, Number)
  got.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) < 1e-12)
  })
})

test('only what leads to wanted nodes is built, and intermediate nodes may be wanted', () => {
  const [x, w] = [b.placeholder([2], 'float32'), b.placeholder([2], 'float32')]
  const hidden = b.mul(x, w)
  const root = b.sum(b.exp(hidden))
  const gradients = backward([{ root, grad: b.onesLike(root) }], new Set([w, hidden]))
  assert.deepEqual([...gradients.keys()], [hidden, w])
  assert.equal(gradients.get(w)?.op, 'mul')
})

test('a cast gives the gradient back in the dtype it came from', () => {
  assert.deepEqual(
    gradientAt((x) => b.mul(b.cast(b.cast(x, 'float32'), 'float64'), 3), [1]),
    [[3]],
  )
})

test('integers have no gradient, and a wrong gradient is found', () => {
  const x = b.placeholder([2], 'float64')
  assert.deepEqual(grad(b.sum(b.cast(b.cast(x, 'int32'), 'float64')), [x]), [undefined])
  const wrong = customFunction({ forward: (y) => b.mul(y, 2), backward: (g) => [b.mul(g, 3)] })
  assert.throws(() => gradcheck(wrong, [sample([2])], evaluate), {
    code: 'GRADIENT',
    message:
      /derivative of element 0 of output 0 by element 0 of input 0 \[2\] to be [12]\.\d* \(by differences\), got 3/,
  })
})
