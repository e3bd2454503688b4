// The case table: how each op of PyTorch's recorded samples is called here. A row says which arguments are positional, by their
// names in PyTorch; all other keyword arguments go into an options object at the end.

import type { Tensor } from '../../src/index.ts'
import * as t from '../../src/index.ts'

export type Value = unknown
export type Keywords = Readonly<Record<string, Value>>
export type Results = Tensor | readonly Tensor[]
export type Call = (args: readonly Value[], keywords: Keywords) => Results

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

const flat = (result: unknown): Results => {
  if (typeof result === 'object' && result !== null && 'indices' in result)
    return [(result as t.ValuesAndIndices).values, (result as t.ValuesAndIndices).indices]
  return result as Results
}

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

/** Pooling takes options where PyTorch also has positions. */
const pooled =
  (name: string, ...names: string[]): Call =>
  ([x, kernel, ...positions], { kernelSize = kernel, ...rest }) => {
    const options = { ...Object.fromEntries(positions.map((value, i) => [names[i], given(value)])), ...rest }
    return flat((namespace[name] as (...list: Value[]) => unknown)(x, kernelSize, options))
  }

const extremum =
  (name: 'max' | 'min'): Call =>
  (args) =>
    flat((namespace[name] as (...list: Value[]) => unknown)(...args))

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
  // movement
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
  pad: ([x, amounts, , value]) => (x as Tensor).pad(amounts as number[], value as number | undefined),
  cat: ([tensors, dim], keywords) => t.cat(tensors as Tensor[], (dim ?? keywords.dim) as number | undefined),
  stack: ([tensors, dim], keywords) => t.stack(tensors as Tensor[], (dim ?? keywords.dim) as number | undefined),
  tril: method('tril', 'diagonal'),
  triu: method('triu', 'diagonal'),
  // by position
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
  convTranspose2d: called('convTranspose2d', 'weight', 'bias'),
  maxPool2d: (args, { returnIndices, ...rest }) =>
    pooled(
      returnIndices ? 'maxPool2dWithIndices' : 'maxPool2d',
      'stride',
      'padding',
      'dilation',
      'ceilMode',
    )(args, rest),
  avgPool2d: pooled('avgPool2d', 'stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride'),
  adaptiveAvgPool2d: called('adaptiveAvgPool2d', 'outputSize'),
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
}
