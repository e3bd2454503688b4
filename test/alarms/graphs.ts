// Training steps at node level, small enough for the kernel interpreter: a perceptron, a convolutional network and an attention block,
// forward, backward and update in place. Each gives its graph, and every leaf gets reproducible values.
import { backward } from '../../src/autograd/backward.ts'
import type { DType } from '../../src/base/dtype.ts'
import { type Shape, sizeOf } from '../../src/base/shape.ts'
import type { Graph } from '../../src/compiler/graph.ts'
import type { KernelGroup } from '../../src/compiler/schedule-types.ts'
import * as build from '../../src/graph/builders.ts'
import {
  conv2d,
  crossEntropy,
  gelu,
  layerNorm,
  maxPool2d,
  relu,
  scaledDotProductAttention,
} from '../../src/graph/composites.ts'
import type { HostArray } from '../../src/graph/host-array.ts'
import type { Node } from '../../src/graph/node.ts'
import { numbersFrom } from '../fuzz/random-graph.ts'

export interface Step {
  readonly graph: Graph
  readonly values: readonly HostArray[]
}

/** Uniform in -0.5 to 0.5, all digits in use, so that sums in another order have other bits. */
function valuesOf(dtype: DType, shape: Shape, seed: number, classes: number): HostArray {
  const nat = numbersFrom(seed)
  const size = sizeOf(shape)
  if (dtype === 'int64') return { dtype, shape, data: BigInt64Array.from({ length: size }, () => BigInt(nat(classes))) }
  return { dtype, shape, data: Float32Array.from({ length: size }, () => nat(1 << 24) / 2 ** 24 - 0.5) }
}

/** A step of gradient descent with momentum: loss out, parameters and momenta replaced in place. */
function stepOf(data: readonly Node[], parameters: readonly Node[], loss: Node, classes: number): Step {
  const grads = backward([{ root: loss, grad: build.onesLike(loss) }], new Set(parameters))
  const momenta = parameters.map(({ shape, dtype }) => build.placeholder(shape, dtype))
  const moved = momenta.map((momentum, i) => build.add(build.mul(momentum, 0.9), grads.get(parameters[i])!))
  const updated = parameters.map((parameter, i) => build.sub(parameter, build.mul(moved[i], 0.05)))
  const leaves = [...data, ...parameters, ...momenta]
  const inPlace = [...updated, ...moved].map((node, i) => ({ node, target: data.length + i, persistent: true }))
  return {
    graph: { leaves, outputs: [{ node: loss, persistent: false }, ...inPlace] },
    values: leaves.map(({ dtype, shape }, i) => valuesOf(dtype, shape, i + 1, classes)),
  }
}

const leaf = (...shape: number[]): Node => build.placeholder(shape, 'float32')
const labels = (...shape: number[]): Node => build.placeholder(shape, 'int64')
const linear = (x: Node, weight: Node, bias: Node): Node =>
  build.add(build.matmul(x, build.transpose(weight, 0, 1)), bias)

function perceptron(): Step {
  const [x, y] = [leaf(48, 100), labels(48)]
  const parameters = [leaf(70, 100), leaf(70), leaf(10, 70), leaf(10)]
  const hidden = relu(linear(x, parameters[0], parameters[1]))
  return stepOf([x, y], parameters, crossEntropy(linear(hidden, parameters[2], parameters[3]), y), 10)
}

function convolutional(): Step {
  const [x, y] = [leaf(6, 1, 8, 8), labels(6)]
  const parameters = [leaf(5, 1, 3, 3), leaf(5), leaf(7, 5, 3, 3), leaf(7), leaf(10, 28), leaf(10)]
  const first = maxPool2d(relu(conv2d(x, parameters[0], parameters[1], { padding: 1 })), 2)
  const second = maxPool2d(relu(conv2d(first, parameters[2], parameters[3], { padding: 1 })), 2)
  return stepOf(
    [x, y],
    parameters,
    crossEntropy(linear(build.reshape(second, [6, 28]), parameters[4], parameters[5]), y),
    10,
  )
}

function attention(): Step {
  const [batch, length, heads, width] = [2, 9, 2, 12]
  const [tokens, y] = [labels(batch, length), labels(batch * length)]
  const table = leaf(11, width)
  const [norm, shift, qkv, bias] = [leaf(width), leaf(width), leaf(3 * width, width), leaf(3 * width)]
  const [up, upBias, head, headBias] = [leaf(2 * width, width), leaf(2 * width), leaf(11, 2 * width), leaf(11)]
  const x = build.reshape(build.indexSelect(table, 0, build.reshape(tokens, [batch * length])), [batch, length, width])
  const projected = linear(layerNorm(x, [width], { weight: norm, bias: shift }), qkv, bias)
  const parts = [0, 1, 2].map((i) => {
    const part = build.reshape(build.narrow(projected, 2, i * width, width), [batch, length, heads, width / heads])
    return build.permute(part, [0, 2, 1, 3])
  })
  const mixed = scaledDotProductAttention(parts[0], parts[1], parts[2], { isCausal: true })
  const joined = build.add(x, build.reshape(build.permute(mixed, [0, 2, 1, 3]), [batch, length, width]))
  const inner = gelu(linear(build.reshape(joined, [batch * length, width]), up, upBias))
  const parameters = [table, norm, shift, qkv, bias, up, upBias, head, headBias]
  return stepOf([tokens, y], parameters, crossEntropy(linear(inner, head, headBias), y), 11)
}

export const steps: Readonly<Record<string, () => Step>> = { perceptron, convolutional, attention }

/** The kernels in a random order in which each comes after those that it reads from. */
export function shuffled(groups: readonly KernelGroup[], seed: number): KernelGroup[] {
  const nat = numbersFrom(seed)
  const producer = new Map(groups.flatMap((group) => group.outputs.map((output) => [output, group] as const)))
  const done = new Set<KernelGroup>()
  const isReady = (group: KernelGroup): boolean =>
    !done.has(group) && group.inputs.every((input) => !producer.has(input) || done.has(producer.get(input)!))
  while (done.size < groups.length) {
    const ready = groups.filter(isReady)
    done.add(ready[nat(ready.length)])
  }
  return [...done]
}
