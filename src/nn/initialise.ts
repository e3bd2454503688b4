// nn.init: fills tensors in place, outside of gradients. https://docs.pytorch.org/docs/stable/nn.init.html
import { ArgumentError, ShapeError } from '../base/errors.ts'
import { formatShape, type Shape } from '../base/shape.ts'
import { defaultGenerator, noGrad, rand, randn, type Tensor } from '../tensor/index.ts'
import { filled } from './fill.ts'

export * from './initialise-matrices.ts'

export type FanMode = 'fanIn' | 'fanOut'
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu'

export interface KaimingOptions {
  /** negative slope of the leaky ReLU that follows */
  readonly a?: number
  readonly mode?: FanMode
  readonly nonlinearity?: Nonlinearity
}

/** Values drawn evenly from [low, high). */
export function uniform_(target: Tensor, low = 0, high = 1): Tensor {
  // the same numbers either way: a model's first weights need not wait for a program that draws them
  const drawn =
    target.dtype === 'float32' ? defaultGenerator(target.session).drawUniform(target.numel(), low, high) : undefined
  if (drawn) return noGrad(() => target.copyFrom(drawn))
  return filled(target, () =>
    rand(target.shape, { dtype: target.dtype, device: target.device })
      .mul(high - low)
      .add(low),
  )
}

export const normal_ = (target: Tensor, mean = 0, std = 1): Tensor =>
  filled(target, () => randn(target.shape, { dtype: target.dtype, device: target.device }).mul(std).add(mean))

export const constant_ = (target: Tensor, value: number): Tensor => noGrad(() => target.fill_(value))
export const zeros_ = (target: Tensor): Tensor => constant_(target, 0)
export const ones_ = (target: Tensor): Tensor => constant_(target, 1)

/** Inputs and outputs of one unit of a weight `[out, in, …kernel]`. */
export function fansOf(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2)
    throw new ShapeError(`init: expected a weight with at least 2 dimensions to count fans, got ${formatShape(shape)}.`)
  const field = shape.slice(2).reduce((product, extent) => product * extent, 1)
  return { fanIn: shape[1] * field, fanOut: shape[0] * field }
}

const gains = {
  linear: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.SQRT2,
  leakyRelu: (slope: number) => Math.sqrt(2 / (1 + slope ** 2)),
  selu: () => 3 / 4,
} as const satisfies Record<Nonlinearity, (slope: number) => number>

/** Recommended gain of a nonlinearity; `slope` is that of `leakyRelu`. */
export function calculateGain(nonlinearity: Nonlinearity, slope = 0.01): number {
  if (!Object.hasOwn(gains, nonlinearity))
    throw new ArgumentError(
      `calculateGain: expected one of ${Object.keys(gains).join(', ')}, got '${String(nonlinearity)}'.`,
    )
  return gains[nonlinearity](slope)
}

function kaimingStd(shape: Shape, { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' }: KaimingOptions): number {
  const fan = fansOf(shape)[mode]
  return fan === 0 ? 0 : calculateGain(nonlinearity, a) / Math.sqrt(fan)
}

const xavierStd = (shape: Shape, gain: number): number => {
  const { fanIn, fanOut } = fansOf(shape)
  return gain * Math.sqrt(2 / (fanIn + fanOut))
}

/** He initialisation (https://arxiv.org/abs/1502.01852), uniform. */
export function kaimingUniform_(target: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd(target.shape, options)
  return uniform_(target, -bound, bound)
}

export const kaimingNormal_ = (target: Tensor, options: KaimingOptions = {}): Tensor =>
  normal_(target, 0, kaimingStd(target.shape, options))

/** Glorot initialisation (https://proceedings.mlr.press/v9/glorot10a.html), uniform. */
export function xavierUniform_(target: Tensor, gain = 1): Tensor {
  const bound = Math.sqrt(3) * xavierStd(target.shape, gain)
  return uniform_(target, -bound, bound)
}

export const xavierNormal_ = (target: Tensor, gain = 1): Tensor => normal_(target, 0, xavierStd(target.shape, gain))

/** PyTorch's default for weights and biases of linear and convolution layers: U(-1/sqrt(fanIn), 1/sqrt(fanIn)). */
export function fanInUniform_(target: Tensor, fanIn: number): Tensor {
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0
  return uniform_(target, -bound, bound)
}
