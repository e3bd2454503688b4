// What changes from step to step without another program: learning rates, the last batch, evaluation in between.
import assert from 'node:assert/strict'
import { currentSession, noGrad, type Tensor, tensor } from '../../src/index.ts'
import { close, descend, endStep, program } from './matrix.ts'
import { optim } from './modules.ts'

const wide = { dtype: 'float64' } as const

program('a learning-rate schedule without recompiling', async ({ wrap }) => {
  const w = tensor([1, -2], { ...wide, requiresGrad: true })
  const optimizer = new optim.SGD([w], { lr: 0.1 })
  const step = wrap(() => {
    optimizer.zeroGrad()
    const loss = w.square().sum()
    loss.backward()
    optimizer.step()
    return loss
  })
  const { programs } = currentSession()
  let factor = 1
  let compiles = 0
  for (let i = 0; i < 100; i++) {
    const rate = 0.1 / (1 + i)
    optimizer.paramGroups[0].lr = rate
    const loss = step()
    await endStep()
    close(await loss.item(), 5 * factor * factor)
    factor *= 1 - 2 * rate
    if (i === 5) compiles = programs.compiles
  }
  close(await w.toArray(), [factor, -2 * factor])
  assert.equal(programs.compiles, compiles)
  if ('traces' in step) assert.deepEqual([step.traces, step.compiles], [2, 1])
})

program('a rate that is a plain number without recompiling', async ({ wrap }) => {
  const w = tensor([1, -2], { ...wide, requiresGrad: true })
  const step = wrap((rate: number) => {
    w.grad = null
    w.square().sum().backward()
    descend([w], rate)
  })
  const { programs } = currentSession()
  let factor = 1
  let compiles = 0
  for (let i = 0; i < 20; i++) {
    step(0.1 / (1 + i))
    await endStep()
    factor *= 1 - 0.2 / (1 + i)
    if (i === 3) compiles = programs.compiles
  }
  close(await w.toArray(), [factor, -2 * factor])
  assert.equal(programs.compiles, compiles)
})

program('a smaller last batch', async ({ wrap }) => {
  const w = tensor(1, { ...wide, requiresGrad: true })
  const step = wrap((x: Tensor) => {
    w.grad = null
    const loss = x.mul(w).mean().square()
    loss.backward()
    descend([w], 0.1)
    return loss
  })
  let weight = 1
  let compiles = 0
  for (let epoch = 0; epoch < 4; epoch++) {
    for (const batch of [[1, 2, 3], [2, 2, 2], [3]]) {
      const loss = step(tensor(batch, wide))
      await endStep()
      const mean = batch.reduce((sum, x) => sum + x, 0) / batch.length
      close(await loss.item(), (mean * weight) ** 2)
      weight -= 0.1 * 2 * mean * mean * weight
    }
    if (epoch === 1) compiles = currentSession().programs.compiles
  }
  close(await w.item(), weight)
  assert.equal(currentSession().programs.compiles, compiles)
  if ('compiles' in step) assert.deepEqual([step.programs.length, step.compiles], [2, 2])
})

program('noGrad evaluation between steps', async ({ wrap }) => {
  const w = tensor([1, 1], { ...wide, requiresGrad: true })
  const predict = wrap((x: Tensor) => x.matmul(w))
  const step = wrap((x: Tensor, y: Tensor) => {
    w.grad = null
    const loss = x.matmul(w).sub(y).square().sum()
    loss.backward()
    descend([w], 0.05)
    return loss
  })
  const [x, y] = [tensor([[1, 2]], wide), tensor([1], wide)]
  let [a, b] = [1, 1]
  for (let i = 0; i < 4; i++) {
    const loss = step(x, y)
    await endStep()
    const error = a + 2 * b - 1
    ;[a, b] = [a - 0.1 * error, b - 0.2 * error]
    const evaluated = noGrad(() =>
      predict(
        tensor(
          [
            [3, 4],
            [0, 1],
          ],
          wide,
        ),
      ),
    )
    assert.equal(evaluated.requiresGrad, false)
    close(await evaluated.toArray(), [3 * a + 4 * b, b])
    close(await loss.item(), error * error)
  }
})
