// Mixed precision: which dtypes come out of what, that parameters stay as they are, and that training still works.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { autocast, compile, manualSeed, nn, optim, randn, type Tensor, tensor } from '../index.ts'

test('products are narrow, sensitive functions wide, the rest as it comes', () => {
  const [a, b] = [randn([2, 3]), randn([3, 2])]
  const wide = a.to('float64')
  autocast(() => {
    assert.equal(a.matmul(b).dtype, 'bfloat16')
    assert.equal(a.mm(b).relu().dtype, 'bfloat16')
    assert.equal(nn.functional.linear(a, b.transpose(0, 1)).dtype, 'bfloat16')
    assert.equal(nn.functional.layerNorm(a.matmul(b), [2]).dtype, 'float32')
    assert.equal(nn.functional.mseLoss(a.matmul(b), randn([2, 2])).dtype, 'float32')
    assert.equal(a.add(a).dtype, 'float32')
    assert.equal(wide.matmul(b.to('float64')).dtype, 'float64')
    assert.equal(autocast(() => a.matmul(b), { enabled: false }).dtype, 'float32')
    assert.equal(autocast(() => a.matmul(b), { dtype: 'float16' }).dtype, 'float16')
  })
  assert.equal(a.matmul(b).dtype, 'float32')
})

test('it rounds operands as bfloat16 does', async () => {
  const a = tensor([[1 + 2 ** -8, 3]])
  const product = autocast(() => a.matmul(tensor([[1], [0]])))
  assert.equal(await product.item(), 1)
})

test('parameters and their gradients keep float32, plain and compiled', async () => {
  const run = async (wrap: (step: (x: Tensor, y: Tensor) => Tensor) => (x: Tensor, y: Tensor) => Tensor) => {
    manualSeed(0)
    const model = new nn.Sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.LayerNorm(16), new nn.Linear(16, 3))
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.5 })
    const step = wrap((x, y) => {
      optimizer.zeroGrad()
      const loss = autocast(() => nn.functional.crossEntropy(model(x), y))
      loss.backward()
      optimizer.step()
      return loss
    })
    const [x, y] = [randn([12, 4]), tensor(Array.from({ length: 12 }, (_, i) => BigInt(i % 3)))]
    const losses: number[] = []
    for (let i = 0; i < 40; i++) losses.push(await step(x, y).item())
    assert.ok(model.parameters().every(({ dtype, grad }) => dtype === 'float32' && grad?.dtype === 'float32'))
    return losses
  }
  const [plain, compiled] = [await run((step) => step), await run((step) => compile(step))]
  assert.deepEqual(compiled, plain)
  assert.ok(plain.at(-1)! < 0.5 * plain[0], `${plain[0]} to ${plain.at(-1)}`)
})

test('a compiled function is traced anew inside autocast', () => {
  const product = compile((a: Tensor) => a.matmul(a))
  const a = randn([2, 2])
  assert.equal(product(a).dtype, 'float32')
  assert.equal(autocast(() => product(a)).dtype, 'bfloat16')
  assert.equal(product(a).dtype, 'float32')
})

test('what it cannot do is refused in a sentence', () => {
  assert.throws(() => autocast(async () => 1), /autocast: expected a synchronous function/)
  assert.throws(() => autocast(() => 1, { dtype: 'int8' as 'bfloat16' }), /'bfloat16' or 'float16', got 'int8'/)
})
