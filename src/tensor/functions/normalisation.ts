// Normalisation of each sample by itself: per channel, by the root mean square, or by neighbouring channels; and the bilinear form.
// https://docs.pytorch.org/docs/stable/nn.functional.html#normalization-functions
import { ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import { detach } from '../../graph/composites/basics.ts'
import { batchNormInference } from '../../graph/composites/batch-norm.ts'
import * as norms from '../../graph/composites/layer-norm.ts'
import type { Node } from '../../graph/node.ts'
import { makeTensor } from '../core.ts'
import { noGrad } from '../grad-mode.ts'
import type { Tensor } from '../tensor.ts'
import { einsum } from './einsum.ts'
import { affine, applied, type NormOptions, type Optional } from './neural.ts'

/** x over the root of its mean square along the last axes; eps is the dtype's precision unless given. */
export const rmsNorm = (
  x: Tensor,
  normalizedShape: Shape,
  weight?: Optional,
  { eps }: { readonly eps?: number | null } = {},
): Tensor => applied('rmsNorm', [x, weight], (node, w) => norms.rmsNorm(node, normalizedShape, w, eps ?? undefined))

export interface InstanceNormOptions extends NormOptions {
  /** false normalises by the running statistics */
  readonly useInputStats?: boolean
  /** weight of this batch in the running statistics */
  readonly momentum?: number
}

/** Each channel of each sample less its mean, over its deviation; the running statistics are updated in place. */
export function instanceNorm(
  x: Tensor,
  runningMean?: Optional,
  runningVar?: Optional,
  weight?: Optional,
  bias?: Optional,
  { useInputStats = true, momentum = 0.1, eps = 1e-5 }: InstanceNormOptions = {},
): Tensor {
  if (!useInputStats) {
    if (!runningMean || !runningVar)
      throw new ShapeError('instanceNorm: expected running statistics without those of the input, got none.')
    return applied('instanceNorm', [x, runningMean, runningVar, weight, bias], (node, mean, variance, w, b) =>
      batchNormInference(node, mean, variance, affine(w, b), eps),
    )
  }
  const result = applied('instanceNorm', [x, weight, bias], (node, w, b) => norms.instanceNorm(node, affine(w, b), eps))
  noGrad(() => {
    const { mean, variance } = norms.instanceStatistics(x.node)
    const tensorOf = (node: Node): Tensor => makeTensor(x.session, detach(node))
    runningMean?.lerp_(tensorOf(build.cast(mean, runningMean.dtype)), momentum)
    runningVar?.lerp_(tensorOf(build.cast(variance, runningVar.dtype)), momentum)
  })
  return result
}

export interface LocalResponseOptions {
  readonly alpha?: number
  readonly beta?: number
  readonly k?: number
}

/** x over (k + alpha times the mean square of `size` neighbouring channels) to the power of beta. */
export function localResponseNorm(
  x: Tensor,
  size: number,
  { alpha = 1e-4, beta = 0.75, k = 1 }: LocalResponseOptions = {},
): Tensor {
  if (x.ndim < 3)
    throw new ShapeError(
      `localResponseNorm: expected [batch, channels, ...] with 3 dimensions or more, got ${formatShape(x.shape)}.`,
    )
  if (x.numel() === 0) return x
  return applied('localResponseNorm', [x], (node) => {
    const around = node.shape.map((_, axis) =>
      axis === 1 ? ([size >> 1, (size - 1) >> 1] as const) : ([0, 0] as const),
    )
    const squares = build.window(build.pad(build.square(node), around), 1, size)
    const energy = build.mean(squares, -1)
    return build.div(node, build.pow(build.add(build.mul(energy, alpha), k), beta))
  })
}

/** x1 [..., a] times weight [outputs, a, b] times x2 [..., b], plus bias. */
export function bilinear(x1: Tensor, x2: Tensor, weight: Tensor, bias?: Optional): Tensor {
  const product = einsum('...i,oij,...j->...o', x1, weight, x2)
  return bias ? product.add(bias) : product
}
