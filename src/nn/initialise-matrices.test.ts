// Initialisations with structure: bounds, identities, orthonormal rows or columns, zeros in columns.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eye, manualSeed, nn, randn, type Tensor, zeros } from '../index.ts'

const { init } = nn
const numbers = async (x: Tensor): Promise<number[]> => Array.from(await x.data(), Number)
const largest = async (x: Tensor): Promise<number> => x.abs().amax().item()

test('truncated normal values stay within the bounds and keep the shape of the bell', async () => {
  manualSeed(0)
  const values = await numbers(init.truncNormal_(zeros([40_000]), 1, 2, -1, 4))
  assert.ok(values.every((value) => value >= -1 && value <= 4))
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  // mean of a normal distribution of mean 1 and deviation 2 between -1 and 4
  assert.ok(Math.abs(mean - 1.29) < 0.03, String(mean))
  assert.throws(() => init.truncNormal_(zeros([2]), 0, 1, 2, -2), /bounds that rise/)
})

for (const shape of [
  [6, 6],
  [5, 40],
  [40, 5],
  [16, 4, 3, 3],
  [200, 200],
])
  test(`orthogonal ${shape.join('x')}`, async () => {
    manualSeed(1)
    const matrix = init.orthogonal_(zeros(shape), 2).reshape([shape[0], -1])
    const [rows, columns] = matrix.shape
    const wide = rows <= columns ? matrix : matrix.transpose(0, 1)
    const products = wide.matmul(wide.transpose(0, 1))
    assert.ok((await largest(products.sub(eye(wide.shape[0]).mul(4)))) < 1e-4)
  })

test('identities of matrices and convolutions', async () => {
  assert.deepEqual(await init.eye_(zeros([2, 3])).toArray(), [
    [1, 0, 0],
    [0, 1, 0],
  ])
  const x = randn([2, 4, 7, 5])
  const weight = init.dirac_(zeros([4, 2, 3, 3]), 2)
  const passed = nn.functional.conv2d(x, weight, undefined, { padding: 1, groups: 2 })
  assert.equal(await largest(passed.sub(x)), 0)
  assert.throws(() => init.dirac_(zeros([3, 3])), /3 to 5 dimensions/)
  assert.throws(() => init.eye_(zeros([3])), /expected a matrix/)
})

test('sparse columns', async () => {
  manualSeed(2)
  const matrix = init.sparse_(zeros([10, 6]), 0.25, 1)
  assert.deepEqual(await numbers(matrix.eq(0).sum(0)), Array(6).fill(3))
})
