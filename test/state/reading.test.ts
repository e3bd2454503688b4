// What is read when: after the step, many steps later, and too late.
import assert from 'node:assert/strict'
import { StaleError, type Tensor, tensor } from '../../src/index.ts'
import { close, descend, endStep, plainProgram, program } from './matrix.ts'

const wide = { dtype: 'float64' } as const
const leaf = (values: Parameters<typeof tensor>[0]): Tensor => tensor(values, { ...wide, requiresGrad: true })

program('loss read after the step', async ({ wrap }) => {
  const w = leaf([1, 2])
  const x = tensor([3, -1], wide)
  const step = wrap(() => {
    w.grad = null
    const loss = w.mul(x).sum().square()
    loss.backward()
    descend([w], 0.01)
    return loss
  })
  let [a, b] = [1, 2]
  for (let i = 0; i < 4; i++) {
    const loss = step()
    await endStep()
    const sum = 3 * a - b
    ;[a, b] = [a - 0.01 * 2 * sum * 3, b + 0.01 * 2 * sum]
    close(await loss.item(), sum * sum)
    close(await w.toArray(), [a, b])
  }
})

program('logits and accuracy read after the step', async ({ wrap }) => {
  const w = leaf([
    [1, 0],
    [0, 1],
  ])
  const x = tensor(
    [
      [2, 1],
      [1, 3],
      [4, 5],
    ],
    wide,
  )
  const y = tensor([0, 1, 0], { dtype: 'int64' })
  const step = wrap((x: Tensor) => {
    w.grad = null
    const logits = x.matmul(w)
    logits.square().mean().backward()
    descend([w], 0.1)
    return logits
  })
  for (const scale of [1, 0.1]) {
    const before = (await w.toArray()) as number[][]
    const logits = step(x.mul(scale))
    await endStep()
    const accuracy = logits.argmax(1).eq(y).to('float64').mean()
    const expected = [
      [2, 1],
      [1, 3],
      [4, 5],
    ].map((row) => [0, 1].map((j) => scale * (row[0] * before[0][j] + row[1] * before[1][j])))
    close(await logits.toArray(), expected)
    const hits = expected.filter(([p, q], i) => (q > p ? 1 : 0) === [0, 1, 0][i]).length
    close(await accuracy.item(), hits / 3)
  }
})

program('a running loss summed over 10,000 steps without detach', async ({ wrap }) => {
  const w = leaf(0)
  const step = wrap(() => {
    w.grad = null
    const loss = w.sub(3).square()
    loss.backward()
    descend([w], 1e-4)
    return loss
  })
  let running: Tensor = tensor(0, wide)
  let [expected, distance] = [0, -3]
  for (let i = 0; i < 10_000; i++) {
    const loss = step()
    running = i % 2 === 0 ? running.add(loss) : running
    await endStep()
    if (i % 2 === 1) running = running.add(loss)
    expected += distance * distance
    distance -= 1e-4 * 2 * distance
  }
  close(await running.item(), expected)
})

program('weights compared before and after many steps through clone().detach()', async ({ wrap }) => {
  const w = leaf([1, 2])
  const step = wrap(() => {
    w.grad = null
    const loss = w.square().sum()
    loss.backward()
    descend([w], 0.1)
    return loss
  })
  const before = w.clone().detach()
  for (let i = 0; i < 5; i++) {
    step()
    await endStep()
  }
  const change = w.sub(before)
  close(await before.toArray(), [1, 2])
  close(await change.toArray(), [0.8 ** 5 - 1, 2 * (0.8 ** 5 - 1)])
})

program('a value two updates old is a StaleError, never a newer value', async ({ wrap, isCompiled }) => {
  const w = leaf([1, 2])
  const step = wrap(() => {
    w.grad = null
    w.square().sum().backward()
    descend([w], 0.1)
  })
  const late = w.mul(10)
  step()
  await endStep()
  if (!isCompiled) {
    const inTime = late.sum()
    close(await inTime.item(), 30)
    step()
    await endStep()
  }
  await assert.rejects(late.data(), (error) => {
    assert.ok(error instanceof StaleError)
    assert.match(error.message, /clone\(\)/)
    return true
  })
  close(await w.mul(1).toArray(), isCompiled ? [0.8, 1.6] : [0.64, 1.28])
})

plainProgram('a stale value that nobody needs does no harm to others', async () => {
  const w = leaf([1])
  const late = w.mul(10)
  const total = tensor([0], wide)
  for (let i = 0; i < 3; i++) {
    w.grad = null
    w.square().sum().backward()
    descend([w], 0.1)
    await endStep()
  }
  total.add_(w)
  await assert.rejects(late.data(), StaleError)
  close(await total.toArray(), [0.512])
})
