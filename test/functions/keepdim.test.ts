// keepdim by position and by name: both are how PyTorch's users write it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rand } from '../../src/index.ts'

test('reductions take keepdim by position or by name', () => {
  const x = rand([2, 3])
  const named = { keepdim: true }
  for (const by of [true, named] as const) {
    const kept = [
      ...[x.sum(1, by), x.mean(1, by), x.prod(1, by), x.amax(1, by), x.amin(1, by), x.any(1, by), x.all(1, by)],
      ...[x.argmax(1, by), x.argmin(1, by), x.logsumexp(1, by), x.norm(2, 1, by), x.quantile(0.5, 1, by)],
      ...[x.max(1, by).values, x.min(1, by).indices, x.median(1, by).values, x.kthvalue(1, 1, by).values],
    ]
    for (const result of kept) assert.deepEqual(result.shape, [2, 1])
  }
  assert.deepEqual(x.amax(1, { keepdim: false }).shape, [2])
})
