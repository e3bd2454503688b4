// The arguments that each function of the case table is timed with, about a million elements each: descriptions that both sides turn into
// the same tensors. A function without a row of its own takes one operand.
import type { Keywords } from '../test/conformance/cases.ts'

export interface TensorSpec {
  readonly shape: readonly number[]
  /** uniform in [-bound, bound], its magnitude, or integers below `classes`; the generator is that of the training cases */
  readonly fill: 'uniform' | 'positive' | 'integer'
  readonly seed: number
  readonly bound: number
  readonly classes: number
  readonly dtype: 'float32' | 'int64' | 'bool'
}

type Argument = TensorSpec | number | string | boolean | null | readonly Argument[]

export interface FunctionInputs {
  readonly args: readonly Argument[]
  readonly keywords?: Keywords
}

const million = [1000, 1000]
const spec = (shape: readonly number[], given: Partial<TensorSpec> = {}): TensorSpec => ({
  shape,
  fill: 'uniform',
  seed: 1,
  bound: 1,
  classes: 2,
  dtype: 'float32',
  ...given,
})
const integers = (shape: readonly number[], classes: number, seed = 2): TensorSpec =>
  spec(shape, { fill: 'integer', dtype: 'int64', classes, seed })
const truth = (shape: readonly number[], seed = 3): TensorSpec => spec(shape, { fill: 'integer', dtype: 'bool', seed })

const x = spec(million)
const y = spec(million, { seed: 2 })
const positive = spec(million, { fill: 'positive' })
const vector = spec([1_000_000])
const images = spec([8, 32, 64, 64])
const [left, right] = [spec([512, 512]), spec([512, 512], { seed: 2 })]
const batches = [spec([16, 256, 256]), spec([16, 256, 256], { seed: 2 })]
const heads = [1, 2, 3].map((seed) => spec([4, 8, 512, 64], { seed }))
const perChannel = (seed: number) => spec([32], { fill: 'positive', seed })

const each = (names: readonly string[], inputs: FunctionInputs): Record<string, FunctionInputs> =>
  Object.fromEntries(names.map((name) => [name, inputs]))
const called = (...args: Argument[]): FunctionInputs => ({ args })

const table: Readonly<Record<string, FunctionInputs>> = {
  ...each(['sqrt', 'rsqrt', 'log', 'log2', 'log10', 'log1p'], called(positive)),
  ...each(
    ['add', 'sub', 'mul', 'div', 'floorDivide', 'remainder', 'fmod', 'maximum', 'minimum', 'atan2'],
    called(x, y),
  ),
  pow: called(positive, y),
  ...each(['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'mseLoss', 'l1Loss'], called(x, y)),
  ...each(['logicalAnd', 'logicalOr', 'logicalXor'], called(truth(million), truth(million, 4))),
  logicalNot: called(truth(million)),
  ...each(['bitwiseAnd', 'bitwiseOr', 'bitwiseXor'], called(integers(million, 1000), integers(million, 1000, 4))),
  clamp: called(x, -0.5, 0.5),
  where: called(truth(million), x, y),
  ...each(['any', 'all'], called(truth(million))),
  // over rows
  ...each(['logsumexp', 'cumsum', 'softmax', 'logSoftmax', 'sort', 'argsort'], called(x, 1)),
  ...each(['unbind', 'unsqueeze'], called(x, 0)),
  flip: called(x, [0]),
  topk: called(x, 10),
  // products
  ...each(['matmul', 'mm'], called(left, right)),
  bmm: called(...batches),
  mv: called(x, spec([1000], { seed: 2 })),
  dot: called(vector, spec([1_000_000], { seed: 2 })),
  outer: called(spec([1000]), spec([1000], { seed: 2 })),
  einsum: called('ij,jk->ik', left, right),
  addmm: called(spec([512, 512], { seed: 3 }), left, right),
  baddbmm: called(spec([16, 256, 256], { seed: 3 }), ...batches),
  linear: called(left, right, spec([512], { seed: 3 })),
  // movement
  ...each(['reshape', 'view'], called(x, [500, 2000])),
  ...each(['permute'], called(x, [1, 0])),
  ...each(['transpose', 'movedim'], called(x, 0, 1)),
  expand: called(spec([1000, 1]), [1000, 1000]),
  squeeze: called(spec([1000, 1, 1000])),
  select: called(spec([2, 1000, 1000]), 0, 1),
  narrow: called(x, 1, 100, 800),
  ...each(['split'], called(x, 250, 1)),
  chunk: called(x, 4, 1),
  repeat: called(spec([500, 500]), [2, 2]),
  roll: called(x, 17, 1),
  pad: called(x, [3, 5, 7, 2]),
  ...each(['cat', 'stack'], called([x, y], 1)),
  // by position
  gather: called(x, 1, integers(million, 1000)),
  takeAlongDim: called(x, integers(million, 1000), 1),
  ...each(['scatter', 'scatterAdd'], called(x, 1, integers(million, 1000), y)),
  indexSelect: called(x, 0, integers([1000], 1000)),
  indexAdd: called(x, 0, integers([1000], 1000), y),
  maskedFill: called(x, truth(million), 0.5),
  oneHot: called(integers([10_000], 100), 100),
  to: called(x, 'float64'),
  // neural
  conv1d: called(spec([16, 64, 1024]), spec([64, 64, 3]), null),
  conv2d: called(images, spec([32, 32, 3, 3])),
  convTranspose2d: called(images, spec([32, 32, 3, 3])),
  ...each(['maxPool2d', 'avgPool2d'], called(images, 2)),
  adaptiveAvgPool2d: called(images, [1, 1]),
  layerNorm: { args: [x, [1000], spec([1000]), spec([1000], { seed: 2 })] },
  groupNorm: called(images, 4, perChannel(2), perChannel(3)),
  batchNorm: { args: [images, null, null, perChannel(2), perChannel(3)], keywords: { training: true } },
  embedding: called(integers([10_000], 1000), spec([1000, 100])),
  scaledDotProductAttention: called(...heads),
  crossEntropy: called(x, integers([1000], 1000)),
  nllLoss: called(x, integers([1000], 1000)),
  binaryCrossEntropyWithLogits: called(x, positive),
}

/** What returns a view of its input in PyTorch. */
export const views: ReadonlySet<string> = new Set([
  ...['reshape', 'view', 'flatten', 'permute', 'transpose', 'movedim', 'expand', 'squeeze', 'unsqueeze', 'select'],
  ...['narrow', 'split', 'chunk', 'unbind'],
])

/** Cases that take more than a tensor, or whose results' shapes depend on values: not timed until they have a row above. */
const untimed = new Set(
  `polygamma mvlgamma lerp addcmul addcdiv equal isin clampMin clampMax arange linspace logspace eye full ones zeros fullLike
  cumprod cummax cummin logcumsumexp median nanmedian kthvalue quantile nanquantile dist diff unique uniqueConsecutive nonzero argwhere
  bincount searchsorted bucketize tile broadcastTo expandAs viewAs unflatten diagEmbed diagflat hstack vstack dstack meshgrid
  broadcastTensors tensorSplit repeatInterleave Tensor.unfold index indexPut indexFill indexCopy take put maskedSelect maskedScatter
  scatterReduce fmax fmin logaddexp logaddexp2 hypot xlogy copysign heaviside floatPower bitwiseLeftShift bitwiseRightShift rsub
  isclose allclose bitwiseNot`.split(/\s+/),
)

export const inputsOf = (name: string): FunctionInputs | undefined =>
  table[name] ?? (untimed.has(name) ? undefined : called(x))
