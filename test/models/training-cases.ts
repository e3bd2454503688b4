// The peer's training cases in Tensorloom: a name of losses.json in; the model with the peer's weights, the batch, the optimizer out.
// The training tests and the `train` benchmark build from this one table, so that what is timed is what was checked.
import { readFileSync } from 'node:fs'
import { arange, compile, fromHost, nn, optim, type Tensor } from '../../src/index.ts'
import { peerFill, type StepCase } from './peer-weights.ts'

class Block extends nn.Module {
  readonly heads: number
  norm1: nn.LayerNorm
  norm2: nn.LayerNorm
  qkv: nn.Linear
  project: nn.Linear
  up: nn.Linear
  down: nn.Linear

  constructor(width: number, heads: number) {
    super()
    this.heads = heads
    this.norm1 = new nn.LayerNorm(width)
    this.norm2 = new nn.LayerNorm(width)
    this.qkv = new nn.Linear(width, 3 * width)
    this.project = new nn.Linear(width, width)
    this.up = new nn.Linear(width, 4 * width)
    this.down = new nn.Linear(4 * width, width)
  }

  forward(x: Tensor): Tensor {
    const [batch, length, width] = x.shape
    const split = [batch, length, this.heads, width / this.heads]
    const [q, k, v] = this.qkv(this.norm1(x))
      .split(width, 2)
      .map((part) => part.reshape(split).transpose(1, 2))
    const attended = nn.functional.scaledDotProductAttention(q, k, v, { isCausal: true })
    const mixed = x.add(this.project(attended.transpose(1, 2).reshape([batch, length, width])))
    return mixed.add(this.down(nn.functional.gelu(this.up(this.norm2(mixed)))))
  }
}

class CharGPT extends nn.Module {
  token = new nn.Embedding(65, 128)
  position = new nn.Embedding(64, 128)
  blocks = new nn.Sequential(...[0, 1, 2, 3].map(() => new Block(128, 4)))
  norm = new nn.LayerNorm(128)
  head = new nn.Linear(128, 65, { bias: false })

  forward(ids: Tensor): Tensor {
    const x = this.token(ids).add(this.position(arange(ids.shape[1])))
    return this.head(this.norm(this.blocks(x))).flatten(0, 1)
  }
}

class LastStep extends nn.Module {
  lstm = new nn.LSTM(64, 128, 2, { batchFirst: true })
  head = new nn.Linear(128, 10)

  forward(x: Tensor): Tensor {
    return this.head(this.lstm(x)[0].select(1, -1))
  }
}

class BasicBlock extends nn.Module {
  conv1: nn.Conv2d
  bn1: nn.BatchNorm2d
  conv2: nn.Conv2d
  bn2: nn.BatchNorm2d
  downsample: nn.Sequential

  constructor(inputs: number, outputs: number, stride: number) {
    super()
    this.conv1 = new nn.Conv2d(inputs, outputs, 3, { stride, padding: 1, bias: false })
    this.bn1 = new nn.BatchNorm2d(outputs)
    this.conv2 = new nn.Conv2d(outputs, outputs, 3, { padding: 1, bias: false })
    this.bn2 = new nn.BatchNorm2d(outputs)
    const isSame = stride === 1 && inputs === outputs
    const shortcut = () => [new nn.Conv2d(inputs, outputs, 1, { stride, bias: false }), new nn.BatchNorm2d(outputs)]
    this.downsample = new nn.Sequential(...(isSame ? [] : shortcut()))
  }

  forward(x: Tensor): Tensor {
    const inner = this.bn2(this.conv2(this.bn1(this.conv1(x)).relu()))
    return inner.add(this.downsample(x)).relu()
  }
}

const stages = [
  [64, 64, 1],
  [64, 128, 2],
  [128, 256, 2],
  [256, 512, 2],
] as const

function resnet18(): nn.Sequential {
  const blocks = stages.flatMap(([inputs, outputs, stride]) => [
    new BasicBlock(inputs, outputs, stride),
    new BasicBlock(outputs, outputs, 1),
  ])
  return new nn.Sequential(
    new nn.Conv2d(3, 64, 3, { padding: 1, bias: false }),
    new nn.BatchNorm2d(64),
    new nn.ReLU(),
    ...blocks,
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(512, 10),
  )
}

const cnn = () =>
  new nn.Sequential(
    new nn.Conv2d(1, 32, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(32, 64, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(3136, 128),
    new nn.ReLU(),
    new nn.Linear(128, 10),
  )

/** Layers of the given widths with ReLU between them. */
const mlp = (...widths: readonly number[]) => {
  const layers = widths.slice(1).flatMap((width, i) => [new nn.ReLU(), new nn.Linear(widths[i], width)])
  return new nn.Sequential(...layers.slice(1))
}

export const trainingNames = [
  'mlp-784-128-10-b64-sgd',
  'mlp-784-512-512-10-b128-adam',
  'cnn-28-b64-adam',
  'chargpt-4x128-t64-b12-adamw',
  'lstm-2x128-t50-b32-adam',
  'resnet18-32-b32-sgdm',
] as const
export type TrainingName = (typeof trainingNames)[number]

export type Classifier = nn.Module & ((x: Tensor) => Tensor)

const builders: Readonly<Record<TrainingName, () => Classifier>> = {
  'mlp-784-128-10-b64-sgd': () => mlp(784, 128, 10),
  'mlp-784-512-512-10-b128-adam': () => mlp(784, 512, 512, 10),
  'cnn-28-b64-adam': cnn,
  'chargpt-4x128-t64-b12-adamw': () => new CharGPT(),
  'lstm-2x128-t50-b32-adam': () => new LastStep(),
  'resnet18-32-b32-sgdm': resnet18,
}

// npm runs scripts from the package root.
const document = JSON.parse(readFileSync('test/fixtures/steps/losses.json', 'utf8')) as {
  readonly cases: Readonly<Record<TrainingName, StepCase>>
}

/** What PyTorch recorded for a case. */
export const recordOf = (name: TrainingName): StepCase => document.cases[name]

export interface Training {
  readonly model: Classifier
  readonly optimizer: optim.SGD | optim.Adam
  readonly x: Tensor
  readonly y: Tensor
  /** Loss and gradients; `optimizer.step()` then completes a step. */
  readonly learn: (x: Tensor, y: Tensor) => Tensor
}

/** A case as the peer starts it. */
export function prepareTraining(name: TrainingName): Training {
  const { parameters, input, target, optimizer: recipe } = recordOf(name)
  const model = builders[name]()
  const weights = parameters.map((spec) => [spec.name, fromHost(peerFill(spec), spec.shape)] as const)
  // running statistics keep their defaults, and are not in the record
  model.loadStateDict(new Map(weights), { strict: false })
  const { name: kind, ...options } = recipe
  const optimizer = new optim[kind](model.parameters(), options)
  const learn = (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad()
    const loss = nn.functional.crossEntropy(model(x), y)
    loss.backward()
    return loss
  }
  const x = fromHost(peerFill(input), input.shape)
  const y = fromHost(peerFill(target), target.shape)
  return { model, optimizer, x, y, learn }
}

/** The step as one program. */
export const compileTraining = ({ optimizer, learn }: Training) =>
  compile((x: Tensor, y: Tensor): Tensor => {
    const loss = learn(x, y)
    void optimizer.step()
    return loss
  })

/** A step of everyone's loop, or the same as one program. */
export function stepOf(training: Training, compiled: boolean): () => Promise<Tensor> {
  const { x, y, learn, optimizer } = training
  if (compiled) {
    const step = compileTraining(training)
    return async () => step(x, y)
  }
  return async () => {
    const loss = learn(x, y)
    await optimizer.step()
    return loss
  }
}

/** The first `count` losses. */
export async function lossesOf(step: () => Promise<Tensor>, count: number): Promise<number[]> {
  const losses: number[] = []
  for (let i = 0; i < count; i++) losses.push(await (await step()).item())
  return losses
}

/** The largest relative difference from PyTorch's losses, over the steps in which PyTorch agrees with itself. */
export function worstDeviation(name: TrainingName, losses: readonly number[]): number {
  const { losses: expected, comparableSteps } = recordOf(name)
  const deviations = losses.slice(0, comparableSteps).map((loss, i) => Math.abs(loss - expected[i]) / expected[i])
  // a NaN must not pass as small
  return deviations.reduce((worst, deviation) => (deviation <= worst ? worst : deviation), 0)
}
