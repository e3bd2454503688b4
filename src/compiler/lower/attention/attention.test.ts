// Attention's own kernels against the reference semantics of its body: forward and all gradients, on the kernel interpreter, over sizes
// that fill blocks and tiles and sizes that do not, every mask, views as operands, and both float dtypes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backward } from '../../../autograd/backward.ts'
import type { DType } from '../../../base/dtype.ts'
import * as build from '../../../graph/builders.ts'
import { type AttentionOptions, scaledDotProductAttention } from '../../../graph/composites/attention.ts'
import { evaluateNodes } from '../../../graph/evaluate.ts'
import type { HostArray } from '../../../graph/host-array.ts'
import type { Node } from '../../../graph/node.ts'
import { compileGraph } from '../../compile.ts'
import { interpretPlan } from '../../interpret-plan.ts'
import type { Plan } from '../../plan.ts'
import { verifier } from '../../verifier.ts'
import { assertClose, sample, testTarget } from '../test-harness.ts'

/** A first cache so small that a few queries and keys make a block. */
const target = { ...testTarget, l1: 2048 }

const ownKernels = (plan: Plan): number => plan.print('schedule').match(/^K\d+ composite/gm)?.length ?? 0

interface Expectation {
  readonly tolerance?: number
  readonly values?: ReadonlyMap<Node, HostArray>
}

/** Result and gradients of all float leaves, whole and in blocks. */
function check(leaves: readonly Node[], y: Node, { tolerance = 5e-5, values: given }: Expectation = {}): void {
  const grad = build.placeholder(y.shape, y.dtype)
  const wanted = leaves.filter((leaf) => leaf.dtype === y.dtype)
  const gradients = backward([{ root: y, grad }], new Set(wanted))
  const roots = [y, ...wanted.map((leaf) => gradients.get(leaf)!)]
  const all = [...leaves, grad]
  const values = all.map((leaf, i) => given?.get(leaf) ?? sample(leaf, i + 1))
  const expected = evaluateNodes(roots, new Map(all.map((leaf, i) => [leaf, values[i]])))
  const graph = { leaves: all, outputs: roots.map((node) => ({ node, persistent: false })) }
  const plan = compileGraph(graph, target, { verifier })
  assert.equal(ownKernels(plan), 2, plan.print('schedule'))
  assert.equal(ownKernels(compileGraph(graph, target, { composites: false })), 0)
  const [alone, shared] = [1, 3].map((participants) => interpretPlan(plan, values, participants))
  alone.forEach((value, i) => {
    assertClose(value, expected[i], tolerance, `output ${i}`)
  })
  assert.deepEqual(shared, alone)
}

interface Sizes {
  readonly batch?: readonly number[]
  readonly queries: number
  readonly keys: number
  readonly width: number
  readonly out: number
}

function leavesOf({ batch = [], queries, keys, width, out }: Sizes, dtype: DType = 'float32'): Node[] {
  return [
    [...batch, queries, width],
    [...batch, keys, width],
    [...batch, keys, out],
  ].map((shape) => build.placeholder(shape, dtype))
}

const sizes: Readonly<Record<string, Sizes>> = {
  'whole blocks': { batch: [2], queries: 32, keys: 24, width: 16, out: 16 },
  'odd sizes': { batch: [3], queries: 37, keys: 29, width: 5, out: 7 },
  'one block': { batch: [1, 2], queries: 9, keys: 8, width: 4, out: 3 },
  'no batch, many blocks': { queries: 91, keys: 30, width: 3, out: 2 },
  'many tasks': { batch: [3, 4], queries: 11, keys: 13, width: 6, out: 9 },
  'more keys': { batch: [1], queries: 10, keys: 47, width: 20, out: 17 },
}

for (const [name, each] of Object.entries(sizes))
  test(`attention in blocks: ${name}`, () => {
    for (const isCausal of [false, true]) {
      const [q, k, v] = leavesOf(each)
      check([q, k, v], scaledDotProductAttention(q, k, v, { isCausal }))
    }
  })

test('attention in blocks: float64, and a scale', () => {
  const [q, k, v] = leavesOf(sizes['odd sizes'], 'float64')
  check([q, k, v], scaledDotProductAttention(q, k, v, { scale: 0.3, isCausal: true }), { tolerance: 1e-12 })
})

test('attention in blocks: masks of bools and floats, broadcast; queries that see nothing give zeros', () => {
  const { batch = [], queries, keys } = sizes['odd sizes']
  const shapes: readonly (readonly number[])[] = [
    [queries, keys],
    [...batch, 1, keys],
    [...batch, queries, keys],
  ]
  for (const dtype of ['bool', 'float32'] as const)
    for (const shape of shapes) {
      const [q, k, v] = leavesOf(sizes['odd sizes'])
      const mask = build.placeholder(shape, dtype)
      const hidden = sample(mask, 4)
      const row = hidden.data as Float32Array
      row.subarray(0, keys).fill(dtype === 'bool' ? 0 : Number.NEGATIVE_INFINITY)
      check([q, k, v, mask], scaledDotProductAttention(q, k, v, { mask }), { values: new Map([[mask, hidden]]) })
    }
})

test('attention in blocks: heads cut from one buffer, and shared heads', () => {
  const [batch, tokens, heads, width] = [2, 21, 3, 6]
  const all = build.placeholder([batch, tokens, 3 * heads * width], 'float32')
  const [q, k, v] = [0, 1, 2].map((i) => {
    const part = build.slice(all, [0, 0, i * heads * width], [batch, tokens, heads * width], [1, 1, 1])
    return build.permute(build.reshape(part, [batch, tokens, heads, width]), [0, 2, 1, 3])
  })
  const y = scaledDotProductAttention(q, k, v, { isCausal: true })
  check([all], build.reshape(build.permute(y, [0, 2, 1, 3]), [batch, tokens, heads * width]))
  const [queries] = leavesOf({ batch: [2, 4], queries: 11, keys: 12, width: 5, out: 5 })
  const [, keys, values] = leavesOf({ batch: [2, 2], queries: 11, keys: 12, width: 5, out: 5 })
  const options: AttentionOptions = { enableGqa: true }
  check([queries, keys, values], scaledDotProductAttention(queries, keys, values, options))
})

test('attention in blocks: some gradients alone', () => {
  const leaves = leavesOf(sizes['odd sizes'])
  const y = scaledDotProductAttention(leaves[0], leaves[1], leaves[2], { isCausal: true })
  const grad = build.placeholder(y.shape, y.dtype)
  const all = [...leaves, grad]
  const values = all.map((leaf, i) => sample(leaf, i + 1))
  for (const leaf of leaves) {
    const root = backward([{ root: y, grad }], new Set([leaf])).get(leaf)!
    const plan = compileGraph({ leaves: all, outputs: [{ node: root, persistent: false }] }, target, { verifier })
    const [expected] = evaluateNodes([root], new Map(all.map((one, i) => [one, values[i]])))
    assertClose(interpretPlan(plan, values)[0], expected, 2e-5, plan.print('schedule'))
  }
})

test('the scores of 2048 tokens are never in memory', () => {
  const tokens = 2048
  const [q, k, v] = leavesOf({ batch: [2], queries: tokens, keys: tokens, width: 64, out: 64 })
  const y = scaledDotProductAttention(q, k, v, { isCausal: true })
  const grad = build.placeholder(y.shape, y.dtype)
  const gradients = backward([{ root: y, grad }], new Set([q, k, v]))
  const roots = [y, ...[q, k, v].map((leaf) => gradients.get(leaf)!)]
  const plan = compileGraph(
    { leaves: [q, k, v, grad], outputs: roots.map((node) => ({ node, persistent: false })) },
    testTarget,
  )
  const scratch = plan.kernels.flatMap(({ kernel }) => kernel.scratch.map(({ size }) => size * 4))
  const bytes = plan.arenaBytes + scratch.reduce((sum, each) => sum + each, 0)
  const perToken = 4 * 64 * tokens
  // rows of keys, values and their gradients, and parts of these: some dozens of what q takes, where scores would take 32 more per head
  assert.ok(plan.arenaBytes <= 4 * 2 * 2 * perToken + 4 * 2 * tokens + 4096, `arena of ${plan.arenaBytes} bytes`)
  assert.ok(bytes < 32 * perToken, `${bytes} bytes`)
})
