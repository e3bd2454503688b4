// Gradients that come in parts, from several places, or not at all.
import assert from 'node:assert/strict'
import { type Tensor, tensor } from '../../src/index.ts'
import { close, descend, endStep, program } from './matrix.ts'

const wide = { dtype: 'float64' } as const
const leaf = (values: Parameters<typeof tensor>[0]): Tensor => tensor(values, { ...wide, requiresGrad: true })

program('gradient accumulation over four microbatches', async ({ wrap }) => {
  const w = leaf([1, -1])
  const backward = wrap((x: Tensor) => {
    const loss = x.matmul(w).square().mean()
    loss.backward()
    return loss
  })
  const update = wrap(() => {
    descend([w], 0.05)
    w.grad = null
  })
  let [a, b] = [1, -1]
  for (let round = 0; round < 3; round++) {
    let [da, db] = [0, 0]
    for (let i = 1; i <= 4; i++) {
      const loss = backward(
        tensor(
          [
            [i, 1],
            [1, round],
          ],
          wide,
        ),
      )
      const errors = [i * a + b, a + round * b]
      close(await loss.item(), (errors[0] ** 2 + errors[1] ** 2) / 2)
      da += errors[0] * i + errors[1]
      db += errors[0] + errors[1] * round
      close(await w.grad!.toArray(), [da, db])
    }
    update()
    await endStep()
    ;[a, b] = [a - 0.05 * da, b - 0.05 * db]
    assert.equal(w.grad, null)
    close(await w.toArray(), [a, b])
  }
})

program('tied weights', async ({ wrap }) => {
  const w = leaf([
    [0.5, 0.25],
    [0, 0.5],
  ])
  const model = { encode: w, decode: w }
  const step = wrap((x: Tensor) => {
    w.grad = null
    const loss = x.matmul(model.encode).matmul(model.decode).sum()
    loss.backward()
    descend([model.encode], 0.1)
    return loss
  })
  // d/dW sum(x W W) = xT 1T WT + (x W)T 1T, for x = [1, 2]
  let [[p, q], [r, s]] = [
    [0.5, 0.25],
    [0, 0.5],
  ]
  for (let i = 0; i < 3; i++) {
    const loss = step(tensor([[1, 2]], wide))
    await endStep()
    const [h0, h1] = [p + 2 * r, q + 2 * s]
    close(await loss.item(), h0 * (p + q) + h1 * (r + s))
    const gradient = [
      [p + q + h0, r + s + h0],
      [2 * (p + q) + h1, 2 * (r + s) + h1],
    ]
    close(await w.grad!.toArray(), gradient)
    ;[[p, q], [r, s]] = [
      [p - 0.1 * gradient[0][0], q - 0.1 * gradient[0][1]],
      [r - 0.1 * gradient[1][0], s - 0.1 * gradient[1][1]],
    ]
    close(await w.toArray(), [
      [p, q],
      [r, s],
    ])
  }
})

program('two heads with two backward passes', async ({ wrap }) => {
  const trunk = leaf(2)
  const [one, two] = [leaf(3), leaf(-1)]
  const step = wrap(() => {
    for (const param of [trunk, one, two]) param.grad = null
    const hidden = trunk.square()
    const [first, second] = [hidden.mul(one), hidden.mul(two).square()]
    first.backward(null, { retainGraph: true })
    second.backward()
    descend([trunk, one, two], 0.01)
    return [first, second]
  })
  let [t, a, b] = [2, 3, -1]
  for (let i = 0; i < 3; i++) {
    const [first, second] = step()
    await endStep()
    close([await first.item(), await second.item()], [t * t * a, (t * t * b) ** 2])
    const [dt, da, db] = [2 * t * a + 4 * t ** 3 * b * b, t * t, 2 * t ** 4 * b]
    ;[t, a, b] = [t - 0.01 * dt, a - 0.01 * da, b - 0.01 * db]
    close([await trunk.item(), await one.item(), await two.item()], [t, a, b])
  }
})

program('two optimizers taking turns', async ({ wrap }) => {
  const generator = leaf(0.5)
  const critic = leaf(1)
  const step = wrap((real: Tensor) => {
    const fake = generator.mul(2)
    critic.grad = null
    const criticLoss = critic.mul(fake.detach()).sub(critic.mul(real)).add(critic.square())
    criticLoss.backward()
    descend([critic], 0.1)
    generator.grad = null
    const generatorLoss = critic.mul(fake).neg()
    generatorLoss.backward()
    descend([generator], 0.1)
    return { criticLoss, generatorLoss }
  })
  let [g, c] = [0.5, 1]
  for (let i = 1; i <= 4; i++) {
    const { criticLoss, generatorLoss } = step(tensor(i, wide))
    await endStep()
    close(await criticLoss.item(), c * 2 * g - c * i + c * c)
    c -= 0.1 * (2 * g - i + 2 * c)
    close(await generatorLoss.item(), -c * 2 * g)
    g += 0.1 * 2 * c
    close([await generator.item(), await critic.item()], [g, c])
  }
})

program('parameters frozen and thawed midway', async ({ wrap }) => {
  const [body, head] = [leaf(2), leaf(3)]
  const step = wrap(() => {
    body.grad = null
    head.grad = null
    const loss = body.mul(head)
    loss.backward()
    descend([body, head], 0.1)
    return loss
  })
  let [b, h] = [2, 3]
  for (let i = 0; i < 6; i++) {
    if (i === 2) body.requiresGrad_(false)
    if (i === 4) body.requiresGrad_(true)
    const loss = step()
    await endStep()
    close(await loss.item(), b * h)
    ;[b, h] = [i === 2 || i === 3 ? b : b - 0.1 * h, h - 0.1 * b]
    close([await body.item(), await head.item()], [b, h])
    assert.equal(body.grad === null, i === 2 || i === 3)
  }
})
