// Functions of images: blocks as columns and back, resizing, and channels traded for resolution.
// https://docs.pytorch.org/docs/stable/nn.functional.html#vision-functions
import * as folding from '../../graph/composites/fold.ts'
import { type InterpolateOptions, interpolate as interpolateNode } from '../../graph/composites/interpolate.ts'
import type { PerAxis } from '../../graph/composites/per-axis.ts'
import type { Tensor } from '../tensor.ts'
import { applied } from './neural.ts'

export type { InterpolateOptions }

/** Sliding blocks as columns: x [batch, channels, height, width] to [batch, channels × kernel, blocks]. Windows of one axis are x.unfold. */
export const unfold = (x: Tensor, kernelSize: PerAxis, options: folding.FoldOptions = {}): Tensor =>
  applied('unfold', [x], (node) => folding.unfold(node, kernelSize, options))

/** Columns [batch, channels × kernel, blocks] added up to images of `outputSize`. */
export const fold = (x: Tensor, outputSize: PerAxis, kernelSize: PerAxis, options: folding.FoldOptions = {}): Tensor =>
  applied('fold', [x], (node) => folding.fold(node, outputSize, kernelSize, options))

/** x [batch, channels, extents...] resized: `{ size }` or `{ scaleFactor }`, and a mode. */
export const interpolate = (x: Tensor, options: InterpolateOptions): Tensor =>
  applied('interpolate', [x], (node) => interpolateNode(node, options))

/** [..., channels r², height, width] to [..., channels, height r, width r]. */
export const pixelShuffle = (x: Tensor, upscaleFactor: number): Tensor =>
  applied('pixelShuffle', [x], (node) => folding.pixelShuffle(node, upscaleFactor))

export const pixelUnshuffle = (x: Tensor, downscaleFactor: number): Tensor =>
  applied('pixelUnshuffle', [x], (node) => folding.pixelUnshuffle(node, downscaleFactor))

/** Channels dealt out to groups in turn. */
export const channelShuffle = (x: Tensor, groups: number): Tensor =>
  applied('channelShuffle', [x], (node) => folding.channelShuffle(node, groups))
