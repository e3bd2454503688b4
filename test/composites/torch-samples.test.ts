// Composites against PyTorch's recorded calls: values in every dtype, gradients in float64.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backward } from '../../src/autograd/backward.ts'
import { type DType, isFloat } from '../../src/base/dtype.ts'
import { type Shape, sizeOf } from '../../src/base/shape.ts'
import { cast, placeholder, reshape } from '../../src/graph/builders.ts'
import * as activations from '../../src/graph/composites/activations.ts'
import { adaptiveAvgPool2d } from '../../src/graph/composites/adaptive-pooling.ts'
import { argmax, argmin, maxWithIndex, minWithIndex } from '../../src/graph/composites/arg-extremum.ts'
import { scaledDotProductAttention } from '../../src/graph/composites/attention.ts'
import { batchNormInference, batchNormTraining } from '../../src/graph/composites/batch-norm.ts'
import { conv1d, conv2d, convTranspose2d } from '../../src/graph/composites/conv.ts'
import { crossEntropy, nllLoss } from '../../src/graph/composites/cross-entropy.ts'
import { embedding, oneHot } from '../../src/graph/composites/embedding.ts'
import { groupNorm, layerNorm } from '../../src/graph/composites/layer-norm.ts'
import { binaryCrossEntropyWithLogits, l1Loss, mseLoss } from '../../src/graph/composites/losses.ts'
import { std, variance } from '../../src/graph/composites/moments.ts'
import type { PerAxis } from '../../src/graph/composites/per-axis.ts'
import { avgPool2d, maxPool2d, maxPool2dIndices } from '../../src/graph/composites/pooling.ts'
import { cumsum } from '../../src/graph/composites/running.ts'
import { logSoftmax, logsumexp, softmax } from '../../src/graph/composites/softmax.ts'
import { tril, triu } from '../../src/graph/composites/triangle.ts'
import { evaluateNodes } from '../../src/graph/evaluate.ts'
import { type HostArray, hostZeros } from '../../src/graph/host-array.ts'
import type { Node } from '../../src/graph/node.ts'
import { verifyGraph } from '../../src/graph/verify.ts'
import { type Argument, type Sample, samplesOf } from './torch-samples.ts'

/** Arguments with nodes in the place of tensors. */
// biome-ignore lint/suspicious/noExplicitAny: each adapter knows the signature it is given
type Arguments = any
type Adapter = (args: Arguments[], kwargs: Record<string, Arguments>, sample: Sample) => Node | readonly Node[]

const withDType =
  (compute: (x: Node, axis: number) => Node): Adapter =>
  ([x, axis], { dtype }) =>
    compute(dtype ? cast(x, dtype as DType) : x, axis)

const moment =
  (compute: typeof variance): Adapter =>
  ([x, ...positional], { dim, correction, unbiased = positional[0], keepdim }) =>
    compute(x, dim ?? undefined, correction ?? (unbiased === false ? 0 : 1), keepdim)

const present = <T>(value: T | null): T | undefined => value ?? undefined
const stride = (value: PerAxis | undefined): PerAxis | undefined =>
  Array.isArray(value) && value.length === 0 ? undefined : present(value as PerAxis | null)

const extremum =
  (withIndex: typeof maxWithIndex): Adapter =>
  ([x, axis, keepdim]) => {
    const { values, indices } = withIndex(x, axis, keepdim)
    return [values, indices]
  }

const adapters: Readonly<Record<string, Adapter>> = {
  softmax: withDType(softmax),
  logSoftmax: withDType(logSoftmax),
  logsumexp: ([x, axes, keepdims]) => logsumexp(x, axes, keepdims),
  var: moment(variance),
  std: moment(std),
  argmax: ([x], { dim, keepdim }) => argmax(x, dim, keepdim),
  argmin: ([x], { dim, keepdim }) => argmin(x, dim, keepdim),
  max: extremum(maxWithIndex),
  min: extremum(minWithIndex),
  layerNorm: ([x, shape, weight, bias], { eps }) => layerNorm(x, shape, { weight, bias }, eps),
  groupNorm: ([x, groups], { weight, bias, eps }) => groupNorm(x, groups, { weight, bias }, eps),
  batchNorm: ([x, mean, variance, weight, bias], { training, eps }) => {
    const affine = { weight: present<Node>(weight), bias: present<Node>(bias) }
    return training ? batchNormTraining(x, affine, eps).output : batchNormInference(x, mean, variance, affine, eps)
  },
  conv1d: ([x, weight, bias], kwargs) => conv1d(x, weight, present<Node>(bias), kwargs),
  conv2d: ([x, weight, bias], kwargs) => conv2d(x, weight, present<Node>(bias), kwargs),
  convTranspose2d: ([x, weight, bias], kwargs) => convTranspose2d(x, weight, present<Node>(bias), kwargs),
  maxPool2d: ([x, size, step], { kernelSize = size, stride: named = step, returnIndices, ...options }) => {
    const all = { ...options, stride: stride(named) }
    const values = maxPool2d(x, kernelSize, all)
    return returnIndices ? [values, maxPool2dIndices(x, kernelSize, all)] : values
  },
  avgPool2d: ([x, size, step, padding, ceilMode, countIncludePad, divisor]) =>
    avgPool2d(x, size, { stride: stride(step), padding, ceilMode, countIncludePad, divisorOverride: present(divisor) }),
  adaptiveAvgPool2d: ([x, size]) => adaptiveAvgPool2d(x, size),
  crossEntropy: ([x, target], kwargs) => crossEntropy(x, target, kwargs),
  nllLoss: ([x, target], kwargs) => nllLoss(x, target, kwargs),
  mseLoss: ([x, target], { reduction }) => mseLoss(x, target, reduction),
  l1Loss: ([x, target], { reduction }) => l1Loss(x, target, reduction),
  binaryCrossEntropyWithLogits: ([x, target], kwargs) => binaryCrossEntropyWithLogits(x, target, kwargs),
  scaledDotProductAttention: ([q, k, v], { attnMask, isCausal, scale, enableGqa }) =>
    scaledDotProductAttention(q, k, v, { mask: attnMask, isCausal, scale, enableGqa }),
  gelu: ([x], { approximate }) => activations.gelu(x, approximate),
  silu: ([x]) => activations.silu(x),
  elu: ([x, alpha]) => activations.elu(x, alpha),
  leakyRelu: ([x, slope]) => activations.leakyRelu(x, slope),
  softplus: ([x], { beta, threshold }) => activations.softplus(x, beta, threshold),
  embedding: ([indices, weight], { paddingIdx }) => embedding(indices, weight, paddingIdx),
  oneHot: ([indices], kwargs, { outputs }) =>
    oneHot(indices, kwargs.numClasses > 0 ? kwargs.numClasses : outputs[0].shape.at(-1)!),
  cumsum: ([x, axis], { dtype }) => cumsum(dtype ? cast(x, dtype) : x, axis),
  tril: ([x, diagonal]) => tril(x, diagonal),
  triu: ([x, diagonal]) => triu(x, diagonal),
}

/** Samples of other functions of the same name, or that need what these functions leave out. */
const isOtherFunction = ({ op, variant, args, kwargs }: Sample): boolean =>
  ((op === 'max' || op === 'min') && variant !== 'reduction_with_dim') ||
  // maxNorm writes to the table
  (op === 'embedding' && 'maxNorm' in kwargs) ||
  (op === 'batchNorm' && (args[0] as { array: HostArray }).array.shape.length < 2)

class Replay {
  readonly leaves = new Map<Node, HostArray>()
  readonly wanted: Node[] = []
  readonly #sample: Sample

  constructor(sample: Sample) {
    this.#sample = sample
  }

  outputs(): readonly Node[] {
    const { op, args, kwargs } = this.#sample
    const positional = args.map((arg) => this.#given(arg))
    const named = Object.fromEntries(Object.entries(kwargs).map(([name, arg]) => [name, this.#given(arg)]))
    return [adapters[op](positional as Arguments[], named, this.#sample)].flat()
  }

  #given(arg: Argument): unknown {
    if (Array.isArray(arg)) return arg.map((each) => this.#given(each))
    if (typeof arg !== 'object' || arg === null || !('array' in arg)) return arg
    const leaf = placeholder(arg.array.shape, arg.array.dtype)
    this.leaves.set(leaf, arg.array)
    if (arg.requiresGrad) this.wanted.push(leaf)
    return leaf
  }
}

const tolerances: Partial<Record<DType, readonly [number, number]>> = {
  float64: [1e-7, 1e-7],
  float32: [1.3e-6, 1e-5],
}

/** Scores beyond 100 carry an error of 1e-5 into the exponentials, in PyTorch as here. */
const looser: Readonly<Record<string, number>> = { scaledDotProductAttention: 1e-4 }
/** PyTorch's vectorised float32 gives NaN for gelu(infinity), its float64 infinity. */
const isPeersSlip = ({ op, special }: Sample, expected: number, got: number): boolean =>
  op === 'gelu' && special && Number.isNaN(expected) && got === Number.POSITIVE_INFINITY

function assertClose(sample: Sample, got: HostArray, expected: HostArray, what: string): void {
  assert.equal(got.dtype, expected.dtype, `${what}: dtype`)
  assert.deepEqual([...got.shape], [...expected.shape], `${what}: shape`)
  const [usual, absolute] = tolerances[got.dtype] ?? [0, 0]
  const relative = got.dtype === 'float32' ? (looser[sample.op] ?? usual) : usual
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [Number(got.data[i]), Number(expected.data[i])]
    if (Object.is(a, b) || a === b || Math.abs(a - b) <= absolute + relative * Math.abs(b)) continue
    if (isPeersSlip(sample, b, a)) continue
    assert.fail(`${what}: element ${i}: expected ${b}, got ${a}`)
  }
}

function cotangent(shape: Shape): HostArray {
  const array = hostZeros('float64', shape)
  for (let i = 0; i < sizeOf(shape); i++) array.data[i] = Math.cos(i + 1)
  return array
}

function checkGradients(sample: Sample, replay: Replay, outputs: readonly Node[]): void {
  const roots = outputs.filter(({ dtype }) => isFloat(dtype))
  const leaves = new Map(replay.leaves)
  const seeds = roots.map((root) => {
    const seed = placeholder(root.shape, root.dtype)
    leaves.set(seed, cotangent(root.shape))
    return { root, grad: seed }
  })
  const gradients = backward(seeds, new Set(replay.wanted))
  sample.gradients?.forEach((array, i) => {
    const node = gradients.get(replay.wanted[i])
    if (array === null) return
    const got = node === undefined ? hostZeros('float64', array.shape) : evaluateNodes([node], leaves)[0]
    if (node !== undefined) verifyGraph([node])
    assertClose(sample, got, array, `gradient ${i}`)
  })
}

for (const op of Object.keys(adapters))
  test(`${op} as PyTorch`, () => {
    const samples = samplesOf(op).filter((sample) => !isOtherFunction(sample))
    assert.ok(samples.length > 0)
    samples.forEach((sample, i) => {
      const replay = new Replay(sample)
      try {
        const outputs = replay.outputs()
        verifyGraph(outputs)
        const values = evaluateNodes(outputs, replay.leaves)
        sample.outputs.forEach((expected, at) => {
          assertClose(sample, values[at], expected, `output ${at}`)
        })
        checkGradients(sample, replay, outputs)
      } catch (error) {
        throw new Error(`${op}, sample ${i} (${sample.dtype}): ${(error as Error).message}`, { cause: error })
      }
    })
  })

test('a scalar keeps its shape', () => {
  const x = placeholder([], 'float64')
  assert.deepEqual(softmax(x, 0).shape, [])
  assert.deepEqual(argmax(x, 0, true).shape, [])
  assert.deepEqual(reshape(x, [1]).shape, [1])
})
