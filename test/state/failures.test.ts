// What fails changes nothing, says so at the next await, and does not stand in the way of what comes after.
import assert from 'node:assert/strict'
import { currentSession, GradientError, IndexError, noGrad, type Tensor, tensor, zeros } from '../../src/index.ts'
import { close, descend, endStep, plainProgram, program } from './matrix.ts'

const wide = { dtype: 'float64' } as const

program('an exception in the middle of a step, and going on after it', async ({ wrap }) => {
  const w = tensor([1, 2], { ...wide, requiresGrad: true })
  const seen = zeros([], wide)
  const step = wrap((fails: boolean) => {
    w.grad = null
    const loss = w.square().sum()
    noGrad(() => seen.add_(loss))
    loss.backward()
    if (fails) throw new RangeError('the user made a mistake')
    descend([w], 0.25)
    return loss
  })
  const { isCompiled } = { isCompiled: 'traces' in step }
  let [factor, total] = [1, 0]
  for (let i = 0; i < 6; i++) {
    if (i % 2 === 1) {
      const before = w.grad
      assert.throws(() => step(true), { name: 'RangeError', message: 'the user made a mistake' })
      if (isCompiled) assert.equal(w.grad, before)
      // a plain step has written what came before the mistake, as in PyTorch; a traced one has not run at all
      else total += 5 * factor * factor
      close(await w.toArray(), [factor, 2 * factor])
      continue
    }
    const loss = step(false)
    await endStep()
    close(await loss.item(), 5 * factor * factor)
    total += 5 * factor * factor
    factor *= 0.5
    close(await w.toArray(), [factor, 2 * factor])
    close(await seen.item(), total)
  }
})

// size: one story, told in its order
program('an embedding index out of range: a typed error at the next await, parameters untouched', async ({ wrap }) => {
  const table = tensor(
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    { ...wide, requiresGrad: true },
  )
  const count = zeros([], wide)
  const step = wrap((index: Tensor) => {
    table.grad = null
    const loss = table.indexSelect(0, index).square().sum()
    loss.backward()
    descend([table], 0.25)
    noGrad(() => count.add_(1))
    return loss
  })
  const good = tensor([0, 2], { dtype: 'int64' })
  const bad = tensor([0, 3], { dtype: 'int64' })
  step(good)
  await endStep()
  const before = [
    [0.5, 1],
    [3, 4],
    [2.5, 3],
  ]
  close(await table.toArray(), before)
  const lost = step(bad)
  // two programs may be in flight when a step ends; a read waits for its own
  await assert.rejects(
    async () => {
      await endStep()
      await lost.item()
    },
    (error) => {
      assert.ok(error instanceof IndexError, `${error}`)
      assert.match(error.message, /3/)
      return true
    },
  )
  close(await table.toArray(), before)
  close(await count.item(), 1)
  await assert.rejects(lost.item())
  const loss = step(good)
  await endStep()
  close(await loss.item(), 0.25 + 1 + 6.25 + 9)
  close(await table.toArray(), [
    [0.25, 0.5],
    [3, 4],
    [1.25, 1.5],
  ])
  close(await count.item(), 2)
})

program('what is written over stays as it was when an index is out of range', async ({ wrap }) => {
  const x = tensor([1, 2, 3, 4], wide)
  const [picked, added] = [zeros([2], wide), zeros([4], wide)]
  const step = wrap((index: Tensor) => {
    picked.copy_(x.gather(0, index))
    added.copy_(x.scatterAdd(0, index, picked))
    return x.sum()
  })
  step(tensor([3, 0], { dtype: 'int64' }))
  await endStep()
  await assert.rejects(async () => {
    step(tensor([1, 4], { dtype: 'int64' }))
    await currentSession().synchronize()
  }, IndexError)
  close(await picked.toArray(), [4, 1])
  close(await added.toArray(), [2, 2, 3, 8])
  step(tensor([1, 2], { dtype: 'int64' }))
  await endStep()
  close(await picked.toArray(), [2, 3])
  close(await added.toArray(), [1, 4, 6, 4])
})

program('steps queued behind a failed one are dropped with it', async ({ wrap }) => {
  const table = tensor([1, 2, 3], { ...wide, requiresGrad: true })
  const step = wrap((index: Tensor) => {
    table.grad = null
    const loss = table.indexSelect(0, index).sum()
    loss.backward()
    descend([table], 1)
    return loss
  })
  const at = (i: number): Tensor => tensor([i], { dtype: 'int64' })
  step(at(0))
  await endStep()
  step(at(1))
  step(at(9))
  await assert.rejects(async () => {
    step(at(2))
    await currentSession().synchronize()
  }, IndexError)
  const left = (await table.toArray()) as number[]
  close(left.slice(1, 3), [left[1], 3])
  assert.ok(left[0] === 0 && (left[1] === 1 || left[1] === 2), `${left}`)
  step(at(2))
  await endStep()
  close(await table.toArray(), [left[0], left[1], 2])
})

plainProgram('traced functions that are asynchronous, or read values, are refused', () => {
  const w = tensor([1], { requiresGrad: true })
  assert.throws(() => noGrad(async () => w.mul(2)), GradientError)
  assert.throws(() => noGrad(() => w.item()), /returns a Promise/)
})
