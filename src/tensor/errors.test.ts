// What wrong calls say: op, what was expected, what was given, and a hint, raised at the call.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as t from '../index.ts'

const x = t.zeros([2, 3])
const counts = t.arange(3)

const wrong: readonly (readonly [string, () => unknown, string, RegExp])[] = [
  [
    'shapes that do not broadcast',
    () => x.add(t.zeros([2])),
    'SHAPE',
    /^add: expected shapes that broadcast together, got \[2, 3\] and \[2\]: axis -1 has 3 and 2\./,
  ],
  [
    'a product of unfit matrices',
    () => x.matmul(x),
    'SHAPE',
    /^matmul: expected .* got \[2, 3\] and \[2, 3\]\. The last axis of a \(3\) meets the last but one of b \(2\)\.$/,
  ],
  [
    'a linear layer',
    () => t.linear(t.zeros([64, 28, 28]), t.zeros([128, 784])),
    'SHAPE',
    /^linear: expected x to end in 784 \(weight is \[128, 784\]\), got \[64, 28, 28\]\. Flatten it first: x\.flatten\(1\)\.$/,
  ],
  [
    'an axis out of range',
    () => x.sum(2),
    'SHAPE',
    /^sum: expected an axis from -2 to 1 \(the tensor has 2 dimensions\), got 2\.$/,
  ],
  ['an axis twice', () => x.amax([0, 0]), 'SHAPE', /^amax: expected each axis once, got \[0, 0\]\.$/],
  ['a shape of another size', () => x.reshape(4, 2), 'SHAPE', /^reshape: .*\[2, 3\].*\[4, 2\]/],
  [
    'an absurd size',
    () => t.zeros([1e6, 1e6, 1e6]),
    'SHAPE',
    /^zeros: expected at most 2\^40 elements, got \[1000000, 1000000, 1000000\]\. Is a size in the wrong place\?$/,
  ],
  [
    'a negative size',
    () => t.zeros([-1]),
    'SHAPE',
    /^zeros: expected sizes that are whole numbers from 0, got \[-1\]\.$/,
  ],
  [
    'ragged arrays',
    () => t.tensor([[1, 2], [3]]),
    'SHAPE',
    /^tensor: expected nested arrays of one length at each level/,
  ],
  [
    'a string in the data',
    () => t.tensor(['1'] as never),
    'ARGUMENT',
    /^tensor: expected numbers, booleans or BigInts, got string\.$/,
  ],
  ['the mean of integers', () => counts.mean(), 'DTYPE', /^mean: expected a float dtype, got int64\. Convert it first/],
  [
    'gradients of integers',
    () => counts.requiresGrad_(),
    'DTYPE',
    /^requiresGrad: expected a floating point tensor, got int64\./,
  ],
  [
    'minus of a mask',
    () => t.tensor([true]).neg(),
    'DTYPE',
    /^neg: expected a numeric dtype, got bool\. To invert a mask use logicalNot\.$/,
  ],
  [
    'a float written to integers',
    () => counts.add_(0.5),
    'DTYPE',
    /^add_: expected a result that int64 can hold, got float32\./,
  ],
  [
    'a write to a leaf',
    () => t.zeros([2], { requiresGrad: true }).add_(1),
    'GRADIENT',
    /^add_: expected a tensor that may change in place, got a leaf that requires grad\. Wrap the update in noGrad/,
  ],
  [
    'a write to an expanded view',
    () => t.zeros([1]).expand(3).fill_(1),
    'SHAPE',
    /^in-place write: expected a view whose elements are all distinct/,
  ],
  [
    'a write that grows',
    () => t.zeros([1]).copy_(t.zeros([3])),
    'SHAPE',
    /^copy_: expected a value that broadcasts to \[1\], got \[3\]\.$/,
  ],
  [
    'backward of many elements',
    () => t.zeros([2], { requiresGrad: true }).mul(2).backward(),
    'SHAPE',
    /^backward: expected one element \(a loss\) or a gradient argument, got shape \[2\]/,
  ],
  [
    'backward without gradients',
    () => t.zeros([]).backward(),
    'GRADIENT',
    /^backward: expected a tensor that requires grad/,
  ],
  ['a range that is none', () => x.slice('a:b'), 'ARGUMENT', /^slice: expected a range like '1:3'/],
  ['too many indices', () => x.slice(0, 0, 0), 'SHAPE', /^slice: expected at most 2 indices for \[2, 3\], got 3\.$/],
  ['a mask as an index', () => x.index(x.gt(0)), 'ARGUMENT', /^index: expected integer tensors, got a boolean mask\./],
  ['a position out of range', () => x.select(0, 2), 'SHAPE', /^select: expected a position from -2 to 1/],
  [
    'a float index',
    () => x.gather(0, t.zeros([1, 1])),
    'DTYPE',
    /^gather: expected an index of dtype int32 or int64, got float32/,
  ],
  ['something that is no tensor', () => x.matmul(3 as never), 'ARGUMENT', /^matmul: expected a tensor, got number\.$/],
  ['nothing to join', () => t.cat([]), 'ARGUMENT', /^cat: expected at least one tensor, got none\.$/],
  [
    'an unknown device',
    () => t.zeros([1], { device: 'abacus' }),
    'DEVICE',
    /expected one of .*reference.*, got 'abacus'/,
  ],
  ['a negative seed', () => t.manualSeed(-1), 'ARGUMENT', /^manualSeed: expected a whole number from 0/],
  ['an async noGrad', () => t.noGrad(async () => 1), 'GRADIENT', /^noGrad: expected a synchronous function/],
]

for (const [what, call, code, sentence] of wrong)
  test(`${what} is refused with a sentence`, () => {
    assert.throws(call, { code, message: sentence })
  })

test('backward twice is refused with a sentence', () => {
  const loss = t.ones([], { requiresGrad: true }).mul(2)
  loss.backward()
  assert.throws(() => loss.backward(), { code: 'GRADIENT', message: /^backward: expected .*retainGraph: true/ })
})

test('an index out of range is an error at the next await, and writes nothing', async () => {
  const table = t.zeros([3])
  table.scatter_(0, t.tensor([5n]), 1)
  await assert.rejects(async () => table.data(), { code: 'INDEX', message: /5/ })
  assert.deepEqual(await table.toArray(), [0, 0, 0])
})
