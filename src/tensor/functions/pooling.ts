// Pooling over one, two or three axes: the largest element or the mean of windows that slide, or of as many as the result shall have.
// https://docs.pytorch.org/docs/stable/nn.functional.html#pooling-functions
import * as adaptive from '../../graph/composites/adaptive-pooling.ts'
import type { PerAxis } from '../../graph/composites/per-axis.ts'
import * as pooling from '../../graph/composites/pooling.ts'
import { resultOf } from '../core.ts'
import type { ValuesAndIndices } from '../families/reduction.ts'
import { sameDevice } from '../operands.ts'
import type { Tensor } from '../tensor.ts'
import { applied } from './neural.ts'

interface WithIndices {
  /** also where each maximum stands among the elements of the spatial axes, row by row */
  readonly returnIndices: true
}
interface WithoutIndices {
  readonly returnIndices?: false
}

interface MaxPool {
  (x: Tensor, kernelSize: PerAxis, options?: pooling.MaxPoolOptions & WithoutIndices): Tensor
  (x: Tensor, kernelSize: PerAxis, options: pooling.MaxPoolOptions & WithIndices): ValuesAndIndices
}

interface AdaptiveMaxPool {
  (x: Tensor, outputSize: adaptive.OutputSize, options?: WithoutIndices): Tensor
  (x: Tensor, outputSize: adaptive.OutputSize, options: WithIndices): ValuesAndIndices
}

const maxPool = (rank: number): MaxPool => {
  const op = `maxPool${rank}d`
  const pool = (
    x: Tensor,
    kernelSize: PerAxis,
    { returnIndices = false, ...options }: pooling.MaxPoolOptions & { readonly returnIndices?: boolean } = {},
  ): Tensor | ValuesAndIndices => {
    const values = applied(op, [x], (node) => pooling.maxPool(rank, node, kernelSize, options))
    if (!returnIndices) return values
    return { values, indices: applied(op, [x], (node) => pooling.maxPoolIndices(rank, node, kernelSize, options)) }
  }
  return pool as MaxPool
}

const adaptiveMaxPool = (rank: number): AdaptiveMaxPool => {
  const pool = (
    x: Tensor,
    outputSize: adaptive.OutputSize,
    { returnIndices = false }: { readonly returnIndices?: boolean } = {},
  ): Tensor | ValuesAndIndices => {
    sameDevice(`adaptiveMaxPool${rank}d`, [x])
    const { values, indices } = adaptive.adaptiveMaxPool(rank, x.node, outputSize)
    const largest = resultOf(x.session, values, [x])
    return returnIndices ? { values: largest, indices: resultOf(x.session, indices, []) } : largest
  }
  return pool as AdaptiveMaxPool
}

const avgPool =
  (rank: number) =>
  (x: Tensor, kernelSize: PerAxis, options: pooling.AvgPoolOptions = {}): Tensor =>
    applied(`avgPool${rank}d`, [x], (node) => pooling.avgPool(rank, node, kernelSize, options))

const adaptiveAvgPool =
  (rank: number) =>
  (x: Tensor, outputSize: adaptive.OutputSize): Tensor =>
    applied(`adaptiveAvgPool${rank}d`, [x], (node) => adaptive.adaptiveAvgPool(rank, node, outputSize))

/** x [batch, channels, length] */
export const maxPool1d = /* @__PURE__ */ maxPool(1)
/** x [batch, channels, height, width] */
export const maxPool2d = /* @__PURE__ */ maxPool(2)
/** x [batch, channels, depth, height, width] */
export const maxPool3d = /* @__PURE__ */ maxPool(3)
export const avgPool1d = /* @__PURE__ */ avgPool(1)
export const avgPool2d = /* @__PURE__ */ avgPool(2)
export const avgPool3d = /* @__PURE__ */ avgPool(3)
/** Averages to a given size; null keeps an extent. */
export const adaptiveAvgPool1d = /* @__PURE__ */ adaptiveAvgPool(1)
export const adaptiveAvgPool2d = /* @__PURE__ */ adaptiveAvgPool(2)
export const adaptiveAvgPool3d = /* @__PURE__ */ adaptiveAvgPool(3)
export const adaptiveMaxPool1d = /* @__PURE__ */ adaptiveMaxPool(1)
export const adaptiveMaxPool2d = /* @__PURE__ */ adaptiveMaxPool(2)
export const adaptiveMaxPool3d = /* @__PURE__ */ adaptiveMaxPool(3)

/** The same as `maxPool2d` with `returnIndices`. */
export const maxPool2dWithIndices = (
  x: Tensor,
  kernelSize: PerAxis,
  options: pooling.MaxPoolOptions = {},
): ValuesAndIndices => maxPool2d(x, kernelSize, { ...options, returnIndices: true })
