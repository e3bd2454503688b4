// Tabular classification: the species of a penguin from its island, sex and four measures. Numbers are standardised, words one-hot.
// Run: npm run build && node dist/examples/penguins.js [epochs]
// Reached with seed 0: test accuracy 1.00 (84 penguins) after 60 epochs.
import { DataLoader, penguins, TensorDataset } from '../src/data/index.ts'
import { compile, manualSeed, nn, noGrad, optim, type Tensor, tensor } from '../src/index.ts'

const epochs = Number(process.argv[2] ?? 60)
const measures = ['bill_length_mm', 'bill_depth_mm', 'flipper_length_mm', 'body_mass_g']
const words = ['island', 'sex']

type Row = Readonly<Record<string, string>>
const [header, ...lines] = (await penguins())
  .trim()
  .split('\n')
  .map((line) => line.split(','))
const all: Row[] = lines.map((cells) => Object.fromEntries(header.map((name, i) => [name, cells[i]])))
const rows = all.filter((row) => [...measures, ...words].every((name) => row[name] !== 'NA'))
const categoriesOf = (name: string): string[] => [...new Set(rows.map((row) => row[name]))].sort()
const species = categoriesOf('species')

// every fourth row is a test row; means and deviations are those of the training rows
const isTest = (_: unknown, i: number): boolean => i % 4 === 0
const trainRows = rows.filter((row, i) => !isTest(row, i))
const scales = measures.map((name) => {
  const values = trainRows.map((row) => Number(row[name]))
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
  return { name, mean, deviation }
})
const featuresOf = (row: Row): number[] => [
  ...scales.map(({ name, mean, deviation }) => (Number(row[name]) - mean) / deviation),
  ...words.flatMap((name) => categoriesOf(name).map((category) => Number(row[name] === category))),
]
const datasetOf = (part: readonly Row[]) =>
  new TensorDataset(tensor(part.map(featuresOf)), tensor(part.map((row) => BigInt(species.indexOf(row.species)))))
const [train, test] = [datasetOf(trainRows), datasetOf(rows.filter(isTest))]

manualSeed(0)
const inputs = train.tensors[0].shape[1]
const model = new nn.Sequential(
  new nn.Linear(inputs, 32),
  new nn.ReLU(),
  new nn.Dropout(0.2),
  new nn.Linear(32, species.length),
)
const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2, weightDecay: 1e-3 })
const step = compile((x: Tensor, y: Tensor) => {
  const loss = nn.functional.crossEntropy(model(x), y)
  optimizer.zeroGrad()
  loss.backward()
  optimizer.step()
  return loss
})
const loader = new DataLoader(train, { batchSize: 32, shuffle: true, dropLast: true })
for (let epoch = 1; epoch <= epochs; epoch++) {
  let total = 0
  for await (const [x, y] of loader) total += await step(x, y).item()
  if (epoch % 10 === 0) console.log(`epoch ${epoch}/${epochs}  loss ${(total / loader.length).toFixed(4)}`)
}

model.eval()
const [x, y] = test.tensors
const predicted = noGrad(() => model(x).argmax(1))
const accuracy = await predicted.eq(y).to('float32').mean().item()
console.log(`test accuracy ${accuracy.toFixed(4)} on ${test.length} penguins`)
