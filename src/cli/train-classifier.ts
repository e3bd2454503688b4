// Trains a network on labelled images: an epoch's losses and accuracies come out, and at the end the trained model with its timings.
import { DataLoader } from '../data/index.ts'
import * as nn from '../nn/index.ts'
import * as optim from '../optim/index.ts'
import { compile, manualSeed, noGrad, type Tensor } from '../tensor/index.ts'
import type { Splits } from './datasets.ts'
import type { Recipe } from './models.ts'

const batchSize = 64
const testBatchSize = 500

export interface EpochReport {
  readonly epoch: number
  /** of each step */
  readonly losses: readonly number[]
  readonly trainAccuracy: number
  readonly testAccuracy: number
  readonly seconds: number
}

export interface TrainingHooks {
  onStep(epoch: number, step: number, steps: number): void
  onEpoch(report: EpochReport): void
}

type Classifier = ReturnType<Recipe['create']>

export interface Training {
  readonly model: Classifier
  readonly testAccuracy: number
  /** time of the first step beyond that of the others: tracing and compiling */
  readonly compileSeconds: number
  readonly millisecondsPerStep: number
}

export interface TrainingOptions {
  readonly epochs: number
  readonly seed: number
}

/** Trains `recipe`'s model from its first weights to its last epoch. */
export async function trainClassifier(
  recipe: Recipe,
  { train, test }: Splits,
  { epochs, seed }: TrainingOptions,
  hooks: TrainingHooks,
): Promise<Training> {
  manualSeed(seed)
  const loader = new DataLoader(train, { batchSize, shuffle: true, seed, dropLast: true })
  const model = recipe.create()
  const optimizer = new optim.AdamW(model.parameters(), { lr: recipe.lr, weightDecay: recipe.weightDecay })
  const schedule = new optim.CosineAnnealingLR(optimizer, epochs * loader.length)
  const step = compile((images: Tensor, labels: Tensor) => {
    const logits = model(images)
    const loss = nn.functional.crossEntropy(logits, labels)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return [loss, logits.argmax(1).eq(labels).sum()]
  })

  let testAccuracy = 0
  let trainingMilliseconds = 0
  let firstMilliseconds = 0
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const start = performance.now()
    const losses: number[] = []
    const counts: Tensor[] = []
    model.train()
    for await (const [images, labels] of loader) {
      const stepStart = performance.now()
      const [loss, count] = step(images, labels)
      schedule.step()
      losses.push(await loss.item())
      counts.push(count)
      firstMilliseconds ||= performance.now() - stepStart
      hooks.onStep(epoch, losses.length, loader.length)
    }
    const trainAccuracy = (await sumOf(counts)) / (loader.length * batchSize)
    trainingMilliseconds += performance.now() - start
    testAccuracy = await accuracyOf(model, test)
    hooks.onEpoch({ epoch, losses, trainAccuracy, testAccuracy, seconds: (performance.now() - start) / 1000 })
  }
  const steps = epochs * loader.length
  const millisecondsPerStep = (trainingMilliseconds - firstMilliseconds) / (steps - 1)
  const compileSeconds = Math.max(0, firstMilliseconds - millisecondsPerStep) / 1000
  return { model, testAccuracy, compileSeconds, millisecondsPerStep }
}

const sumOf = async (counts: readonly Tensor[]): Promise<number> =>
  (await Promise.all(counts.map((count) => count.item()))).reduce((sum, count) => sum + count, 0)

/** Batches in the order of the data set, as a test reads them. */
export const testBatches = (test: Splits['test']) => new DataLoader(test, { batchSize: testBatchSize })

/** Share of images whose largest logit is at their label. */
async function accuracyOf(model: Classifier, test: Splits['test']): Promise<number> {
  model.eval()
  const counts: Tensor[] = []
  for await (const [images, labels] of testBatches(test))
    counts.push(noGrad(() => model(images).argmax(1).eq(labels).sum()))
  return (await sumOf(counts)) / test.length
}
