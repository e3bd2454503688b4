// Indexing beyond the recorded samples, on every device: Python's notation in strings, arrays and masks, reading and writing.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ArgumentError, ShapeError, TensorloomError } from '../../src/base/errors.ts'
import * as t from '../../src/index.ts'

for (const device of t.availableDevices())
  describe(`indexing on ${device}`, { concurrency: false }, () => {
    const grid = (): t.Tensor => t.arange(24, { dtype: 'float32', device }).reshape(2, 3, 4)
    const tensor = (values: t.NestedArray, dtype?: t.DType): t.Tensor =>
      t.tensor(values, { device, ...(dtype && { dtype }) })

    it('a string may list several slices', async () => {
      const x = grid()
      assert.deepEqual(await x.slice('1, ::2, -1').toArray(), [15, 23])
      assert.deepEqual(await x.slice('..., 0').toArray(), await x.slice('...', 0).toArray())
      assert.deepEqual(x.slice('None, :, newaxis, 0').shape, [1, 2, 1, 4])
      assert.deepEqual(await x.slice(':', '::-1', '1:-1').toArray(), await x.flip(1).slice(':', ':', '1:3').toArray())
      assert.throws(() => x.slice('0, 1, 2, 3'), ShapeError)
      assert.throws(() => x.slice('one'), ArgumentError)
    })

    it('arrays are index tensors', async () => {
      const x = grid()
      assert.deepEqual(await x.index([1, 0], [2, 1]).toArray(), [
        [20, 21, 22, 23],
        [4, 5, 6, 7],
      ])
      assert.deepEqual(x.index(':', [[0, 2]], '1:').shape, [2, 1, 2, 3])
      assert.deepEqual(x.index([0], ':', [1, 2]).shape, [2, 3])
    })

    it('reads through masks, alone and beside slices', async () => {
      const x = grid()
      assert.deepEqual(await (await x.maskedSelect(x.gt(20))).toArray(), [21, 22, 23])
      assert.deepEqual(await (await x.indexMasked(x.gt(20))).toArray(), [21, 22, 23])
      assert.deepEqual(await (await x.indexMasked(0, [true, false, true], '::3')).toArray(), [
        [0, 3],
        [8, 11],
      ])
      assert.deepEqual((await x.indexMasked(x.lt(0))).shape, [0])
      assert.throws(() => x.index(x.gt(0)), /indexMasked/)
    })

    it('gradients flow through reads by mask', async () => {
      const x = tensor([1, -2, 3]).requiresGrad_()
      ;(await x.maskedSelect(x.gt(0))).square().sum().backward()
      assert.deepEqual(await x.grad!.toArray(), [2, 0, 6])
    })

    it('writes through masks: a value, a row for all, or one for each true element', async () => {
      const x = t.zeros([2, 3], { device })
      const mask = tensor([
        [true, false, true],
        [false, false, true],
      ])
      assert.deepEqual(await x.clone().set(mask, 7).toArray(), [
        [7, 0, 7],
        [0, 0, 7],
      ])
      assert.deepEqual(await x.clone().set(mask, [1, 2, 3]).toArray(), [
        [1, 0, 2],
        [0, 0, 3],
      ])
      assert.deepEqual(await x.clone().set([false, true], [4, 5, 6]).toArray(), [
        [0, 0, 0],
        [4, 5, 6],
      ])
      assert.deepEqual(
        await x
          .clone()
          .set(':', [true, false, true], [[1], [2]])
          .toArray(),
        [
          [1, 0, 1],
          [2, 0, 2],
        ],
      )
      assert.throws(() => x.set(tensor([true]), 1), ShapeError)
    })

    it('writes where slices and index tensors meet', async () => {
      const x = grid()
      x.set(1, [0, 2], '::2', -1)
      assert.deepEqual(await x.slice(1).toArray(), [
        [-1, 13, -1, 15],
        [16, 17, 18, 19],
        [-1, 21, -1, 23],
      ])
      x.set('...', [3], tensor([[[100]], [[200]]]))
      assert.deepEqual(await x.slice(':', 0, 3).toArray(), [100, 200])
    })

    it('indexPut adds up duplicates where it accumulates', async () => {
      const x = t.zeros([3], { device })
      const [at, values] = [tensor([0, 0, 2], 'int64'), tensor([1, 2, 4])]
      assert.deepEqual(await x.indexPut([at], values, { accumulate: true }).toArray(), [3, 0, 4])
      x.indexPut_([at], values, { accumulate: true })
      assert.deepEqual(await x.toArray(), [3, 0, 4])
    })

    it('a position out of range is refused, as PyTorch does', async () => {
      await assert.rejects(async () => await grid().index([5]).data(), TensorloomError)
      await assert.rejects(
        async () =>
          await grid()
            .take(tensor([24], 'int64'))
            .data(),
        TensorloomError,
      )
    })

    it('shapes that depend on values come as promises', async () => {
      const x = tensor([3, 0, 3, 1], 'int64')
      assert.deepEqual(await (await x.nonzero()).toArray(), [[0], [2], [3]])
      assert.deepEqual((await x.nonzero({ asTuple: true })).length, 1)
      assert.deepEqual(await (await t.where(x.gt(2)))[0].toArray(), [0, 2])
      const [values, inverse, counts] = (await x.unique({ returnInverse: true, returnCounts: true })) as t.Tensor[]
      assert.deepEqual(await values.toArray(), [0, 1, 3])
      assert.deepEqual(await inverse.toArray(), [2, 0, 2, 1])
      assert.deepEqual(await counts.toArray(), [1, 1, 2])
      assert.deepEqual(await (await x.bincount()).toArray(), [1, 1, 0, 2])
      assert.deepEqual((await t.oneHot(x)).shape, [4, 4])
      assert.deepEqual(await (await x.repeatInterleave(tensor([0, 1, 2, 0], 'int64'))).toArray(), [0, 3, 3])
    })
  })
