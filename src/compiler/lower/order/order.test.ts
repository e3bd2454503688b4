// Kernels that order, select and search against the reference semantics of their bodies, on the kernel interpreter: short and long rows, every
// width of key, ties, NaN and zeros of both signs, both directions, rows that are views, and any number of participants.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DType, isFloat } from '../../../base/dtype.ts'
import * as build from '../../../graph/builders.ts'
import { kthvalue, medianAlong, quantile } from '../../../graph/composites/order-statistics.ts'
import { searchSteps, searchsorted } from '../../../graph/composites/search.ts'
import { argsort, positionsOfRanks, sort, topk } from '../../../graph/composites/sort.ts'
import { evaluateNodes } from '../../../graph/evaluate.ts'
import { type HostArray, hostZeros } from '../../../graph/host-array.ts'
import type { Node } from '../../../graph/node.ts'
import { compileGraph } from '../../compile.ts'
import { interpretPlan } from '../../interpret-plan.ts'
import { verifier } from '../../verifier.ts'
import { assertClose, testTarget } from '../test-harness.ts'
import { chooseDigits } from './radix.ts'

/** In [0, 1), the same on every run. */
const fraction = (i: number): number => {
  const wild = Math.sin((i + 1) * 12.9898) * 43758.5453
  return wild - Math.floor(wild)
}

interface Values {
  /** how many different ones there are */
  readonly different?: number
  readonly special?: boolean
}

const specials = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0]

function fill({ dtype, shape }: Node, { different = 1e6, special = false }: Values): HostArray {
  const host = hostZeros(dtype, shape)
  for (let i = 0; i < host.data.length; i++) {
    const value = Math.floor((fraction(i) - 0.5) * different)
    if (dtype === 'int64') (host.data as BigInt64Array)[i] = BigInt(value) << (different > 1000 ? 40n : 0n)
    else if (dtype === 'bool') host.data[i] = value & 1
    else host.data[i] = special && isFloat(dtype) && i % 7 === 3 ? specials[i % 5] : isFloat(dtype) ? value / 3 : value
  }
  return host
}

/** The results by their own kernels, which there are, are those of their bodies. */
function check(leaves: readonly Node[], values: readonly HostArray[], roots: readonly Node[], kernels = 1): void {
  const expected = evaluateNodes(roots, new Map(leaves.map((leaf, i) => [leaf, values[i]])))
  const graph = { leaves, outputs: roots.map((node) => ({ node, persistent: false })) }
  const plan = compileGraph(graph, testTarget, { verifier })
  const own = plan.print('schedule').match(/^K\d+ composite/gm)?.length ?? 0
  assert.equal(own, kernels, plan.print('schedule'))
  const [alone, shared] = [1, 3].map((participants) => interpretPlan(plan, values, participants))
  alone.forEach((value, i) => {
    assertClose(value, expected[i], 0, `output ${i}`)
  })
  assert.deepEqual(shared, alone)
}

const dtypes: readonly DType[] = ['bool', 'int32', 'int64', 'float32', 'float64']

for (const dtype of dtypes)
  test(`sorted rows of ${dtype}: counted and by digits, both directions`, () => {
    for (const shape of [
      [5, 3],
      [2, 70],
      [2, 131],
    ])
      for (const values of [{}, { different: 5, special: true }, { different: 1 }]) {
        const x = build.placeholder(shape, dtype)
        for (const descending of [false, true]) {
          const { values: ordered, indices } = sort(x, -1, descending)
          check([x], [fill(x, values)], [ordered, indices])
        }
      }
  })

test('rows that are views of another axis', () => {
  const x = build.placeholder([4, 150, 3], 'float32')
  const { values, indices } = sort(build.mul(x, -2), 1)
  check([x], [fill(x, { different: 40 })], [values, indices])
  const y = build.placeholder([70, 3], 'float32')
  check([y], [fill(y, {})], [argsort(y, 0)])
})

test('one row has memory of the call, of which there is one for all participants', () => {
  for (const extent of [70, 200]) {
    const x = build.placeholder([extent], 'float32')
    const values = fill(x, { different: 90, special: true })
    const { values: ordered, indices } = sort(x)
    for (const roots of [[ordered, indices], [topk(x, 3, 0, true).indices], [kthvalue(x, 60, 0).indices]]) {
      check([x], [values], roots)
      const graph = { leaves: [x], outputs: roots.map((node) => ({ node, persistent: false })) }
      assert.deepEqual(
        compileGraph(graph, testTarget).kernels.flatMap(({ kernel }) => kernel.scratch),
        [],
      )
    }
  }
})

for (const dtype of dtypes)
  test(`the first elements of an order of ${dtype}, ties by position`, () => {
    for (const [extent, count] of [
      [200, 3],
      [150, 10],
      [190, 140],
    ])
      for (const values of [{}, { different: 4, special: true }, { different: 1 }]) {
        const x = build.placeholder([2, extent], dtype)
        for (const descending of [false, true]) {
          const { values: top, indices } = topk(x, count, 1, descending)
          check([x], [fill(x, values)], [top, indices])
        }
      }
  })

for (const dtype of dtypes)
  test(`elements of ${dtype} by rank, ties by position`, () => {
    for (const values of [{}, { different: 4, special: true }, { different: 1 }]) {
      const x = build.placeholder([2, 203], dtype)
      const ranks = build.placeholder([2, 4], 'int64')
      const chosen = { ...hostZeros('int64', [2, 4]), data: BigInt64Array.from([0n, 7n, 101n, 202n, 150n, 3n, 3n, 1n]) }
      check([x, ranks], [fill(x, values), chosen], [positionsOfRanks(x, ranks)])
    }
  })

test('a rank outside the row is an error', () => {
  const x = build.placeholder([1, 80], 'float32')
  const ranks = build.placeholder([1, 1], 'int64')
  const plan = compileGraph(
    { leaves: [x, ranks], outputs: [{ node: positionsOfRanks(x, ranks), persistent: false }] },
    testTarget,
    { verifier },
  )
  const outside = { ...hostZeros('int64', [1, 1]), data: BigInt64Array.from([80n]) }
  assert.throws(() => interpretPlan(plan, [fill(x, {}), outside], 1), /index 80/)
})

test('statistics by rank', () => {
  const x = build.placeholder([3, 90], 'float32')
  for (const special of [false, true]) {
    const values = [fill(x, { different: 60, special })]
    check([x], values, [kthvalue(x, 5, 1).indices])
    check([x], values, [medianAlong(x, 1, false, false).values])
    check([x], values, [medianAlong(x, 1, false, true).indices])
    check([x], values, [quantile(x, build.constant(0.3, 'float32'), { axis: 1 })])
  }
})

for (const dtype of ['int64', 'float32', 'float64'] as const)
  test(`searches in rows of ${dtype}`, () => {
    for (const extent of [1, 2, 3, 31, 200]) {
      const [flat, rows] = [build.placeholder([extent], dtype), build.placeholder([4, extent], dtype)]
      const values = build.placeholder([4, 37], dtype)
      for (const options of [{}, { right: true, outInt32: true }])
        for (const sorted of [flat, rows]) {
          const leaves = [sorted, values]
          const drawn = fill(sorted, { different: 50 })
          for (let at = 0; at < drawn.data.length; at += extent) drawn.data.subarray(at, at + extent).sort()
          check(
            leaves,
            [drawn, fill(values, { different: 60, special: true })],
            [searchsorted(sorted, values, options)],
          )
        }
    }
  })

test('steps of a search reach every place and look at nothing outside', () => {
  for (let extent = 0; extent < 70; extent++) {
    const steps = searchSteps(extent)
    assert.equal(
      steps.reduce((a, b) => a + b, 0),
      extent,
    )
    for (let target = 0; target <= extent; target++) {
      let place = 0
      for (const by of steps) if (place + by - 1 < target) place += by
      assert.equal(place, target)
    }
  }
})

test('digits are wide for long rows and narrow for short ones', () => {
  assert.deepEqual(chooseDigits(32, 1000), { passes: 4, width: 8 })
  assert.deepEqual(chooseDigits(32, 150), { passes: 6, width: 6 })
  assert.deepEqual(chooseDigits(1, 1000), { passes: 1, width: 1 })
})
