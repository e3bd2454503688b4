// The code of docs/tutorial.md, in its order. Run it with `npm run build && node dist/examples/tutorial.js`.
import { DataLoader, digits } from '../src/data/index.ts'
import { load, save } from '../src/formats/safetensors/index.ts'
import { compile, defineOp, device, manualSeed, nn, noGrad, optim, rand, type Tensor, tensor } from '../src/index.ts'

const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
])
console.log(x.shape, x.dtype, x.device)
const y = x.mul(2).sum(1)
console.log(await y.toArray())

const w = tensor([3, -1], { requiresGrad: true })
const loss = w.square().sum()
loss.backward()
console.log(await w.grad!.toArray())

manualSeed(0)
const { train, test } = await digits()
const loader = new DataLoader(train, { batchSize: 64, shuffle: true })

class Net extends nn.Module {
  conv = new nn.Conv2d(1, 32, 3, { padding: 1 })
  pool = new nn.MaxPool2d(2)
  head = new nn.Linear(32 * 4 * 4, 10)

  forward(images: Tensor): Tensor {
    return this.head(this.pool(this.conv(images).relu()).flatten(1))
  }
}
const model = new Net()
console.log(model.summary([64, 1, 8, 8]))

const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 })
const step = compile((images: Tensor, labels: Tensor) => {
  const loss = nn.functional.crossEntropy(model(images), labels)
  optimizer.zeroGrad()
  loss.backward()
  optimizer.step()
  return loss
})
for (let epoch = 1; epoch <= 10; epoch++) {
  let total = 0
  for await (const [images, labels] of loader) total += await step(images, labels).item()
  console.log(`epoch ${epoch}: loss ${(total / loader.length).toFixed(3)}`)
}

async function accuracy(model: nn.Module & ((images: Tensor) => Tensor)): Promise<number> {
  const [images, labels] = test.tensors
  model.eval()
  const correct = noGrad(() => model(images).argmax(1).eq(labels).sum())
  return (await correct.item()) / test.length
}
console.log(`test accuracy ${(await accuracy(model)).toFixed(3)}`)

await save(model.stateDict(), 'net.safetensors')
const again = new Net()
again.loadStateDict(await load('net.safetensors'))
console.log(`reloaded: ${(await accuracy(again)).toFixed(3)}`)

/** Scales each feature by a learned factor, on top of what went in. */
class Gate extends nn.Module {
  weight: Tensor

  constructor(features: number) {
    super()
    this.weight = nn.parameter(rand([features]))
  }

  forward(x: Tensor): Tensor {
    return x.add(x.mul(this.weight))
  }
}
const gated = new nn.Sequential(new nn.Linear(4, 8), new Gate(8), new nn.Linear(8, 2))
console.log([...gated.stateDict().keys()])

const softClip = defineOp<[Tensor], { limit: number }>({
  name: 'softClip',
  forward: ([x], { limit = 1 }) => x.div(limit).tanh().mul(limit),
  backward: (grad, { output, options: { limit = 1 } }) => grad.mul(output.div(limit).square().neg().add(1)),
})
const z = tensor([-5, 0.1, 5], { requiresGrad: true })
const clipped = softClip(z, { limit: 2 })
clipped.sum().backward()
console.log(await clipped.toArray(), await z.grad!.toArray())

console.log(device())
