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
const sounds = spec([16, 64, 1024])
const images = spec([8, 32, 64, 64])
const volumes = spec([2, 16, 32, 32, 32])
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
  ...each(['pow', 'floatPower'], called(positive, y)),
  ...each(['fmax', 'fmin', 'logaddexp', 'logaddexp2', 'hypot', 'copysign', 'heaviside', 'rsub', 'dist'], called(x, y)),
  ...each(['isclose', 'allclose', 'equal'], called(x, x)),
  xlogy: called(x, positive),
  lerp: called(x, y, 0.3),
  ...each(['addcmul', 'addcdiv'], called(x, y, positive)),
  ...each(['clampMin', 'clampMax'], called(x, 0.5)),
  ...each(['logit', 'lgamma', 'digamma'], called(positive)),
  acosh: called(spec(million, { fill: 'positive', bound: 9 })),
  polygamma: called(1, positive),
  mvlgamma: called(spec(million, { fill: 'positive', bound: 9 }), 1),
  ...each(['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'mseLoss', 'l1Loss'], called(x, y)),
  ...each(['logicalAnd', 'logicalOr', 'logicalXor'], called(truth(million), truth(million, 4))),
  logicalNot: called(truth(million)),
  ...each(['bitwiseAnd', 'bitwiseOr', 'bitwiseXor'], called(integers(million, 1000), integers(million, 1000, 4))),
  ...each(['bitwiseLeftShift', 'bitwiseRightShift'], called(integers(million, 1000), integers(million, 8, 4))),
  bitwiseNot: called(integers(million, 1000)),
  isin: called(integers(million, 1000), integers([100], 1000, 4)),
  clamp: called(x, -0.5, 0.5),
  where: called(truth(million), x, y),
  ...each(['any', 'all'], called(truth(million))),
  // over rows
  ...each(['cumprod', 'cummax', 'cummin', 'logcumsumexp', 'median', 'nanmedian'], called(x, 1)),
  ...each(['quantile', 'nanquantile'], called(x, 0.5, 1)),
  kthvalue: called(x, 10, 1),
  ...each(['logsumexp', 'cumsum', 'softmax', 'logSoftmax', 'sort', 'argsort'], called(x, 1)),
  ...each(['unbind', 'unsqueeze'], called(x, 0)),
  flip: called(x, [0]),
  topk: called(x, 10),
  // whose results' shapes depend on values
  unique: called(integers(million, 1000)),
  uniqueConsecutive: called(integers([1_000_000], 2)),
  ...each(['nonzero', 'argwhere'], called(truth(million))),
  maskedSelect: called(x, truth(million)),
  bincount: called(integers([1_000_000], 1000)),
  // constants are in order
  searchsorted: called(spec([1000], { bound: 0 }), x),
  bucketize: called(x, spec([1000], { bound: 0 })),
  // creation
  arange: called(1_000_000),
  ...each(['linspace', 'logspace'], called(0, 1, 1_000_000)),
  eye: called(1000),
  full: called(million, 2),
  ...each(['ones', 'zeros'], called(million)),
  fullLike: called(x, 2),
  // products
  ...each(['matmul', 'mm'], called(left, right)),
  bmm: called(...batches),
  mv: called(x, spec([1000], { seed: 2 })),
  dot: called(vector, spec([1_000_000], { seed: 2 })),
  outer: called(spec([1000]), spec([1000], { seed: 2 })),
  einsum: called('ij,jk->ik', left, right),
  inner: called(left, right),
  tensordot: called(left, right, 1),
  vdot: called(vector, spec([1_000_000], { seed: 2 })),
  addmv: called(spec([1000]), x, spec([1000], { seed: 2 })),
  addr: called(x, spec([1000]), spec([1000], { seed: 2 })),
  addbmm: called(spec([256, 256]), ...batches),
  cdist: called(spec([1000, 64]), spec([1000, 64], { seed: 2 })),
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
  tile: called(spec([500, 500]), [2, 2]),
  repeatInterleave: called(spec([500, 1000]), 2, 0),
  broadcastTo: called(spec([1000, 1]), million),
  expandAs: called(spec([1000, 1]), x),
  broadcastTensors: called(spec([1000, 1]), spec([1, 1000])),
  viewAs: called(spec([500, 2000]), x),
  unflatten: called(x, 1, [10, 100]),
  'Tensor.unfold': called(x, 1, 2, 2),
  tensorSplit: called(x, 4, 1),
  ...each(['diagEmbed', 'diagflat'], called(spec([1000]))),
  ...each(['hstack', 'vstack', 'dstack'], called([x, y])),
  meshgrid: { args: [spec([1000]), spec([1000])], keywords: { indexing: 'ij' } },
  roll: called(x, 17, 1),
  pad: called(x, [3, 5, 7, 2]),
  ...each(['cat', 'stack'], called([x, y], 1)),
  // by position
  gather: called(x, 1, integers(million, 1000)),
  takeAlongDim: called(x, integers(million, 1000), 1),
  ...each(['scatter', 'scatterAdd'], called(x, 1, integers(million, 1000), y)),
  indexSelect: called(x, 0, integers([1000], 1000)),
  ...each(['indexAdd', 'indexCopy'], called(x, 0, integers([1000], 1000), y)),
  indexFill: called(x, 0, integers([500], 1000), 0.5),
  index: called(x, [integers([1000], 1000)]),
  indexPut: called(x, [integers([1000], 1000)], y),
  take: called(x, integers(million, 1_000_000)),
  put: called(x, integers(million, 1_000_000), y),
  scatterReduce: called(x, 1, integers(million, 1000), y, 'amax'),
  maskedScatter: called(x, truth(million), y),
  maskedFill: called(x, truth(million), 0.5),
  oneHot: called(integers([10_000], 100), 100),
  to: called(x, 'float64'),
  // neural
  ...each(['conv1d', 'convTranspose1d'], called(sounds, spec([64, 64, 3]), null)),
  ...each(['conv3d', 'convTranspose3d'], called(volumes, spec([16, 16, 3, 3, 3]))),
  ...each(['maxPool1d', 'avgPool1d'], called(sounds, 2)),
  ...each(['maxPool3d', 'avgPool3d'], called(volumes, 2)),
  ...each(['adaptiveAvgPool1d', 'adaptiveMaxPool1d'], called(sounds, 16)),
  adaptiveMaxPool2d: called(images, 8),
  ...each(['adaptiveAvgPool3d', 'adaptiveMaxPool3d'], called(volumes, 4)),
  ...each(['unfold', 'pixelShuffle', 'pixelUnshuffle'], called(images, 2)),
  fold: { args: [spec([8, 128, 1024]), [64, 64], 2], keywords: { stride: 2 } },
  interpolate: called(images, null, 2),
  channelShuffle: called(images, 4),
  instanceNorm: called(images),
  localResponseNorm: called(images, 5),
  rmsNorm: called(x, [1000], spec([1000])),
  ...each(['softmin', 'glu'], called(x, 1)),
  prelu: called(x, spec([1])),
  threshold: called(x, 0.1, 0.5),
  bilinear: called(spec([1000, 64]), spec([1000, 64], { seed: 2 }), spec([64, 64, 64]), null),
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
  ...each(['smoothL1Loss', 'huberLoss', 'softMarginLoss', 'hingeEmbeddingLoss'], called(x, y)),
  ...each(['klDiv', 'poissonNllLoss'], called(x, positive)),
  binaryCrossEntropy: called(positive, spec(million, { fill: 'positive', seed: 2 })),
  ...each(['marginRankingLoss', 'tripletMarginLoss', 'gaussianNllLoss'], called(x, y, positive)),
  cosineEmbeddingLoss: called(x, y, spec([1000])),
  ...each(['cosineSimilarity', 'pairwiseDistance'], called(x, y)),
}

/** What returns a view of its input in PyTorch. */
export const views: ReadonlySet<string> = new Set([
  ...['reshape', 'view', 'flatten', 'permute', 'transpose', 'movedim', 'expand', 'squeeze', 'unsqueeze', 'select'],
  ...[
    'narrow',
    'split',
    'chunk',
    'unbind',
    'unflatten',
    'viewAs',
    'expandAs',
    'broadcastTo',
    'broadcastTensors',
    'meshgrid',
  ],
  ...['tensorSplit', 'Tensor.unfold', 'diagonal', 't', 'ravel'],
])

export const inputsOf = (name: string): FunctionInputs => table[name] ?? called(x)
