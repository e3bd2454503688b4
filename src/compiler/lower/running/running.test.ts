import { test } from 'node:test'
import type { DType } from '../../../base/dtype.ts'
import type { Shape } from '../../../base/shape.ts'
import { cast, mul, placeholder } from '../../../graph/builders.ts'
import { type RunningKind, runningResult } from '../../../graph/composites/running.ts'
import type { HostArray } from '../../../graph/host-array.ts'
import type { Node } from '../../../graph/node.ts'
import { checkGroup } from '../test-harness.ts'

function check(kind: RunningKind, shape: Shape, dtype: DType = 'float32', reverse = false, value?: HostArray): void {
  const x = placeholder(shape, dtype)
  const results = kind === 'max' || kind === 'min' ? (['values', 'positions'] as const) : (['values'] as const)
  const outputs: Node[] = results.map((result) => runningResult(x, { kind, axis: 1, reverse, result }))
  checkGroup('composite', outputs, {
    anchorNode: outputs[0],
    inputs: value ? new Map([[x, value]]) : undefined,
    tolerance: 1e-5,
  })
}

const kinds: readonly RunningKind[] = ['sum', 'prod', 'max', 'min', 'logsumexp']
/** lines and what is left of a group of them, inner axes of less and more than a register, odd and even */
const shapes = [
  [1, 1, 1],
  [11, 5, 1],
  [3, 70, 1],
  [19, 77, 1],
  [33, 20, 1],
  [4, 6, 3],
  [3, 7, 9],
  [1, 3, 300],
  [1, 130, 8],
]

for (const kind of kinds)
  test(`running ${kind}: lines and strips, from both ends`, () => {
    for (const shape of shapes) for (const reverse of [false, true]) check(kind, shape, 'float32', reverse)
  })

test('running: a few long lines are cut into parts', () => {
  for (const kind of ['sum', 'max', 'min'] as const)
    for (const shape of [
      [1, 1030, 1],
      [1, 514, 2],
      [1, 515, 8],
    ])
      check(kind, shape)
  check('logsumexp', [1, 513, 1])
  check('sum', [2, 514, 1], 'int64', true)
})

test('running: dtypes of every width', () => {
  for (const dtype of ['float64', 'int64', 'int32'] as const)
    for (const kind of ['sum', 'prod', 'max', 'min'] as const)
      for (const shape of [
        [9, 5, 1],
        [2, 5, 12],
      ])
        check(kind, shape, dtype)
  for (const dtype of ['float16', 'bfloat16'] as const) check('max', [9, 5, 1], dtype)
  check('logsumexp', [9, 5, 1], 'float64')
})

test('running: elements that are computed on the way, in tiles too', () => {
  for (const shape of [
    [19, 70, 1],
    [17, 40, 3],
    [2, 5, 12],
  ])
    for (const kind of ['sum', 'max'] as const) {
      const x = placeholder(shape, 'int32')
      const attrs = { kind, axis: 1, reverse: kind === 'sum', result: 'values' } as const
      const node = runningResult(mul(cast(x, 'int64'), 3), attrs)
      checkGroup('composite', [node], { anchorNode: node })
      check(kind, shape, 'float16')
    }
})

test('running: what is not finite', () => {
  const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY]
  const data = Float32Array.of(-inf, -inf, 2, inf, inf, 1, -inf, nan, 1, nan, 3, -inf, 0, -1, nan, inf)
  const value: HostArray = { dtype: 'float32', shape: [2, 8, 1], data }
  for (const kind of kinds) check(kind, [2, 8, 1], 'float32', false, value)
})
