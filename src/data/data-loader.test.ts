// Loaders: batches, orders, resuming in the middle; collating; the bundled digits.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import '../index.ts'
import { Tensor, tensor } from '../tensor/index.ts'
import { DataLoader, type Dataset, digits, TensorDataset } from './index.ts'

const numbers = (length: number): Dataset<number> => ({ length, get: (index) => index })
const asList = (samples: number[]) => samples

async function take<T>(loader: AsyncIterable<T>, most = Number.POSITIVE_INFINITY): Promise<T[]> {
  const taken: T[] = []
  if (most > 0)
    for await (const batch of loader) {
      taken.push(batch)
      if (taken.length >= most) break
    }
  return taken
}

test('batches come in order, the last one smaller or left out', async () => {
  const loader = new DataLoader(numbers(5), { batchSize: 2, collate: asList })
  assert.deepEqual(await take(loader), [[0, 1], [2, 3], [4]])
  assert.equal(loader.length, 3)
  const dropping = new DataLoader(numbers(5), { batchSize: 2, dropLast: true, collate: asList })
  assert.deepEqual(await take(dropping), [
    [0, 1],
    [2, 3],
  ])
  assert.deepEqual(await take(new DataLoader(numbers(0), { collate: asList })), [])
})

test('each epoch has an order of its own, the same for the same seed', async () => {
  const make = (seed: number) => new DataLoader(numbers(50), { batchSize: 50, shuffle: true, seed, collate: asList })
  const [loader, again] = [make(1), make(1)]
  const epochs = [await take(loader), await take(loader)]
  assert.notDeepEqual(epochs[0], epochs[1])
  assert.deepEqual(epochs, [await take(again), await take(again)])
  assert.notDeepEqual(epochs[0], await take(make(2)))
  assert.deepEqual(
    [...epochs[0][0]].sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i),
  )
})

test('a loader resumed anywhere gives the rest of the uninterrupted order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(20),
      fc.integer({ min: 1, max: 6 }),
      fc.nat(15),
      fc.boolean(),
      fc.nat(),
      async (...drawn) => {
        const [length, batchSize, stop, dropLast, seed] = drawn
        const options = { batchSize, dropLast, shuffle: true, seed, collate: asList }
        const whole = new DataLoader(numbers(length), options)
        const uninterrupted = [...(await take(whole)), ...(await take(whole)), ...(await take(whole))]
        const first = new DataLoader(numbers(length), options)
        const before = await take(first, Math.min(stop, first.length))
        const resumed = new DataLoader(numbers(length), { ...options, seed: 0 })
        resumed.load(JSON.parse(JSON.stringify(first.state())))
        const after = [...(await take(resumed)), ...(await take(resumed))]
        const both = [...before, ...after]
        assert.deepEqual(both, uninterrupted.slice(0, both.length))
      },
    ),
    { numRuns: 50 },
  )
})

test('leaving a loop early ends its epoch', async () => {
  const loader = new DataLoader(numbers(4), { batchSize: 1, collate: asList })
  assert.deepEqual(await take(loader, 2), [[0], [1]])
  assert.deepEqual(await take(loader), [[0], [1], [2], [3]])
})

test('samples are collated field by field', async () => {
  const dataset = {
    length: 2,
    get: (i: number) => ({ x: tensor([i, i]), y: i, z: i / 2, name: `n${i}`, pair: [i > 0, BigInt(i)] as const }),
  }
  const [batch] = await take(new DataLoader(dataset, { batchSize: 2 }))
  assert.deepEqual(await batch.x.toArray(), [
    [0, 0],
    [1, 1],
  ])
  assert.deepEqual(
    [batch.y.dtype, batch.z.dtype, batch.pair[0].dtype, batch.pair[1].dtype],
    ['int64', 'float32', 'bool', 'int64'],
  )
  assert.deepEqual(batch.name, ['n0', 'n1'])
})

test('a TensorDataset gives rows, one by one and in batches', async () => {
  const dataset = new TensorDataset(
    tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
    tensor([7n, 8n, 9n]),
  )
  const [x, y] = await dataset.get(1)
  assert.deepEqual([await x.toArray(), await y.item()], [[3, 4], 8])
  const loader = new DataLoader(dataset, { batchSize: 2 })
  for await (const [rows, labels] of loader) {
    assert.ok(rows instanceof Tensor)
    assert.equal(labels.dtype, 'int64')
    assert.deepEqual(rows.shape, [labels.shape[0], 2])
  }
  await assert.rejects(dataset.get(3), /index from 0 to 2, got 3/)
  assert.throws(() => new TensorDataset(tensor([1]), tensor([1, 2])), /equally many rows/)
})

test('options and states that make no sense are refused', () => {
  assert.throws(() => new DataLoader(numbers(3), { batchSize: 0 }), /batchSize from 1, got 0/)
  assert.throws(() => new DataLoader(numbers(3)).load({ epoch: 0, batch: -1, seed: 0 }), /batch to be a whole number/)
})

test('the digits are 1,437 training and 360 test images of 8x8', async () => {
  const { train, test } = await digits()
  assert.deepEqual([train.length, test.length], [1437, 360])
  const [images, labels] = test.tensors
  assert.deepEqual([images.shape, images.dtype, labels.dtype], [[360, 1, 8, 8], 'float32', 'int64'])
  const pixels = Array.from((await images.data()) as Float32Array)
  assert.deepEqual([Math.min(...pixels), Math.max(...pixels)], [0, 1])
  const first = Array.from((await train.tensors[0].data()) as Float32Array, (value) => value * 16).slice(0, 8)
  assert.deepEqual(first, [0, 0, 5, 13, 9, 1, 0, 0])
  assert.deepEqual(Array.from((await labels.data()) as BigInt64Array, Number).slice(-3), [8, 9, 8])
})
