// Random layers: convolution, pooling, attention, norms and losses, as models use them, on values of the pool.
import * as build from '../../src/graph/builders.ts'
import {
  avgPool2d,
  conv2d,
  crossEntropy,
  layerNorm,
  logSoftmax,
  maxPool2d,
  scaledDotProductAttention,
} from '../../src/graph/composites.ts'
import { type Bounded, integral, moved, smooth } from './bounded.ts'
import type { Draw, StepTable } from './random-graph.ts'
import { productSum } from './steps-aggregate.ts'
import { isFloats, tamed } from './steps-elementwise.ts'

const isImage = (x: Bounded): boolean =>
  isFloats(x) &&
  x.node.shape.length === 4 &&
  x.node.shape.every((n) => n > 0) &&
  x.node.shape.slice(2).every((n) => n >= 3)
const isRows = (x: Bounded): boolean => isFloats(x) && x.node.shape.length >= 2 && x.node.shape.every((n) => n > 0)

/** An image of the pool, or a new one. */
const image = (draw: Draw): Bounded =>
  draw.value(isImage) ?? draw.leaf([1 + draw.nat(2), 1 + draw.nat(4), 3 + draw.nat(6), 3 + draw.nat(6)], 'float32')

function convStep(draw: Draw): Bounded | undefined {
  const x = tamed(image(draw), 64)
  const channels = x.node.shape[1]
  const groups = channels % 2 === 0 && draw.nat(3) === 0 ? 2 : 1
  const [height, width] = [1 + draw.nat(3), 1 + draw.nat(3)]
  const weight = draw.leaf([groups * (1 + draw.nat(5)), channels / groups, height, width], x.node.dtype)
  const bias = draw.nat(2) === 0 ? draw.leaf([weight.node.shape[0]], x.node.dtype) : undefined
  const options = { stride: 1 + draw.nat(2), padding: draw.nat(2), groups }
  const node = conv2d(x.node, weight.node, bias?.node, options)
  return productSum(
    node,
    { ...x, bound: Math.max(x.bound, 1), grain: Math.min(x.grain, 0.25) },
    weight,
    (channels / groups) * height * width + 1,
  )
}

function attentionStep(draw: Draw): Bounded | undefined {
  const given = draw.value((x) => isRows(x) && x.node.shape.length >= 3)
  if (!given) return undefined
  const x = tamed(given, 2)
  const [keys, values] = [draw.leaf(x.node.shape, x.node.dtype), draw.leaf(x.node.shape, x.node.dtype)]
  const node = scaledDotProductAttention(x.node, keys.node, values.node, { isCausal: draw.nat(2) === 0 })
  const width = x.node.shape[x.node.shape.length - 1]
  return smooth(node, x, 8 * width, 32 * width)
}

export const layerSteps: StepTable = {
  conv2d: convStep,
  maxPool2d: (draw) => {
    const x = image(draw)
    return moved(maxPool2d(x.node, 2 + draw.nat(2), { stride: 1 + draw.nat(2), padding: draw.nat(2) }), x)
  },
  avgPool2d: (draw) => {
    const x = image(draw)
    return smooth(avgPool2d(x.node, 2, { stride: 1 + draw.nat(2) }), x, 2 * x.bound, 1)
  },
  attention: attentionStep,
  layerNorm: (draw) => {
    const given = draw.value(isRows)
    if (!given) return undefined
    const x = tamed(given, 8)
    const width = x.node.shape[x.node.shape.length - 1]
    const weight = draw.leaf([width], x.node.dtype)
    return smooth(layerNorm(x.node, [width], { weight: weight.node }, 1), x, 16 * Math.sqrt(width), 32 + 32 * x.bound)
  },
  logSoftmax: (draw) => {
    const given = draw.value(isRows)
    if (!given) return undefined
    const x = tamed(given, 8)
    return smooth(logSoftmax(x.node, -1), x, 24 + x.node.shape[x.node.shape.length - 1] / 64, 2)
  },
  crossEntropy: (draw) => {
    const given = draw.value((x) => isRows(x) && x.node.shape.length === 2)
    if (!given) return undefined
    const x = tamed(given, 8)
    const [rows, classes] = x.node.shape
    const target = integral(build.mod(draw.leaf([rows], 'int64').node, classes), classes)
    return smooth(crossEntropy(x.node, target.node), x, 24 + (classes + rows) / 64, 2)
  },
}
