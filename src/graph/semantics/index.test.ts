import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IndexError } from '../../base/errors.ts'
import { apply, host, valuesOf } from './test-harness.ts'

test('gather reads along its axis, at other axes where it stands', () => {
  const x = host('float32', [0, 1, 2, 3, 4, 5], [2, 3])
  assert.deepEqual(
    valuesOf(apply('gather', { axis: 1, caller: 'gather' }, x, host('int64', [2, 0, 1, 1], [2, 2]))),
    [2, 0, 4, 4],
  )
  assert.deepEqual(
    valuesOf(apply('gather', { axis: 0, caller: 'gather' }, x, host('int32', [1, 0, 1], [1, 3]))),
    [3, 1, 5],
  )
})

test('scatter combines in source order', () => {
  const base = host('float32', [10, 20, 30])
  const index = host('int32', [0, 2, 0])
  const source = host('float32', [1, 2, 3])
  assert.deepEqual(
    valuesOf(apply('scatter', { axis: 0, kind: 'set', caller: 'scatter' }, base, index, source)),
    [3, 20, 2],
  )
  assert.deepEqual(
    valuesOf(apply('scatter', { axis: 0, kind: 'sum', caller: 'scatter' }, base, index, source)),
    [14, 20, 32],
  )
  assert.deepEqual(
    valuesOf(apply('scatter', { axis: 0, kind: 'prod', caller: 'scatter' }, base, index, source)),
    [30, 20, 60],
  )
  assert.deepEqual(
    valuesOf(apply('scatter', { axis: 0, kind: 'min', caller: 'scatter' }, base, index, source)),
    [1, 20, 2],
  )
  assert.deepEqual(valuesOf(base), [10, 20, 30])
})

test('scatter in int64, and a half that rounds once', () => {
  const index = host('int64', [0, 0])
  assert.deepEqual(
    valuesOf(
      apply(
        'scatter',
        { axis: 0, kind: 'sum', caller: 'scatter' },
        host('int64', [2n ** 62n]),
        index,
        host('int64', [2n ** 62n, 0n]),
      ),
    ),
    [-(2n ** 63n)],
  )
  assert.deepEqual(
    valuesOf(
      apply(
        'scatter',
        { axis: 0, kind: 'sum', caller: 'scatter' },
        host('float16', [2048]),
        index,
        host('float16', [1, 1]),
      ),
    ),
    [2050],
  )
})

test('an index outside is an IndexError that says which and where', () => {
  const x = host('float32', [1, 2, 3])
  const says = (sentence: string) => (error: unknown) => error instanceof IndexError && error.message.includes(sentence)
  assert.throws(
    () => apply('gather', { axis: 0, caller: 'gather' }, x, host('int64', [0, 3])),
    says('gather: expected indices from 0 to 2, got 3 at position 1'),
  )
  assert.throws(
    () => apply('gather', { axis: 0, caller: 'gather' }, x, host('int32', [-1])),
    says('got -1 at position 0'),
  )
  assert.throws(
    () => apply('scatter', { axis: 0, kind: 'set', caller: 'scatter' }, x, host('int32', [5]), host('float32', [1])),
    says('scatter: expected indices from 0 to 2'),
  )
})
