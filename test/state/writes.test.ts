// Values that change in place: through views, beside the optimizer, and inside modules.

import { noGrad, type Tensor, tensor, zeros } from '../../src/index.ts'
import { close, descend, endStep, plainProgram, program } from './matrix.ts'
import { nn } from './modules.ts'

const wide = { dtype: 'float64' } as const

plainProgram('a write through a view is seen by its base and the other views', async () => {
  const base = tensor(
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    wide,
  )
  const row = base.select(0, 1)
  const corner = base.narrow(1, 1, 2).t()
  const flat = base.view(-1)
  row.add_(10)
  corner.mul_(2)
  flat.narrow(0, 0, 1).fill_(-1)
  close(await base.toArray(), [
    [-1, 4, 6],
    [14, 30, 32],
  ])
  close(await row.toArray(), [14, 30, 32])
  close(await corner.toArray(), [
    [4, 30],
    [6, 32],
  ])
  close(await flat.toArray(), [-1, 4, 6, 14, 30, 32])
  base.zero_()
  close(await flat.sum().item(), 0)
})

program('writes through views inside a step', async ({ wrap }) => {
  const board = zeros([3, 2], wide)
  const step = wrap((x: Tensor) => {
    board.select(0, 1).copy_(x)
    board.select(1, 0).add_(1)
    return board.sum()
  })
  for (let i = 1; i <= 3; i++) {
    const total = step(tensor([i, 10 * i], wide))
    close(await total.item(), 10 * i + i + 1 + 2 * i)
    close(await board.toArray(), [
      [i, 0],
      [i + 1, 10 * i],
      [i, 0],
    ])
  }
})

program('an exponential moving average of the weights', async ({ wrap }) => {
  const w = tensor([4, -2], { ...wide, requiresGrad: true })
  const average = w.clone().detach()
  const step = wrap(() => {
    w.grad = null
    w.square().sum().backward()
    descend([w], 0.25)
    noGrad(() => average.mul_(0.9).add_(w.mul(0.1)))
  })
  let [weight, mean] = [4, 4]
  for (let i = 0; i < 8; i++) {
    step()
    await endStep()
    weight *= 0.5
    mean = 0.9 * mean + 0.1 * weight
  }
  close(await average.toArray(), [mean, -mean / 2])
  close(await w.toArray(), [weight, -weight / 2])
})

program('BatchNorm in train and eval', async ({ wrap }) => {
  const norm = new nn.BatchNorm1d(1, { dtype: 'float64', momentum: 0.5, eps: 0 })
  const forward = wrap((x: Tensor) => norm(x))
  let [mean, variance] = [0, 1]
  for (const [a, b] of [
    [1, 3],
    [2, 8],
    [0, 1],
  ]) {
    norm.train()
    const trained = forward(tensor([[a], [b]], wide))
    await endStep()
    close(await trained.toArray(), [[-1], [1]])
    mean = 0.5 * mean + (0.5 * (a + b)) / 2
    variance = 0.5 * variance + (0.5 * (b - a) ** 2) / 2
    norm.eval()
    const evaluated = noGrad(() => forward(tensor([[5], [7], [9]], wide)))
    close(
      await evaluated.toArray(),
      [5, 7, 9].map((x) => [(x - mean) / Math.sqrt(variance)]),
    )
    close(await norm.runningMean!.toArray(), [mean])
    close(await norm.runningVar!.toArray(), [variance])
  }
  close(await norm.numBatchesTracked!.item(), 3)
})
