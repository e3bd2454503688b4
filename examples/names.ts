// A character model of first names after Bengio et al. 2003: three letters in, the next one out; then it makes up names of its own.
// Run: npm run build && node dist/examples/names.js [steps]
// Reached with seed 42: validation loss 2.13 after 20,000 steps.
import { DataLoader, names, TensorDataset } from '../src/data/index.ts'
import { compile, manualSeed, nn, noGrad, optim, type Tensor, tensor } from '../src/index.ts'

const steps = Number(process.argv[2] ?? 20_000)
const [context, letters] = [3, '.abcdefghijklmnopqrstuvwxyz']

class NameModel extends nn.Module {
  letters = new nn.Embedding(letters.length, 10)
  layers = new nn.Sequential(
    new nn.Flatten(),
    new nn.Linear(context * 10, 200, { bias: false }),
    new nn.BatchNorm1d(200),
    new nn.Tanh(),
    new nn.Linear(200, letters.length),
  )

  /** Codes of the last letters [batch, context] to logits of the next [batch, 27]. */
  forward(codes: Tensor): Tensor {
    return this.layers(this.letters(codes))
  }
}

/** Every place in every name: the letters before it, with dots where there are none, and the letter there. */
function examplesOf(list: readonly string[]): TensorDataset<[Tensor, Tensor]> {
  const before: number[][] = []
  const target: bigint[] = []
  for (const name of list) {
    let window = Array<number>(context).fill(0)
    for (const letter of `${name}.`) {
      const code = letters.indexOf(letter)
      before.push(window)
      target.push(BigInt(code))
      window = [...window.slice(1), code]
    }
  }
  return new TensorDataset(tensor(before).to('int32'), tensor(target))
}

manualSeed(42)
const list = (await names()).trim().split('\n')
// every tenth name is kept for validation
const train = examplesOf(list.filter((_, i) => i % 10 !== 0))
const test = examplesOf(list.filter((_, i) => i % 10 === 0))

const model = new NameModel()
const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 })
const schedule = new optim.CosineAnnealingLR(optimizer, steps)
const step = compile((codes: Tensor, next: Tensor) => {
  const loss = nn.functional.crossEntropy(model(codes), next)
  optimizer.zeroGrad()
  loss.backward()
  optimizer.step()
  return loss
})
const loader = new DataLoader(train, { batchSize: 256, shuffle: true, seed: 42, dropLast: true })
for (let done = 0; done < steps; )
  for await (const [codes, next] of loader) {
    const loss = step(codes, next)
    schedule.step()
    if (++done % 2000 === 0 || done === steps)
      console.log(`step ${done}/${steps}  loss ${(await loss.item()).toFixed(4)}`)
    if (done === steps) break
  }

model.eval()
const loss = noGrad(() => nn.functional.crossEntropy(model(test.tensors[0]), test.tensors[1]))
console.log(`validation loss ${(await loss.item()).toFixed(4)}`)

const draw = compile((codes: Tensor) => noGrad(() => model(codes).softmax(-1).multinomial(1)))
for (let i = 0; i < 10; i++) {
  const codes = Array<number>(context).fill(0)
  do codes.push(await draw(tensor([codes.slice(-context)]).to('int32')).item())
  while (codes.at(-1) !== 0 && codes.length < 20)
  console.log(
    codes
      .slice(context)
      .reduce((name, code) => name + letters[code], '')
      .replace('.', ''),
  )
}
