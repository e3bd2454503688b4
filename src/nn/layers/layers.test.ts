// Layers that fixtures cannot show: dropout while training, containers of parameters, printing, and what is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualSeed, nn, ones, optim, type Tensor, tensor, zeros } from '../../index.ts'

test('dropout of elements and of whole channels while training, nothing in evaluation', async () => {
  manualSeed(0)
  const x = ones([8, 16, 5, 5])
  for (const [layer, drawsChannels] of [
    [new nn.Dropout(0.25), false],
    [new nn.Dropout2d(0.25), true],
  ] as const) {
    const values = Array.from((await layer(x).data()) as Float32Array)
    assert.ok(values.every((value) => value === 0 || Math.abs(value - 4 / 3) < 1e-6))
    const channels = Array.from({ length: 128 }, (_, c) => new Set(values.slice(c * 25, (c + 1) * 25)).size)
    assert.equal(
      channels.every((kinds) => kinds === 1),
      drawsChannels,
    )
    const kept = values.filter((value) => value !== 0).length / values.length
    assert.ok(Math.abs(kept - 0.75) < 0.15, String(kept))
    assert.equal(layer.eval()(x), x)
  }
})

test('alpha dropout keeps mean and deviation', async () => {
  manualSeed(1)
  const x = nn.init.normal_(zeros([40_000]))
  const y = new nn.AlphaDropout(0.3)(x)
  assert.ok(Math.abs(await y.mean().item()) < 0.03)
  assert.ok(Math.abs((await y.std().item()) - 1) < 0.03)
})

test('parameters in lists and dictionaries are found, named and trained', async () => {
  class Mixture extends nn.Module {
    scales = new nn.ParameterList([ones([2]), ones([2])])
    shifts = new nn.ParameterDict({ left: zeros([2]) })
    forward(x: Tensor): Tensor {
      return x.mul(this.scales.at(0)!).mul(this.scales.at(-1)!).add(this.shifts.get('left')!)
    }
  }
  const model = new Mixture()
  assert.deepEqual([...model.stateDict().keys()], ['scales.0', 'scales.1', 'shifts.left'])
  model(tensor([1, 2]))
    .sum()
    .backward()
  await new optim.SGD(model.parameters(), { lr: 1 }).step()
  assert.deepEqual(await model.shifts.get('left')!.toArray(), [-1, -1])
  assert.throws(() => (model.scales as unknown as () => void)(), /expected a call of one of its entries/)
})

test('layers print as PyTorch prints them, in camelCase', () => {
  for (const [layer, text] of [
    [new nn.Conv1d(2, 4, 3, { padding: 1 }), 'Conv1d(2, 4, kernelSize=[3], stride=1, padding=1)'],
    [new nn.MaxPool3d(2), 'MaxPool3d(kernelSize=2, stride=2)'],
    [new nn.GroupNorm(2, 4), 'GroupNorm(2, 4, eps=0.00001, affine=true)'],
    [new nn.ELU(), 'ELU(alpha=1)'],
    [new nn.Dropout(0.3), 'Dropout(p=0.3)'],
    [new nn.Upsample({ scaleFactor: 2 }), 'Upsample(mode=nearest, scaleFactor=2)'],
    [new nn.Bilinear(1, 2, 3), 'Bilinear(in1Features=1, in2Features=2, outFeatures=3, bias=true)'],
  ] as const)
    assert.equal(String(layer), text)
})

test('what makes no sense is refused in a sentence', () => {
  assert.throws(() => new nn.Dropout2d(1.5), /Dropout2d: expected a probability from 0 to 1, got 1.5/)
  assert.throws(() => new nn.GroupNorm(3, 4), /divides the 4 channels, got 3/)
  assert.throws(() => new nn.Conv3d(3, 4, 1, { groups: 2 }), /Conv3d: expected channels that 2 groups divide/)
  assert.throws(() => new nn.InstanceNorm1d(3)(ones([2, 4, 5])), /InstanceNorm1d: expected x of 3 dimensions/)
  assert.throws(() => new nn.TransformerEncoderLayer(8, 2, { activation: 'swish' as 'relu' }), /'relu', 'gelu'/)
})
