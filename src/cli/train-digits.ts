// Trains a network on the digits: an epoch's losses and accuracies come out, and at the end the trained model with its timings.
import { DataLoader, digits } from '../data/index.ts'
import * as nn from '../nn/index.ts'
import * as optim from '../optim/index.ts'
import { compile, manualSeed, noGrad, type Tensor } from '../tensor/index.ts'
import type { Recipe } from './models.ts'
import { ShiftedDigits } from './shifted-digits.ts'

const batchSize = 64

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

export interface Training {
  readonly model: nn.Module & ((x: Tensor) => Tensor)
  readonly testImages: Tensor
  readonly testAccuracy: number
  /** time of the first step beyond that of the others: tracing and compiling */
  readonly compileSeconds: number
  readonly millisecondsPerStep: number
}

export async function trainDigits(
  recipe: Recipe,
  epochs: number,
  seed: number,
  hooks: TrainingHooks,
): Promise<Training> {
  manualSeed(seed)
  const { train, test } = await digits()
  const loader = new DataLoader(await ShiftedDigits.of(train, seed), { batchSize, shuffle: true, seed, dropLast: true })
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

  const [testImages, testLabels] = test.tensors
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
    const correct = await Promise.all(counts.map((count) => count.item()))
    trainingMilliseconds += performance.now() - start
    testAccuracy = await accuracyOf(model, testImages, testLabels)
    const trainAccuracy = correct.reduce((sum, count) => sum + count, 0) / (loader.length * batchSize)
    hooks.onEpoch({ epoch, losses, trainAccuracy, testAccuracy, seconds: (performance.now() - start) / 1000 })
  }
  const steps = epochs * loader.length
  const millisecondsPerStep = (trainingMilliseconds - firstMilliseconds) / (steps - 1)
  const compileSeconds = Math.max(0, firstMilliseconds - millisecondsPerStep) / 1000
  return { model, testImages, testAccuracy, compileSeconds, millisecondsPerStep }
}

/** Share of images whose largest logit is at their label. */
async function accuracyOf(model: Training['model'], images: Tensor, labels: Tensor): Promise<number> {
  model.eval()
  const correct = noGrad(() => model(images).argmax(1).eq(labels).sum())
  return (await correct.item()) / labels.shape[0]
}
