// Batch normalisation (Ioffe and Szegedy 2015): statistics of each channel over the batch and all positions.
// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html
import { bytesOf } from '../../base/dtype.ts'
import { ShapeError } from '../../base/errors.ts'
import { formatShape, sizeOf } from '../../base/shape.ts'
import { add, cast, mul, reshape, rsqrt, sub } from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { type Affine, alignedToChannels } from './layer-norm.ts'
import { moments, standardize } from './standardize.ts'

export interface BatchNormTraining {
  readonly output: Node
  /** [channels] */
  readonly mean: Node
  /** [channels]; over the count, as the output uses it. Running statistics take it times count / (count - 1). */
  readonly variance: Node
  /** elements per channel */
  readonly count: number
}

function expectChannels(x: Node): void {
  expectCategory('batchNorm', x.dtype, ['float'])
  if (x.shape.length < 2)
    throw new ShapeError(
      `batchNorm: expected [batch, channels, ...], got ${formatShape(x.shape)}. Add the batch axis: x.unsqueeze(0).`,
      { op: 'batchNorm', shape: x.shape },
    )
}

/** Normalises by the batch's own statistics, which it gives too: the same nodes, so that they are computed once. */
export function batchNormTraining(x: Node, { weight, bias }: Affine = {}, eps = 1e-5): BatchNormTraining {
  expectChannels(x)
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1)
  const count = sizeOf(axes.map((axis) => x.shape[axis]))
  if (count === 1)
    throw new ShapeError(
      `batchNorm: expected more than one value per channel when training, got ${formatShape(x.shape)}. ` +
        'Use a larger batch, or model.eval().',
      { op: 'batchNorm', shape: x.shape },
    )
  // statistics of 2-byte floats are taken in float32
  const wide = bytesOf(x.dtype) === 2 ? cast(x, 'float32') : x
  const aligned = (parameter: Node): Node => alignedToChannels('batchNorm', cast(parameter, wide.dtype), x.shape)
  const normal = standardize(weight === undefined ? [wide] : [wide, aligned(weight)], { axes, eps })
  const { mean, variance } = moments(wide, axes)
  return {
    output: cast(bias === undefined ? normal : add(normal, aligned(bias)), x.dtype),
    mean: reshape(mean, [x.shape[1]]),
    variance: reshape(variance, [x.shape[1]]),
    count,
  }
}

/** Normalises by given statistics: one multiply and one add per element. */
export function batchNormInference(x: Node, mean: Node, variance: Node, affine: Affine = {}, eps = 1e-5): Node {
  expectChannels(x)
  const { weight, bias } = affine
  const slope = rsqrt(add(variance, eps))
  const scale = weight === undefined ? slope : mul(slope, weight)
  const shift = bias === undefined ? mul(mul(mean, scale), -1) : sub(bias, mul(mean, scale))
  const aligned = (parameter: Node): Node => alignedToChannels('batchNorm', parameter, x.shape)
  return add(mul(x, aligned(scale)), aligned(shift))
}
