// The list of samples that are left out may only shrink.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { errors, samples } from './samples.ts'
import { skipOf, skips } from './skips.ts'

it('skips no more than is listed', () => {
  const counts = new Map(skips.map((skip) => [skip, 0]))
  for (const sample of [...samples, ...errors]) {
    const skip = skipOf(sample)
    if (skip) counts.set(skip, counts.get(skip)! + 1)
  }
  for (const [skip, count] of counts) assert.equal(count, skip.count, `${skip.op}: ${skip.reason}`)
})
