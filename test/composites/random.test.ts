// The generator against its authors' known answers, and the distributions drawn from it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backward } from '../../src/autograd/backward.ts'
import type { DType } from '../../src/base/dtype.ts'
import { constant, onesLike, placeholder } from '../../src/graph/builders.ts'
import {
  dropout,
  randomBernoulli,
  randomBits,
  randomIntegers,
  randomNormal,
  randomUniform,
} from '../../src/graph/composites/random.ts'
import { threefry2x32 } from '../../src/graph/composites/threefry.ts'
import { evaluateNodes } from '../../src/graph/evaluate.ts'
import { type HostArray, hostZeros } from '../../src/graph/host-array.ts'
import type { Node } from '../../src/graph/node.ts'

const word = (value: number): Node => constant(value | 0, 'int32')

// kat_vectors of Random123 (https://github.com/DEShawResearch/random123): rounds, counter, key, result
const knownAnswers = [
  [13, [0, 0], [0, 0], [0x9d1c5ec6, 0x8bd50731]],
  [13, [-1, -1], [-1, -1], [0xfd36d048, 0x2d17272c]],
  [13, [0x243f6a88, 0x85a308d3], [0x13198a2e, 0x03707344], [0xba3e4725, 0xf27d669e]],
  [20, [0, 0], [0, 0], [0x6b200159, 0x99ba4efe]],
  [20, [-1, -1], [-1, -1], [0x1cb996fc, 0xbb002be7]],
  [20, [0x243f6a88, 0x85a308d3], [0x13198a2e, 0x03707344], [0xc4923a9c, 0x483df7a0]],
] as const

test('threefry2x32 gives its authors’ known answers', () => {
  for (const [rounds, counter, key, expected] of knownAnswers) {
    const words = threefry2x32([word(key[0]), word(key[1])], [word(counter[0]), word(counter[1])], rounds)
    const got = evaluateNodes(words, new Map()).map(({ data }) => Number(data[0]) >>> 0)
    assert.deepEqual(got, [...expected])
  }
})

const state = placeholder([4], 'int32')
const stateOf = (...words: readonly number[]): HostArray => {
  const array = hostZeros('int32', [4])
  words.forEach((value, i) => {
    array.data[i] = value
  })
  return array
}
const draw = (node: Node, ...words: readonly number[]): number[] =>
  Array.from(evaluateNodes([node], new Map([[state, stateOf(...words)]]))[0].data as ArrayLike<number>, Number)

const average = (list: readonly number[]): number => list.reduce((total, value) => total + value, 0) / list.length
const spread = (list: readonly number[]): number => Math.sqrt(average(list.map((value) => value * value)))

test('draws depend on seed, offset plus draw, and position alone', () => {
  const bits = draw(randomBits(state, [2, 3], 4), 7, 0, 10)
  assert.deepEqual(draw(randomBits(state, [6], 0), 7, 0, 14), bits)
  assert.deepEqual(draw(randomBits(state, [3], 4), 7, 0, 10), bits.slice(0, 3))
  assert.notDeepEqual(draw(randomBits(state, [6], 5), 7, 0, 10), bits)
  assert.notDeepEqual(draw(randomBits(state, [6], 4), 8, 0, 10), bits)
  assert.equal(new Set(bits).size, 6)
})

for (const dtype of ['float16', 'bfloat16', 'float32', 'float64'] as const satisfies DType[])
  test(`uniform ${dtype} lies in [0, 1), evenly`, () => {
    const values = draw(randomUniform(state, [4000], 0, dtype), 1, 2)
    assert.ok(values.every((value) => value >= 0 && value < 1))
    assert.ok(Math.abs(average(values) - 0.5) < 0.02)
    const deviation = spread(values.map((value) => value - 0.5))
    assert.ok(Math.abs(deviation - Math.sqrt(1 / 12)) < 0.01)
  })

for (const dtype of ['float32', 'float64'] as const)
  test(`normal ${dtype} has mean 0, deviation 1 and a fourth moment of 3`, () => {
    const values = draw(randomNormal(state, [8000], 3, dtype), 5)
    assert.ok(Math.abs(average(values)) < 0.03)
    assert.ok(Math.abs(spread(values) - 1) < 0.03)
    assert.ok(Math.abs(average(values.map((value) => value ** 4)) - 3) < 0.3)
  })

test('integers fill their range and nothing else', () => {
  const values = draw(randomIntegers(state, [3000], 0, -2, 4), 9)
  assert.deepEqual(
    [...new Set(values)].sort((a, b) => a - b),
    [-2, -1, 0, 1, 2, 3],
  )
  assert.ok(Math.abs(average(values) - 0.5) < 0.12)
  assert.throws(() => randomIntegers(state, [1], 0, 4, 4), /randint: expected whole numbers low < high/)
})

test('bernoulli is true as often as it should', () => {
  assert.ok(Math.abs(average(draw(randomBernoulli(state, [4000], 0, 0.3), 9)) - 0.3) < 0.03)
})

test('dropout zeros and scales, and its gradient drops the same elements', () => {
  const x = placeholder([500], 'float32')
  const y = dropout(x, state, 2, 0.25)
  const gradient = backward([{ root: y, grad: onesLike(y) }], new Set([x])).get(x)!
  const ones = { ...hostZeros('float32', [500]), data: new Float32Array(500).fill(3) }
  const [values, grads] = evaluateNodes(
    [y, gradient],
    new Map([
      [state, stateOf(1)],
      [x, ones],
    ]),
  )
  const kept = Array.from(values.data as Float32Array, (value) => value !== 0)
  assert.deepEqual([...new Set(values.data as Float32Array)].sort(), [0, 4])
  assert.deepEqual(
    Array.from(grads.data as Float32Array, (value) => value !== 0),
    kept,
  )
  assert.ok(Math.abs(average(kept.map(Number)) - 0.75) < 0.06)
  assert.equal(dropout(x, state, 0, 0), x)
  assert.throws(() => dropout(x, state, 0, 1.5), /dropout: expected a probability from 0 to 1, got 1.5/)
})

test('a state of another type is refused', () => {
  assert.throws(
    () => randomBits(placeholder([2], 'int64'), [3], 0),
    /randomBits: expected a generator's state, int32 \[4\], got int64 \[2\]/,
  )
})
