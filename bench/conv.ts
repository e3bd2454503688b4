// Convolutions of the peers' list and of the ResNet-18 that the `train` suite steps: forward, gradient of the input, gradient of the weight.
import { grad, nn, randn } from '../src/index.ts'
import { overwriting } from './overwriting.ts'
import type { Case } from './suite.ts'

/** Batch, input channels, output channels, image side, kernel side, stride, groups. */
type Convolution = readonly [number, number, number, number, number, number, number]

const listed: readonly Convolution[] = [
  [16, 64, 64, 56, 3, 1, 1],
  [16, 64, 256, 56, 1, 1, 1],
  [1, 64, 64, 56, 3, 1, 1],
  [16, 128, 128, 28, 3, 1, 1],
  [16, 256, 256, 14, 3, 1, 1],
  [16, 512, 512, 7, 3, 1, 1],
  [1, 3, 64, 224, 7, 2, 1],
  [16, 96, 96, 56, 3, 1, 96],
]

const resnet18: readonly Convolution[] = [
  [32, 3, 64, 32, 3, 1, 1],
  [32, 64, 64, 32, 3, 1, 1],
  [32, 64, 128, 32, 3, 2, 1],
  [32, 64, 128, 32, 1, 2, 1],
  [32, 128, 128, 16, 3, 1, 1],
  [32, 128, 256, 16, 3, 2, 1],
  [32, 128, 256, 16, 1, 2, 1],
  [32, 256, 256, 8, 3, 1, 1],
  [32, 256, 512, 8, 3, 2, 1],
  [32, 256, 512, 8, 1, 2, 1],
  [32, 512, 512, 4, 3, 1, 1],
]

const modes = [
  { mode: 'forward', suffix: '' },
  { mode: 'input gradient', suffix: '-dx' },
  { mode: 'weight gradient', suffix: '-dw' },
]

function caseOf(convolution: Convolution, { mode, suffix }: (typeof modes)[number]): Case {
  const [batch, inputs, outputs, side, kernel, stride, groups] = convolution
  const padding = kernel >> 1
  const outSide = Math.floor((side + 2 * padding - kernel) / stride) + 1
  const [xShape, wShape] = [
    [batch, inputs, side, side],
    [outputs, inputs / groups, kernel, kernel],
  ]
  const yShape = [batch, outputs, outSide, outSide]
  const count = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1)
  return {
    name: `conv-b${batch}-${inputs}-${outputs}-${side}-k${kernel}-s${stride}-g${groups}${suffix}`,
    group: `conv ${mode}`,
    work: { x: xShape, weight: wShape, y: yShape, stride, padding, groups, mode },
    flops: 2 * count(yShape) * (inputs / groups) * kernel * kernel,
    bytes: 4 * (count(xShape) + count(wShape) + count(yShape)),
    ours: () => {
      const [x, weight, dy] = [xShape, wShape, yShape].map((shape) => randn(shape).realize())
      const wanted = mode === 'input gradient' ? x : weight
      if (mode !== 'forward') wanted.requiresGrad_()
      return overwriting(() => {
        const y = nn.functional.conv2d(x, weight, undefined, { stride, padding, groups })
        return mode === 'forward' ? [y] : grad(y, wanted, { gradOutputs: [dy] })
      })
    },
  }
}

export const conv = (): Case[] =>
  modes.flatMap((mode) => [...listed, ...resnet18].map((convolution) => caseOf(convolution, mode)))
