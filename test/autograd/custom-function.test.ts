// Functions with a gradient of the user's own on every device: plain and compiled, several results, second order, and bad backwards.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ArgumentError,
  availableDevices,
  compile,
  currentSession,
  defineFunction,
  fromHost,
  grad,
  gradcheck,
  gradgradcheck,
  isGradEnabled,
  noGrad,
  ShapeError,
  setDevice,
  type Tensor,
} from '../../src/index.ts'

const leaf = (values: readonly number[]): Tensor =>
  fromHost(values, [values.length], { dtype: 'float64', requiresGrad: true })
const list = async (value: Tensor): Promise<number[]> => Array.from(await value.data(), Number)

/** exp, whose backward reads the output, as PyTorch's own example. */
const exp = defineFunction({
  name: 'exp',
  forward(ctx, x: Tensor) {
    assert.equal(isGradEnabled(), false)
    const y = x.exp()
    ctx.saveForBackward(y)
    return y
  },
  backward: (ctx, gradient) => gradient.mul(ctx.savedTensors[0]),
})

/** Scales by a number; the gradient is clipped to [-1, 1]. */
const scaleAndClip = defineFunction({
  name: 'scaleAndClip',
  forward(ctx, x: Tensor, factor: number) {
    ctx.factor = factor
    return x.mul(factor)
  },
  backward: (ctx, gradient) => [gradient.mul(ctx.factor as number).clamp(-1, 1), null],
})

const productAndSum = defineFunction({
  name: 'productAndSum',
  forward(ctx, x: Tensor, y: Tensor) {
    ctx.saveForBackward(x, y)
    return [x.mul(y), x.add(y)] as const
  },
  backward(ctx, product, sum) {
    const [x, y] = ctx.savedTensors
    return [product.mul(y).add(sum), product.mul(x).add(sum)]
  },
})

for (const device of availableDevices()) {
  const on = (name: string, body: () => Promise<void>) =>
    test(`${name} (${device})`, () => {
      setDevice(device)
      return body()
    })

  on('a gradient of its own, arguments that are no tensors', async () => {
    const x = leaf([1, 2, 3])
    const y = scaleAndClip(x, 0.5)
    y.mul(fromHost([1, 4, -9], [3], { dtype: 'float64' }))
      .sum()
      .backward()
    assert.deepEqual(await list(y), [0.5, 1, 1.5])
    assert.deepEqual(await list(x.grad!), [0.5, 1, -1])
  })

  on('first and second order agree with differences', async () => {
    const inputs = [leaf([0.3, -0.8]), leaf([1.2, 0.7])]
    assert.ok(await gradcheck((x) => exp(x), [inputs[0]]))
    assert.ok(await gradgradcheck((x) => exp(x).square(), [inputs[0]]))
    assert.ok(await gradcheck((x, y) => productAndSum(x, y), inputs))
    assert.ok(await gradgradcheck((x, y) => productAndSum(x, y), inputs))
  })

  on('only one of several results is used', async () => {
    const [x, y] = [leaf([2, 3]), leaf([5, 7])]
    const gradients = grad(productAndSum(x, y)[0].sum(), [x, y])
    assert.deepEqual(await list(gradients[0]), [5, 7])
    assert.deepEqual(await list(gradients[1]), [2, 3])
  })

  on('compiled: the same values, one program', async () => {
    const x = leaf([0.1, 0.2])
    const step = compile((scale: Tensor) => {
      x.grad = null
      const loss = exp(x.mul(scale)).sum()
      loss.backward()
      return loss
    })
    for (const scale of [1, 2, 3]) {
      const loss = await step(fromHost([scale], [1], { dtype: 'float64' })).item()
      const expected = [0.1, 0.2].map((value) => Math.exp(scale * value))
      assert.ok(Math.abs(loss - expected[0] - expected[1]) < 1e-12)
      const gradient = await list(x.grad!)
      gradient.forEach((value, i) => {
        assert.ok(Math.abs(value - scale * expected[i]) < 1e-12)
      })
    }
    assert.equal(step.programs.length, 1)
    if (device === 'native') assert.ok(step.programs[0].kernelCount <= 2, step.programs[0].print('schedule'))
  })

  on('plain loops reuse one program', async () => {
    const x = leaf([0.5])
    const run = async () => {
      x.grad = null
      exp(x).sum().backward()
      await x.grad!.data()
    }
    await run()
    const before = currentSession().programs.compiles
    await run()
    await run()
    assert.equal(currentSession().programs.compiles, before)
  })

  on('without grad mode nothing is recorded', async () => {
    assert.equal(noGrad(() => exp(leaf([1]))).requiresGrad, false)
    assert.equal(exp(leaf([1]).detach()).requiresGrad, false)
  })

  on('backwards that do not fit are refused', async () => {
    const few = defineFunction({
      name: 'few',
      forward: (_, x: Tensor, y: Tensor) => x.add(y),
      backward: (_, gradient) => gradient,
    })
    assert.throws(
      () => few(leaf([1]), leaf([2])).backward(),
      (error: Error) =>
        error instanceof ArgumentError &&
        /few: expected backward to give 2 gradients, .* got 1\. Give null/.test(error.message),
    )
    const wide = defineFunction({
      name: 'wide',
      forward: (_, x: Tensor) => x.sum(),
      backward: (_, gradient) => gradient,
    })
    assert.throws(
      () => wide(leaf([1, 2])).backward(),
      (error: Error) =>
        error instanceof ShapeError &&
        /wide: .* argument 0 a gradient of its shape \[2\], got \[\]/.test(error.message),
    )
  })
}
