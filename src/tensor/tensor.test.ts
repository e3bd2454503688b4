// Views, writes through views, indexing, creation, scalars and random numbers: what no recorded sample of PyTorch covers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as t from '../index.ts'

const grid = (): t.Tensor => t.arange(12).reshape(3, 4)

test('slices by strings are views in Python notation', async () => {
  const x = grid()
  assert.deepEqual(await x.slice('1:', '::2').toArray(), [
    [4, 6],
    [8, 10],
  ])
  assert.deepEqual(await x.slice(-1, '1:-1').toArray(), [9, 10])
  assert.deepEqual(await x.slice('...', 0).toArray(), [0, 4, 8])
  assert.deepEqual(await x.slice('::-1', 3).toArray(), [11, 7, 3])
  assert.deepEqual(x.slice(t.newAxis, '...', null).shape, [1, 3, 4, 1])
})

test('a write through a view is seen by its base and by other views', async () => {
  const x = t.zeros([2, 3])
  const [row, column, turned] = [x.select(0, 1), x.slice(':', '1:2'), x.t()]
  row.fill_(5)
  column.add_(1)
  assert.deepEqual(await x.toArray(), [
    [0, 1, 0],
    [5, 6, 5],
  ])
  assert.deepEqual(await turned.toArray(), [
    [0, 5],
    [1, 6],
    [0, 5],
  ])
  turned.slice(0).zero_()
  assert.deepEqual(await row.toArray(), [0, 6, 5])
})

test('integer tensors pick and write elements', async () => {
  const x = grid()
  const [rows, columns] = [t.tensor([2n, 0n]), t.tensor([-1n, 1n])]
  assert.deepEqual(await x.index(rows).toArray(), [
    [8, 9, 10, 11],
    [0, 1, 2, 3],
  ])
  assert.deepEqual(await x.index(rows, columns).toArray(), [11, 1])
  assert.deepEqual(await x.index(':', columns).toArray(), [
    [3, 1],
    [7, 5],
    [11, 9],
  ])
  x.set(rows, columns, 100)
  assert.deepEqual(await x.toArray(), [
    [0, 100, 2, 3],
    [4, 5, 6, 7],
    [8, 9, 10, 100],
  ])
  x.set(x.gt(50), -1)
  x.set(0, ':', t.tensor([7n, 7n, 7n, 7n]))
  assert.deepEqual(await x.toArray(), [
    [7, 7, 7, 7],
    [4, 5, 6, 7],
    [8, 9, 10, -1],
  ])
})

test('gradients flow through views, indexing and in-place writes', async () => {
  const x = t.tensor([1, 2, 3, 4], { requiresGrad: true })
  const y = x.mul(2)
  y.slice('1:3').mul_(10)
  y.index(t.tensor([1n, 1n, 3n]))
    .sum()
    .backward()
  assert.deepEqual(await x.grad!.toArray(), [0, 40, 0, 2])
})

test('a clone keeps its values when the original changes', async () => {
  const x = t.tensor([1, 2])
  const before = x.clone()
  x.add_(1)
  await x.data()
  x.add_(1)
  await x.data()
  x.add_(1)
  assert.deepEqual(
    [await before.toArray(), await x.toArray()],
    [
      [1, 2],
      [4, 5],
    ],
  )
})

test('values from the host replace those on the device without a program', async () => {
  const x = t.tensor([1, 2])
  const { compiles } = x.session.programs
  x.copyFrom([3, 4])
  assert.deepEqual(await x.toArray(), [3, 4])
  assert.equal(x.session.programs.compiles, compiles)
  assert.throws(() => x.copyFrom([1]), { code: 'SHAPE', message: /^copyFrom: expected 2 values/ })
})

test('dtypes follow the data: numbers, booleans, BigInts, typed arrays', () => {
  assert.equal(t.tensor([1, 2]).dtype, 'float32')
  assert.equal(t.tensor([true]).dtype, 'bool')
  assert.equal(t.tensor([1n]).dtype, 'int64')
  assert.equal(t.tensor(new Float64Array(2)).dtype, 'float64')
  assert.equal(t.tensor(new Uint8Array(2)).dtype, 'uint8')
  assert.equal(t.arange(3).dtype, 'int64')
  assert.equal(t.arange(0, 1, 0.5).dtype, 'float32')
})

test('JavaScript numbers never widen a tensor within its category', () => {
  const small = t.tensor(new Int8Array([1]))
  assert.equal(small.add(100).dtype, 'int8')
  assert.equal(small.mul(0.5).dtype, 'float32')
  assert.equal(t.tensor([1]).half().mul(0.5).dtype, 'float16')
  assert.equal(t.tensor([true]).add(1).dtype, 'int64')
})

test('the same seed draws the same numbers, however the draws are computed', async () => {
  t.manualSeed(7)
  const lazy = [t.rand([3]), t.randn([2]), t.dropout(t.ones([4]))]
  const first = await Promise.all(lazy.map((each) => each.toArray()))
  t.manualSeed(7)
  const second = []
  for (const draw of [() => t.rand([3]), () => t.randn([2]), () => t.dropout(t.ones([4]))])
    second.push(await draw().toArray())
  assert.deepEqual(second, first)
  assert.notDeepEqual(await t.rand([3]).toArray(), first[0])
})

test('random numbers that nobody read survive later draws', async () => {
  t.manualSeed(3)
  const kept = t.randn([2])
  for (let i = 0; i < 5; i++) await t.rand([1]).data()
  t.manualSeed(3)
  assert.deepEqual(await kept.toArray(), await t.randn([2]).toArray())
})

test('random numbers have the moments that their names say', async () => {
  t.manualSeed(0)
  const [normal, even] = [t.randn([20000]), t.rand([20000])]
  const values = await Promise.all([normal.mean(), normal.std(), even.mean(), even.amax()].map((each) => each.item()))
  assert.ok(
    Math.abs(values[0]) < 0.02 && Math.abs(values[1] - 1) < 0.02 && Math.abs(values[2] - 0.5) < 0.01 && values[3] < 1,
  )
  assert.deepEqual(new Set((await t.randint(2, 5, [200]).toArray()) as number[]).size, 3)
  assert.deepEqual(
    ((await t.randperm(20).toArray()) as number[]).sort((a, b) => a - b),
    await t.arange(20).toArray(),
  )
})

test('axes of a reduction come by position or by name', async () => {
  const x = t.tensor([
    [1, 2],
    [3, 4],
  ])
  const sums = [x.sum(1, true), x.sum(1, { keepdim: true }), x.sum({ dim: 1, keepdim: true })]
  for (const sum of sums) assert.deepEqual(await sum.toArray(), [[3], [7]])
  assert.equal(await x.var({ correction: 0 }).item(), 1.25)
  assert.deepEqual(await x.amax({ dim: 0 }).toArray(), [3, 4])
  assert.equal(await x.to('int64').mean({ dtype: 'float32' }).item(), 2.5)
})

test('tensors come one by one or as a list, modes by position or by name', async () => {
  const [a, b] = [t.tensor([1, 2]), t.tensor([3, 4])]
  const options = { indexing: 'xy' } as const
  for (const [first] of [t.meshgrid(a, b, options), t.meshgrid([a, b], options)])
    assert.deepEqual(await first.toArray(), [
      [1, 2],
      [1, 2],
    ])
  const row = a.reshape(1, 2)
  for (const padded of [row.pad([1, 0], 'replicate'), row.pad([1, 0], { mode: 'replicate' })])
    assert.deepEqual(await padded.toArray(), [[1, 1, 2]])
})

test('sizes, ranges and diagonals', async () => {
  assert.deepEqual(await t.eye(2, 3).toArray(), [
    [1, 0, 0],
    [0, 1, 0],
  ])
  assert.deepEqual(await t.linspace(0, 1, 5).toArray(), [0, 0.25, 0.5, 0.75, 1])
  assert.deepEqual(await t.arange(5, 0, -2).toArray(), [5, 3, 1])
  assert.deepEqual(await t.fullLike(t.zeros([2]), 3).toArray(), [3, 3])
})

test('a tensor on another device is a copy', async () => {
  const x = t.tensor([1.5])
  assert.equal(x.to(x.device), x)
  assert.equal(x.to('float32'), x)
  assert.equal(await x.to({ dtype: 'float64' }).item(), 1.5)
  for (const name of t.availableDevices()) {
    const moved = x.to(name)
    assert.deepEqual([moved.device, await moved.toArray()], [name, [1.5]])
  }
})

test('a view in the middle of a chain retains its gradient', async () => {
  const x = t.tensor([1, 2, 3, 4], { requiresGrad: true })
  const middle = x.mul(1).reshape(2, 2)
  middle.retainGrad()
  middle.t().mul(2).sum().backward()
  assert.deepEqual(await middle.grad!.toArray(), [
    [2, 2],
    [2, 2],
  ])
})
