// The text of tensors, as PyTorch writes it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { arange, full, tensor, zeros } from '../index.ts'

const printed: readonly (readonly [string, () => unknown, string])[] = [
  [
    'whole numbers',
    () =>
      tensor([
        [1, 2],
        [3, -4],
      ]),
    'tensor([[ 1.,  2.],\n        [ 3., -4.]])',
  ],
  ['fractions', () => tensor([0.5, 1.23456]), 'tensor([0.5000, 1.2346])'],
  ['no dimensions', () => tensor(3), 'tensor(3.)'],
  ['no elements', () => zeros([0]), 'tensor([])'],
  ['no elements in two dimensions', () => zeros([2, 0]), 'tensor([], size: [2, 0])'],
  ['integers', () => arange(3), 'tensor([0, 1, 2])'],
  ['bools', () => tensor([true, false]), 'tensor([ true, false])'],
  ['another dtype', () => tensor([1], { dtype: 'float64' }), 'tensor([1.], dtype: float64)'],
  ['a leaf', () => tensor([1], { requiresGrad: true }), 'tensor([1.], requiresGrad: true)'],
  ['large and small', () => tensor([1e-5, 1, 1e9]), 'tensor([1.0000e-05, 1.0000e+00, 1.0000e+09])'],
  ['not finite', () => tensor([Number.NaN, Number.POSITIVE_INFINITY, -1.5]), 'tensor([    nan,     inf, -1.5000])'],
  ['many elements', () => full([1001], 2), 'tensor([2., 2., 2.,  ..., 2., 2., 2.])'],
  ['three dimensions', () => arange(4).reshape(2, 1, 2), 'tensor([[[0, 1]],\n\n        [[2, 3]]])'],
]

for (const [what, make, text] of printed)
  test(`prints ${what}`, () => {
    assert.equal(inspect(make()), text)
  })
