// vjp, jvp, gradcheck and gradgradcheck on every device: known Jacobians, wrong gradients found and named, misuse refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  availableDevices,
  DTypeError,
  defineFunction,
  fromHost,
  GradientError,
  gradcheck,
  gradgradcheck,
  jvp,
  ShapeError,
  setDevice,
  type Tensor,
  tensor,
  vjp,
} from '../../src/index.ts'

const leaf = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  fromHost(values, shape, { dtype: 'float64', requiresGrad: true })

const list = async (value: Tensor): Promise<number[]> => Array.from(await value.data(), Number)

/** 2x, whose backward claims 3. */
const wrongDouble = defineFunction({
  name: 'wrongDouble',
  forward: (_, x: Tensor) => x.mul(2),
  backward: (_, grad) => grad.mul(3),
})

for (const device of availableDevices()) {
  const on = (name: string, body: () => Promise<void>) =>
    test(`${name} (${device})`, () => {
      setDevice(device)
      return body()
    })

  on('vjp: value and row of the Jacobian', async () => {
    const [x, y] = [leaf([1, 2, 3]), leaf([4, 5, 6])]
    const [value, [dx, dy]] = vjp((a, b) => a.mul(b).add(a), [x, y], tensor([1, 0, 2], { dtype: 'float64' }))
    assert.deepEqual(await list(value), [5, 12, 21])
    assert.deepEqual(await list(dx), [5, 0, 14])
    assert.deepEqual(await list(dy), [1, 0, 6])
    assert.equal(dx.requiresGrad, false)
  })

  on('vjp: several outputs, unused inputs, v left out', async () => {
    const [values, gradients] = vjp((a, _unused) => [a.square().sum(), a.sum()], [leaf([1, 2]), leaf([7])])
    assert.equal(values.length, 2)
    assert.deepEqual(await list(gradients[0]), [3, 5])
    assert.deepEqual(await list(gradients[1]), [0])
  })

  on('jvp: how the value moves with the inputs', async () => {
    const [value, tangent] = jvp((a) => a.square(), leaf([1, 2, 3]), tensor([1, 10, 100], { dtype: 'float64' }))
    assert.deepEqual(await list(value), [1, 4, 9])
    assert.deepEqual(await list(tangent), [2, 40, 600])
  })

  on('vjp of a vjp: what createGraph records differentiates again', async () => {
    const x = leaf([2, 3])
    const cube = (a: Tensor) => a.pow(3).sum()
    const [, first] = vjp(cube, x, undefined, { createGraph: true })
    first.sum().backward()
    assert.deepEqual(await list(x.grad!), [12, 18])
  })

  on('v of another shape is refused', async () => {
    assert.throws(() => vjp((a) => a.mul(2), leaf([1, 2]), leaf([1])), ShapeError)
    assert.throws(
      () => vjp((a) => a.mul(2), leaf([1, 2])),
      /vjp: expected v for a tensor of more than one element, .*\[2\]/,
    )
    assert.throws(
      () => jvp((a) => a.mul(2), leaf([1, 2]), [leaf([1, 2]), leaf([1])]),
      /jvp: expected 1 tensors in v, .* got 2/,
    )
  })

  on('gradcheck: right gradients pass, first and second order', async () => {
    const inputs = [leaf([0.3, -0.7, 1.1, 0.2, 0.5, -0.4], [2, 3]), leaf([0.9, -1.3, 0.4], [3])]
    const fn = (x: Tensor, w: Tensor) => [x.mul(w).tanh(), x.exp().sum(1)]
    assert.equal(await gradcheck(fn, inputs), true)
    assert.equal(await gradgradcheck(fn, inputs), true)
  })

  on('gradcheck: a wrong gradient is found and named', async () => {
    const x = leaf([1, 2], [1, 2])
    await assert.rejects(
      gradcheck((a) => wrongDouble(a), [x]),
      (error: Error) =>
        error instanceof GradientError &&
        /gradcheck: expected the derivative of element \[0, 0\] of output 0 by element \[0, 0\] of input 0 to be (2|1\.99)\S* .*got 3\./.test(
          error.message,
        ),
    )
    assert.equal(await gradcheck((a) => wrongDouble(a), [x], { raiseException: false }), false)
  })

  on('gradcheck: a detached part is found', async () => {
    await assert.rejects(
      gradcheck((a) => a.mul(a.detach()), [leaf([2])]),
      /to be 4\S*|3\.99\S* .*got 2/,
    )
    await assert.rejects(
      gradcheck((a) => a.detach(), [leaf([2])]),
      /got 0/,
    )
  })

  on('gradcheck: inputs that cannot be checked are refused', async () => {
    await assert.rejects(
      gradcheck((a) => a, [tensor([1], { requiresGrad: true })]),
      DTypeError,
    )
    await assert.rejects(
      gradcheck((a) => a, [tensor([1], { dtype: 'float64' })]),
      /at least one input that requires grad/,
    )
  })
}
