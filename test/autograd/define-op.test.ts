// Ops of the user's own on every device: values, both kinds of gradient, second order, compiled, fused; and what is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  availableDevices,
  compile,
  defineOp,
  fromHost,
  gradcheck,
  gradgradcheck,
  setDevice,
  type Tensor,
  tensor,
} from '../../src/index.ts'

/** Differentiated through its body. */
const swish = defineOp<[Tensor], { beta: number }>({
  name: 'testSwish',
  forward: ([x], { beta = 1 }) => x.mul(x.mul(beta).sigmoid()),
})

/** sqrt(x² + y²) with a gradient of its own, which reads the output. */
const hypotenuse = defineOp<[Tensor, Tensor]>({
  name: 'testHypotenuse',
  forward: ([x, y]) => x.square().add(y.square()).sqrt(),
  backward: (grad, { inputs: [x, y], output }) => [grad.mul(x).div(output), grad.mul(y).div(output)],
})

/** Its gradient is wrong on purpose, to see that the rule is what is used. */
const doubled = defineOp<[Tensor]>({
  name: 'testDoubled',
  forward: ([x]) => x.mul(2),
  backward: (grad) => grad.mul(7),
})

const leaf = (values: readonly number[]) => fromHost(values, [values.length], { dtype: 'float64', requiresGrad: true })

for (const device of availableDevices())
  test(`ops of one's own on ${device}`, async () => {
    setDevice(device)
    const [x, y] = [leaf([0.5, -1, 2]), leaf([1.5, 1, -0.25])]
    assert.ok(Math.abs(((await swish(x, { beta: 2 }).data())[0] as number) - 0.5 / (1 + Math.exp(-1))) < 1e-12)
    assert.ok(await gradcheck((a) => swish(a, { beta: 1.5 }), [x]))
    assert.ok(await gradcheck(hypotenuse, [x, y]))
    assert.ok(await gradgradcheck(hypotenuse, [x, y]))
    const chain = (a: Tensor) => {
      let value = a
      for (let i = 0; i < 300; i++) value = swish(value)
      return value.sum()
    }
    const plain = await chain(x).item()
    assert.equal(await compile(chain)(x).item(), plain)
    const z = leaf([1, 2])
    doubled(z).sum().backward()
    assert.deepEqual(await z.grad!.toArray(), [7, 7])
  })

test('options are part of what a program is known by', async () => {
  const x = tensor([1])
  const values = [await swish(x, { beta: 1 }).item(), await swish(x, { beta: 3 }).item()]
  assert.notEqual(values[0], values[1])
})

test('what cannot be is refused in a sentence', () => {
  assert.throws(() => defineOp<[Tensor]>({ name: 'relu', forward: ([x]) => x }), /expected a new name, got 'relu'/)
  assert.throws(() => swish(tensor([1]), { beta: (() => 1) as unknown as number }), /plain values, got a function/)
  assert.throws(
    () => hypotenuse(tensor([1]), 3 as unknown as Tensor),
    /testHypotenuse: expected tensors and then options, got 3/,
  )
  const wrong = defineOp<[Tensor, Tensor]>({
    name: 'testWrong',
    forward: ([x, y]) => x.mul(y),
    backward: (grad) => grad,
  })
  const [x, y] = [leaf([1]), leaf([2])]
  assert.throws(() => wrong(x, y).sum().backward(), /expected backward to give 2 gradients, got 1/)
})
