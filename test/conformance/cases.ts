// The case table: how each op of PyTorch's recorded samples is called here. A row says which arguments are positional, by their
// names in PyTorch; all other keyword arguments go into an options object at the end.

import type { Tensor } from '../../src/index.ts'
import * as t from '../../src/index.ts'

export type Value = unknown
export type Keywords = Readonly<Record<string, Value>>
export type Results = Tensor | readonly Tensor[]
/** Functions that make tensors are told the device. */
export type Call = (args: readonly Value[], keywords: Keywords, device?: string) => Results | Promise<Results>

type AnyFunction = (...args: never[]) => unknown
const namespace = t as unknown as Record<string, AnyFunction>

/** Positional arguments, then those given by name in the order of `names`, then the rest as options. */
function argumentsOf(args: readonly Value[], keywords: Keywords, names: readonly string[]): Value[] {
  const rest = { ...keywords }
  const list = [...args]
  names.forEach((name, i) => {
    if (name in rest) list[i + 1] = rest[name]
    delete rest[name]
  })
  if (Object.keys(rest).length === 0) return list
  while (list.length <= names.length) list.push(undefined)
  return [...list, rest]
}

/** Results with names as a list, in PyTorch's order, which is that of their fields. */
const listed = (result: object): Results =>
  Array.isArray(result) || result instanceof t.Tensor ? (result as Results) : (Object.values(result) as Tensor[])
const flat = (result: unknown): Results | Promise<Results> =>
  result instanceof Promise ? result.then(listed) : listed(result as object)

/** A method; `names` are its positional parameters after the tensor itself. */
const method =
  (name: string, ...names: string[]): Call =>
  (args, keywords) => {
    const [x, ...rest] = argumentsOf(args, keywords, names)
    return flat((namespace[name] as (...list: Value[]) => unknown)(x, ...rest))
  }

/** A function of this name; the first parameter may have a name, too. */
const called = (name: string, ...names: string[]): Call => method(name, ...names)

/** `var` and `std`: PyTorch's old `unbiased` is a correction of 1 or 0. */
const spread =
  (name: 'var' | 'std'): Call =>
  ([x, second], keywords) => {
    const { unbiased = typeof second === 'boolean' ? second : undefined, dim, correction, keepdim } = keywords
    const axes = (typeof second === 'boolean' ? undefined : (second ?? dim)) as t.Axes
    const amount = unbiased === undefined ? (correction ?? undefined) : Number(unbiased)
    return (x as Tensor)[name](axes, { correction: amount, keepdim } as t.VarianceOptions)
  }

/** PyTorch's null and [] stand for arguments left out. */
const given = (value: Value): Value => (Array.isArray(value) && value.length === 0 ? undefined : (value ?? undefined))

/** A function that makes a tensor of sizes or numbers, with the device that the test runs on. */
const made =
  (name: string, ...names: string[]): Call =>
  (args, keywords, device) => {
    const list = argumentsOf(args, { ...keywords, device }, names)
    return flat((namespace[name] as (...rest: Value[]) => unknown)(...list))
  }

/** Functions of a list of tensors, which the samples give as a list or one by one. */
const ofList =
  (name: string): Call =>
  ([first, ...rest], keywords) => {
    const tensors = Array.isArray(first) ? first : [first, ...rest]
    const options = Object.keys(keywords).length > 0 ? [keywords] : []
    return flat((namespace[name] as (...list: Value[]) => unknown)(tensors, ...options))
  }

/** Pooling takes options where PyTorch also has positions. */
const pooled =
  (name: string, ...names: string[]): Call =>
  ([x, kernel, ...positions], { kernelSize = kernel, ...rest }) => {
    const options = { ...Object.fromEntries(positions.map((value, i) => [names[i], given(value)])), ...rest }
    return flat((namespace[name] as (...list: Value[]) => unknown)(x, kernelSize, options))
  }

/** A function whose arguments after the first `count` are options here, by their names in PyTorch's order. */
const optioned =
  (name: string, count: number, ...names: string[]): Call =>
  (args, keywords) => {
    const options = Object.fromEntries(args.slice(count).map((value, i) => [names[i], value]))
    const tensors = [...args.slice(0, count)]
    return flat((namespace[name] as (...list: Value[]) => unknown)(...tensors, { ...options, ...keywords }))
  }

const extremum =
  (name: 'max' | 'min'): Call =>
  (args) =>
    flat((namespace[name] as (...list: Value[]) => unknown)(...args))

const meanOf = (x: Tensor, second: Value, { dim, keepdim }: Keywords): Tensor =>
  x.mean((typeof second === 'boolean' ? undefined : (second ?? dim)) as t.Axes, keepdim as boolean | undefined)

const isMasked = (indices: readonly Value[]): boolean =>
  indices.some((index) =>
    index instanceof t.Tensor
      ? index.dtype === 'bool'
      : Array.isArray(index) && index.flat(9).some((each) => typeof each === 'boolean'),
  )

const unary = [
  ...['abs', 'neg', 'sign', 'square', 'sqrt', 'rsqrt', 'reciprocal', 'exp', 'exp2', 'expm1', 'log', 'log2', 'log10'],
  ...[
    'log1p',
    'sin',
    'cos',
    'tan',
    'tanh',
    'erf',
    'floor',
    'ceil',
    'trunc',
    'isnan',
    'isinf',
    'isfinite',
    'logicalNot',
  ],
  ...['acosh', 'asinh', 'atanh', 'lgamma', 'digamma', 'erfinv', 'frac', 'sinc', 'isposinf', 'isneginf', 'signbit'],
  ...[
    'deg2rad',
    'rad2deg',
    'bitwiseNot',
    'nanToNum',
    'celu',
    'selu',
    'hardsigmoid',
    'hardswish',
    'relu6',
    'logsigmoid',
    'mish',
  ],
  ...['softsign', 'tanhshrink'],
  ...['relu', 'sigmoid', 'silu', 'softplus', 'gelu', 'elu', 'leakyRelu', 'round'],
]
const binary = [
  ...['add', 'sub', 'mul', 'div', 'floorDivide', 'remainder', 'fmod', 'pow', 'maximum', 'minimum'],
  ...[
    'eq',
    'ne',
    'lt',
    'le',
    'gt',
    'ge',
    'logicalAnd',
    'logicalOr',
    'logicalXor',
    'bitwiseAnd',
    'bitwiseOr',
    'bitwiseXor',
  ],
  ...['fmax', 'fmin', 'logaddexp', 'logaddexp2', 'hypot', 'xlogy', 'copysign', 'heaviside', 'floatPower'],
  ...['bitwiseLeftShift', 'bitwiseRightShift', 'rsub', 'isclose', 'allclose', 'dist'],
  ...['matmul', 'mm', 'bmm', 'mv', 'dot', 'outer'],
]

export const cases: Readonly<Record<string, Call>> = {
  ...Object.fromEntries(unary.map((name) => [name, method(name)])),
  ...Object.fromEntries(binary.map((name) => [name, method(name, 'other')])),
  einsum: ([equation, ...tensors]) => t.einsum(equation as string, ...(tensors as Tensor[])),
  ...Object.fromEntries(['acos', 'asin', 'atan', 'cosh', 'sinh', 'erfc'].map((name) => [name, method(name)])),
  atan2: method('atan2', 'other'),
  sort: (args, { stable: _, ...keywords }) => method('sort', 'dim', 'descending')(args, keywords),
  argsort: (args, { stable: _, ...keywords }) => method('argsort', 'dim', 'descending')(args, keywords),
  topk: (args, keywords) => method('topk', 'k', 'dim', 'largest')(args.slice(0, 4), keywords),
  addmm: method('addmm', 'mat1', 'mat2'),
  baddbmm: method('baddbmm', 'batch1', 'batch2'),
  polygamma: ([first, second]) =>
    typeof first === 'number' ? (second as Tensor).polygamma(first) : (first as Tensor).polygamma(second as number),
  mvlgamma: method('mvlgamma', 'p'),
  logit: method('logit', 'eps'),
  nanToNum: method('nanToNum', 'nan', 'posinf', 'neginf'),
  lerp: method('lerp', 'end', 'weight'),
  addcmul: method('addcmul', 'tensor1', 'tensor2'),
  addcdiv: method('addcdiv', 'tensor1', 'tensor2'),
  equal: ([x, other]) => (x as Tensor).equal(other as Tensor),
  isin: method('isin', 'testElements'),
  clampMin: method('clampMin', 'min'),
  clampMax: method('clampMax', 'max'),
  // creation
  arange: ([first, ...rest], { end, ...keywords }, device) =>
    made('arange')([first, ...(end === undefined ? [] : [end]), ...rest].map(Number), keywords, device),
  linspace: made('linspace'),
  logspace: made('logspace', '', '', 'base'),
  eye: made('eye'),
  full: made('full'),
  ones: made('ones'),
  zeros: made('zeros'),
  fullLike: method('fullLike', 'fillValue'),
  onesLike: method('onesLike'),
  zerosLike: method('zerosLike'),
  clamp: method('clamp', 'min', 'max'),
  where: called('where', 'input', 'other'),
  // reductions
  sum: method('sum', 'dim'),
  mean: method('mean', 'dim'),
  prod: ([x, dim], keywords) => (x as Tensor).prod((dim ?? keywords.dim) as t.Axes, keywords),
  amax: method('amax', 'dim', 'keepdim'),
  amin: method('amin', 'dim', 'keepdim'),
  any: method('any', 'dim', 'keepdim'),
  all: method('all', 'dim', 'keepdim'),
  argmax: method('argmax', 'dim', 'keepdim'),
  argmin: method('argmin', 'dim', 'keepdim'),
  max: extremum('max'),
  min: extremum('min'),
  var: spread('var'),
  std: spread('std'),
  logsumexp: method('logsumexp', 'dim', 'keepdim'),
  cumsum: method('cumsum', 'dim'),
  cumprod: method('cumprod', 'dim'),
  cummax: method('cummax', 'dim'),
  cummin: method('cummin', 'dim'),
  logcumsumexp: method('logcumsumexp', 'dim'),
  median: method('median', 'dim', 'keepdim'),
  nanmedian: method('nanmedian', 'dim', 'keepdim'),
  kthvalue: method('kthvalue', 'k', 'dim', 'keepdim'),
  quantile: method('quantile', 'q', 'dim', 'keepdim'),
  nanquantile: method('nanquantile', 'q', 'dim', 'keepdim'),
  norm: method('norm', 'p', 'dim'),
  nansum: method('nansum', 'dim'),
  nanmean: method('nanmean', 'dim'),
  varMean: ([x, second], keywords) => [
    spread('var')([x, second], keywords) as Tensor,
    meanOf(x as Tensor, second, keywords),
  ],
  stdMean: ([x, second], keywords) => [
    spread('std')([x, second], keywords) as Tensor,
    meanOf(x as Tensor, second, keywords),
  ],
  aminmax: method('aminmax'),
  countNonzero: method('countNonzero', 'dim'),
  diff: ([x, n, dim, prepend, append]) =>
    (x as Tensor).diff(n as number, dim as number, { prepend, append } as { prepend?: Tensor; append?: Tensor }),
  unique: method('unique'),
  uniqueConsecutive: method('uniqueConsecutive'),
  nonzero: method('nonzero'),
  argwhere: method('argwhere'),
  bincount: method('bincount', 'weights', 'minlength'),
  searchsorted: called('searchsorted', 'values'),
  bucketize: called('bucketize', 'boundaries'),
  // movement
  tile: ([x, counts]) => (x as Tensor).tile(counts as number[]),
  broadcastTo: method('broadcastTo', 'shape'),
  expandAs: method('expandAs', 'other'),
  viewAs: method('viewAs', 'other'),
  unflatten: method('unflatten', 'dim', 'sizes'),
  diag: method('diag', 'diagonal'),
  diagonal: method('diagonal', 'offset', 'dim1', 'dim2'),
  diagEmbed: method('diagEmbed', 'offset', 'dim1', 'dim2'),
  diagflat: method('diagflat', 'offset'),
  trace: method('trace'),
  rot90: method('rot90', 'k', 'dims'),
  fliplr: method('fliplr'),
  flipud: method('flipud'),
  hstack: ofList('hstack'),
  vstack: ofList('vstack'),
  dstack: ofList('dstack'),
  meshgrid: ofList('meshgrid'),
  broadcastTensors: (args) => t.broadcastTensors(...(args.flat() as Tensor[])),
  tensorSplit: async ([x, cuts, dim], { indices = cuts, sections, dim: axis = dim }) => {
    const given = (sections ?? indices) as number | number[] | Tensor
    const known = given instanceof t.Tensor ? Array.from(await given.data(), Number) : given
    return (x as Tensor).tensorSplit(
      given instanceof t.Tensor && given.ndim === 0 ? (known as number[])[0] : known,
      axis as number | undefined,
    )
  },
  repeatInterleave: method('repeatInterleave', 'repeats', 'dim'),
  'Tensor.unfold': ([x, dim, size, step]) => (x as Tensor).unfold(dim as number, size as number, step as number),
  t: method('t'),
  ravel: method('ravel'),
  reshape: method('reshape', 'shape'),
  view: ([x, shape]) => (x as Tensor).view(shape as t.Shape),
  flatten: method('flatten', 'startDim', 'endDim'),
  permute: method('permute', 'dims'),
  transpose: method('transpose', 'dim0', 'dim1'),
  movedim: method('movedim', 'source', 'destination'),
  expand: ([x, shape]) => (x as Tensor).expand(shape as t.Shape),
  squeeze: method('squeeze', 'dim'),
  unsqueeze: method('unsqueeze', 'dim'),
  select: method('select', 'dim', 'index'),
  narrow: method('narrow', 'dim', 'start', 'length'),
  split: method('split', 'splitSizeOrSections', 'dim'),
  chunk: method('chunk', 'chunks', 'dim'),
  unbind: method('unbind', 'dim'),
  flip: method('flip', 'dims'),
  repeat: ([x, counts]) => (x as Tensor).repeat(counts as number[]),
  roll: method('roll', 'shifts', 'dims'),
  pad: method('pad', 'pad', 'mode', 'value'),
  cat: ([tensors, dim], keywords) => t.cat(tensors as Tensor[], (dim ?? keywords.dim) as number | undefined),
  stack: ([tensors, dim], keywords) => t.stack(tensors as Tensor[], (dim ?? keywords.dim) as number | undefined),
  tril: method('tril', 'diagonal'),
  triu: method('triu', 'diagonal'),
  // by position
  index: ([x, index]) => {
    // lists and tuples are recorded alike; of numbers alone it was a list
    const isTuple = Array.isArray(index) && !index.every((each) => typeof each === 'number')
    const indices = (isTuple ? index : [index]) as t.Index[]
    return isMasked(indices) ? (x as Tensor).indexMasked(...indices) : (x as Tensor).index(...indices)
  },
  indexPut: method('indexPut', 'indices', 'values'),
  indexFill: method('indexFill', 'dim', 'index', 'value'),
  indexCopy: method('indexCopy', 'dim', 'index', 'source'),
  take: method('take', 'index'),
  put: ([x, index, source, accumulate = false]) =>
    (x as Tensor).put(index as Tensor, source as Tensor, { accumulate: accumulate as boolean }),
  maskedSelect: method('maskedSelect', 'mask'),
  maskedScatter: method('maskedScatter', 'mask', 'source'),
  scatterReduce: method('scatterReduce', 'dim', 'index', 'src', 'reduce'),
  gather: method('gather', 'dim', 'index'),
  scatter: method('scatter', 'dim', 'index', 'src'),
  scatterAdd: method('scatterAdd', 'dim', 'index', 'src'),
  indexSelect: method('indexSelect', 'dim', 'index'),
  indexAdd: method('indexAdd', 'dim', 'index', 'source'),
  takeAlongDim: method('takeAlongDim', 'indices', 'dim'),
  maskedFill: method('maskedFill', 'mask', 'value'),
  oneHot: method('oneHot', 'numClasses'),
  // conversion
  to: ([x, dtype]) => (x as Tensor).to(dtype as string),
  // neural
  softmax: method('softmax', 'dim'),
  logSoftmax: method('logSoftmax', 'dim'),
  linear: called('linear', 'weight', 'bias'),
  conv1d: called('conv1d', 'weight', 'bias'),
  conv2d: called('conv2d', 'weight', 'bias'),
  conv3d: called('conv3d', 'weight', 'bias'),
  convTranspose1d: called('convTranspose1d', 'weight', 'bias'),
  convTranspose2d: called('convTranspose2d', 'weight', 'bias'),
  convTranspose3d: called('convTranspose3d', 'weight', 'bias'),
  ...Object.fromEntries(
    ['maxPool1d', 'maxPool2d', 'maxPool3d'].map((name) => [
      name,
      pooled(name, 'stride', 'padding', 'dilation', 'ceilMode'),
    ]),
  ),
  ...Object.fromEntries(
    ['avgPool1d', 'avgPool2d', 'avgPool3d'].map((name) => [
      name,
      pooled(name, 'stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride'),
    ]),
  ),
  ...Object.fromEntries(
    [1, 2, 3].flatMap((rank) => [
      [`adaptiveAvgPool${rank}d`, called(`adaptiveAvgPool${rank}d`, 'outputSize')],
      [`adaptiveMaxPool${rank}d`, optioned(`adaptiveMaxPool${rank}d`, 2, 'returnIndices')],
    ]),
  ),
  unfold: pooled('unfold', 'dilation', 'padding', 'stride'),
  fold: called('fold', 'outputSize', 'kernelSize'),
  interpolate: optioned('interpolate', 1, 'size', 'scaleFactor', 'mode', 'alignCorners'),
  pixelShuffle: called('pixelShuffle', 'upscaleFactor'),
  pixelUnshuffle: called('pixelUnshuffle', 'downscaleFactor'),
  channelShuffle: called('channelShuffle', 'groups'),
  layerNorm: called('layerNorm', 'normalizedShape', 'weight', 'bias'),
  groupNorm: called('groupNorm', 'numGroups', 'weight', 'bias'),
  batchNorm: called('batchNorm', 'runningMean', 'runningVar', 'weight', 'bias'),
  embedding: called('embedding', 'weight'),
  scaledDotProductAttention: called('scaledDotProductAttention', 'key', 'value'),
  crossEntropy: called('crossEntropy', 'target'),
  nllLoss: called('nllLoss', 'target'),
  binaryCrossEntropyWithLogits: called('binaryCrossEntropyWithLogits', 'target'),
  mseLoss: called('mseLoss', 'target'),
  l1Loss: called('l1Loss', 'target'),
  smoothL1Loss: called('smoothL1Loss', 'target'),
  huberLoss: called('huberLoss', 'target'),
  klDiv: called('klDiv', 'target'),
  binaryCrossEntropy: called('binaryCrossEntropy', 'target'),
  softMarginLoss: called('softMarginLoss', 'target'),
  marginRankingLoss: called('marginRankingLoss', 'input2', 'target'),
  hingeEmbeddingLoss: called('hingeEmbeddingLoss', 'target'),
  cosineEmbeddingLoss: called('cosineEmbeddingLoss', 'input2', 'target'),
  tripletMarginLoss: called('tripletMarginLoss', 'positive', 'negative'),
  poissonNllLoss: called('poissonNllLoss', 'target'),
  gaussianNllLoss: called('gaussianNllLoss', 'target', 'var'),
  instanceNorm: called('instanceNorm', 'runningMean', 'runningVar', 'weight', 'bias'),
  rmsNorm: called('rmsNorm', 'normalizedShape', 'weight'),
  localResponseNorm: optioned('localResponseNorm', 2, 'alpha', 'beta', 'k'),
  normalize: optioned('normalize', 1, 'p', 'dim', 'eps'),
  cosineSimilarity: optioned('cosineSimilarity', 2, 'dim', 'eps'),
  pairwiseDistance: optioned('pairwiseDistance', 2, 'p', 'eps', 'keepdim'),
  cdist: ([x1, x2, p], { p: named = p }) => t.cdist(x1 as Tensor, x2 as Tensor, named as number | undefined),
  softshrink: method('softshrink', 'lambd'),
  hardshrink: method('hardshrink', 'lambd'),
  hardtanh: method('hardtanh', 'minVal', 'maxVal'),
  glu: method('glu', 'dim'),
  prelu: method('prelu', 'weight'),
  threshold: method('threshold', 'threshold', 'value'),
  softmin: method('softmin', 'dim'),
  bilinear: called('bilinear', 'input2', 'weight', 'bias'),
  addmv: method('addmv', 'mat', 'vec'),
  addbmm: method('addbmm', 'batch1', 'batch2'),
  addr: method('addr', 'vec1', 'vec2'),
  vdot: method('vdot', 'other'),
  inner: method('inner', 'other'),
  tensordot: called('tensordot', 'other', 'dims'),
}
