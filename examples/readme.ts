// The code of the README: a small network learns handwritten digits. Run it with `npm run build && node dist/examples/readme.js`.
import { DataLoader, digits } from '../src/data/index.ts'
import { compile, manualSeed, nn, noGrad, optim, type Tensor } from '../src/index.ts'

manualSeed(0)
const { train, test } = await digits()
const features = [new nn.Conv2d(1, 32, 3, { padding: 1 }), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Flatten()]
const model = new nn.Sequential(...features, new nn.Linear(32 * 4 * 4, 10))
const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 })
const step = compile((images: Tensor, labels: Tensor) => {
  const loss = nn.functional.crossEntropy(model(images), labels)
  optimizer.zeroGrad()
  loss.backward()
  optimizer.step()
  return loss
})
for (let epoch = 1; epoch <= 15; epoch++)
  for await (const [images, labels] of new DataLoader(train, { batchSize: 64, shuffle: true }))
    await step(images, labels).item()

const [images, labels] = test.tensors
const correct = noGrad(() => model(images).argmax(1).eq(labels).sum())
console.log(`test accuracy ${((await correct.item()) / test.length).toFixed(3)}`)
