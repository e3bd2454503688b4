// The work in one training step and in one forward pass of each case, for its floor: multiply-adds of every product, and bytes of parameters and optimizer state.
import { recordOf, type TrainingName } from '../test/models/training-cases.ts'

/** `rows` vectors of `inputs` numbers, each turned into `outputs` numbers by the same matrix. */
interface LinearMap {
  readonly rows: number
  readonly inputs: number
  readonly outputs: number
}

const map = (rows: number, inputs: number, outputs: number): LinearMap => ({ rows, inputs, outputs })
const convolution = (batch: number, side: number, kernel: number, inputs: number, outputs: number): LinearMap =>
  map(batch * side * side, kernel * kernel * inputs, outputs)

const tokens = 12 * 64
const charGptBlock = [map(tokens, 128, 384), map(tokens, 128, 128), map(tokens, 128, 512), map(tokens, 512, 128)]
const lstmSteps = 32 * 50
const residual = (side: number, inputs: number, outputs: number) => [
  convolution(32, side, 3, inputs, outputs),
  ...Array.from({ length: 3 }, () => convolution(32, side, 3, outputs, outputs)),
  ...(inputs === outputs ? [] : [convolution(32, side, 1, inputs, outputs)]),
]

/** In forward order: the first needs no gradient of its input, unless the input is learnt too. */
const mapsOf: Readonly<Record<TrainingName, readonly LinearMap[]>> = {
  'mlp-784-128-10-b64-sgd': [map(64, 784, 128), map(64, 128, 10)],
  'mlp-784-512-512-10-b128-adam': [map(128, 784, 512), map(128, 512, 512), map(128, 512, 10)],
  'cnn-28-b64-adam': [
    convolution(64, 28, 3, 1, 32),
    convolution(64, 14, 3, 32, 64),
    map(64, 3136, 128),
    map(64, 128, 10),
  ],
  // scores and mixtures of causal attention: half of each square of 64
  'chargpt-4x128-t64-b12-adamw': [
    map(0, 0, 0),
    ...Array.from({ length: 4 }, () => [...charGptBlock, map(tokens, 128, 64)]).flat(),
    map(tokens, 128, 65),
  ],
  'lstm-2x128-t50-b32-adam': [
    map(lstmSteps, 64, 512),
    map(lstmSteps, 128, 512),
    map(lstmSteps, 128, 512),
    map(lstmSteps, 128, 512),
    map(32, 128, 10),
  ],
  'resnet18-32-b32-sgdm': [
    convolution(32, 32, 3, 3, 64),
    ...residual(32, 64, 64),
    ...residual(16, 64, 128),
    ...residual(8, 128, 256),
    ...residual(4, 256, 512),
    map(32, 512, 10),
  ],
}

const multiplyAdds = ({ rows, inputs, outputs }: LinearMap): number => rows * inputs * outputs

/** Arrays as large as the parameters that a step reads or writes: the parameters, and the optimizer's moments. */
function stateArrays({ name, momentum = 0 }: { readonly name: string; readonly momentum?: number }): number {
  if (name !== 'SGD') return 3
  return momentum > 0 ? 2 : 1
}

interface WorkDone {
  readonly flops: number
  readonly bytes: number
}

const parameterCount = (name: TrainingName): number =>
  recordOf(name).parameters.reduce((sum, { shape }) => sum + shape.reduce((product, extent) => product * extent, 1), 0)

export function trainingWork(name: TrainingName): WorkDone {
  const [first, ...rest] = mapsOf[name]
  // forward, gradient of the weights, gradient of the input
  const products = 2 * multiplyAdds(first) + rest.reduce((sum, each) => sum + 3 * multiplyAdds(each), 0)
  return { flops: 2 * products, bytes: 2 * 4 * parameterCount(name) * stateArrays(recordOf(name).optimizer) }
}

/** A forward pass; parameters are read. */
export const inferenceWork = (name: TrainingName): WorkDone => ({
  flops: 2 * mapsOf[name].reduce((sum, each) => sum + multiplyAdds(each), 0),
  bytes: 4 * parameterCount(name),
})
