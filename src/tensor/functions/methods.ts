// The methods of tensors as functions, for who prefers `add(a, b)`; each is dropped by a bundler unless used.
import type { Keepdim } from '../arguments.ts'
import type { PlainUnique, UniqueOptions } from '../families/counting.ts'
import type { ValuesAndIndices } from '../families/reduction.ts'
import { sameDevice } from '../operands.ts'
import type { Tensor } from '../tensor.ts'

/** Names of the methods that give a tensor or several. */
type Method = { [K in keyof Tensor]: Tensor[K] extends (...rest: never[]) => unknown ? K : never }[keyof Tensor]
type Arguments<K extends Method> = Tensor[K] extends (...rest: infer A) => unknown ? A : never
type Result<K extends Method> = Tensor[K] extends (...rest: never[]) => infer R ? R : never

/** A method of the first argument. */
const method =
  <K extends Method>(name: K) =>
  (x: Tensor, ...rest: Arguments<K>): Result<K> => {
    sameDevice(name, [x])
    return (x[name] as unknown as (...list: Arguments<K>) => Result<K>).apply(x, rest)
  }

// arithmetic, comparison, logic
export const add = /* @__PURE__ */ method('add')
export const sub = /* @__PURE__ */ method('sub')
export const rsub = /* @__PURE__ */ method('rsub')
export const mul = /* @__PURE__ */ method('mul')
export const div = /* @__PURE__ */ method('div')
export const floorDivide = /* @__PURE__ */ method('floorDivide')
export const remainder = /* @__PURE__ */ method('remainder')
export const fmod = /* @__PURE__ */ method('fmod')
export const pow = /* @__PURE__ */ method('pow')
export const maximum = /* @__PURE__ */ method('maximum')
export const minimum = /* @__PURE__ */ method('minimum')
export const eq = /* @__PURE__ */ method('eq')
export const ne = /* @__PURE__ */ method('ne')
export const lt = /* @__PURE__ */ method('lt')
export const le = /* @__PURE__ */ method('le')
export const gt = /* @__PURE__ */ method('gt')
export const ge = /* @__PURE__ */ method('ge')
export const isclose = /* @__PURE__ */ method('isclose')
export const allclose = /* @__PURE__ */ method('allclose')
export const logicalAnd = /* @__PURE__ */ method('logicalAnd')
export const logicalOr = /* @__PURE__ */ method('logicalOr')
export const logicalXor = /* @__PURE__ */ method('logicalXor')
export const logicalNot = /* @__PURE__ */ method('logicalNot')
export const bitwiseAnd = /* @__PURE__ */ method('bitwiseAnd')
export const bitwiseOr = /* @__PURE__ */ method('bitwiseOr')
export const bitwiseXor = /* @__PURE__ */ method('bitwiseXor')
export const bitwiseNot = /* @__PURE__ */ method('bitwiseNot')
export const addcmul = /* @__PURE__ */ method('addcmul')
export const addcdiv = /* @__PURE__ */ method('addcdiv')
export const lerp = /* @__PURE__ */ method('lerp')
export const clamp = /* @__PURE__ */ method('clamp')
export const clampMin = /* @__PURE__ */ method('clampMin')
export const clampMax = /* @__PURE__ */ method('clampMax')
export const isin = /* @__PURE__ */ method('isin')
export const bitwiseLeftShift = /* @__PURE__ */ method('bitwiseLeftShift')
export const bitwiseRightShift = /* @__PURE__ */ method('bitwiseRightShift')
export const logaddexp = /* @__PURE__ */ method('logaddexp')
export const logaddexp2 = /* @__PURE__ */ method('logaddexp2')
export const hypot = /* @__PURE__ */ method('hypot')
export const xlogy = /* @__PURE__ */ method('xlogy')
export const fmax = /* @__PURE__ */ method('fmax')
export const fmin = /* @__PURE__ */ method('fmin')
export const copysign = /* @__PURE__ */ method('copysign')
export const heaviside = /* @__PURE__ */ method('heaviside')
export const floatPower = /* @__PURE__ */ method('floatPower')

// of one operand
export const neg = /* @__PURE__ */ method('neg')
export const abs = /* @__PURE__ */ method('abs')
export const sign = /* @__PURE__ */ method('sign')
export const square = /* @__PURE__ */ method('square')
export const sqrt = /* @__PURE__ */ method('sqrt')
export const rsqrt = /* @__PURE__ */ method('rsqrt')
export const reciprocal = /* @__PURE__ */ method('reciprocal')
export const exp = /* @__PURE__ */ method('exp')
export const exp2 = /* @__PURE__ */ method('exp2')
export const expm1 = /* @__PURE__ */ method('expm1')
export const log = /* @__PURE__ */ method('log')
export const log2 = /* @__PURE__ */ method('log2')
export const log10 = /* @__PURE__ */ method('log10')
export const log1p = /* @__PURE__ */ method('log1p')
export const sin = /* @__PURE__ */ method('sin')
export const cos = /* @__PURE__ */ method('cos')
export const tan = /* @__PURE__ */ method('tan')
export const asin = /* @__PURE__ */ method('asin')
export const acos = /* @__PURE__ */ method('acos')
export const atan = /* @__PURE__ */ method('atan')
export const atan2 = /* @__PURE__ */ method('atan2')
export const sinh = /* @__PURE__ */ method('sinh')
export const cosh = /* @__PURE__ */ method('cosh')
export const erfc = /* @__PURE__ */ method('erfc')
export const tanh = /* @__PURE__ */ method('tanh')
export const erf = /* @__PURE__ */ method('erf')
export const floor = /* @__PURE__ */ method('floor')
export const ceil = /* @__PURE__ */ method('ceil')
export const trunc = /* @__PURE__ */ method('trunc')
export const round = /* @__PURE__ */ method('round')
export const isnan = /* @__PURE__ */ method('isnan')
export const isinf = /* @__PURE__ */ method('isinf')
export const isfinite = /* @__PURE__ */ method('isfinite')
export const asinh = /* @__PURE__ */ method('asinh')
export const acosh = /* @__PURE__ */ method('acosh')
export const atanh = /* @__PURE__ */ method('atanh')
export const erfinv = /* @__PURE__ */ method('erfinv')
export const logit = /* @__PURE__ */ method('logit')
export const lgamma = /* @__PURE__ */ method('lgamma')
export const digamma = /* @__PURE__ */ method('digamma')
export const polygamma = /* @__PURE__ */ method('polygamma')
export const mvlgamma = /* @__PURE__ */ method('mvlgamma')
export const sinc = /* @__PURE__ */ method('sinc')
export const frac = /* @__PURE__ */ method('frac')
export const deg2rad = /* @__PURE__ */ method('deg2rad')
export const rad2deg = /* @__PURE__ */ method('rad2deg')
export const signbit = /* @__PURE__ */ method('signbit')
export const isposinf = /* @__PURE__ */ method('isposinf')
export const isneginf = /* @__PURE__ */ method('isneginf')
export const nanToNum = /* @__PURE__ */ method('nanToNum')

// reductions
export const sum = /* @__PURE__ */ method('sum')
export const prod = /* @__PURE__ */ method('prod')
export const mean = /* @__PURE__ */ method('mean')
export const amax = /* @__PURE__ */ method('amax')
export const amin = /* @__PURE__ */ method('amin')
export const argmax = /* @__PURE__ */ method('argmax')
export const argmin = /* @__PURE__ */ method('argmin')
export const any = /* @__PURE__ */ method('any')
export const all = /* @__PURE__ */ method('all')
export const std = /* @__PURE__ */ method('std')
export const logsumexp = /* @__PURE__ */ method('logsumexp')
export const cumsum = /* @__PURE__ */ method('cumsum')
export const norm = /* @__PURE__ */ method('norm')
export const countNonzero = /* @__PURE__ */ method('countNonzero')
export const cumprod = /* @__PURE__ */ method('cumprod')
export const logcumsumexp = /* @__PURE__ */ method('logcumsumexp')
export const cummax = /* @__PURE__ */ method('cummax')
export const cummin = /* @__PURE__ */ method('cummin')
export const dist = /* @__PURE__ */ method('dist')
export const nansum = /* @__PURE__ */ method('nansum')
export const nanmean = /* @__PURE__ */ method('nanmean')
export const varMean = /* @__PURE__ */ method('varMean')
export const stdMean = /* @__PURE__ */ method('stdMean')
export const aminmax = /* @__PURE__ */ method('aminmax')
export const kthvalue = /* @__PURE__ */ method('kthvalue')
export const quantile = /* @__PURE__ */ method('quantile')
export const nanquantile = /* @__PURE__ */ method('nanquantile')
export const diff = /* @__PURE__ */ method('diff')

// products
export const matmul = /* @__PURE__ */ method('matmul')
export const mm = /* @__PURE__ */ method('mm')
export const bmm = /* @__PURE__ */ method('bmm')
export const mv = /* @__PURE__ */ method('mv')
export const dot = /* @__PURE__ */ method('dot')
export const outer = /* @__PURE__ */ method('outer')
export const addmm = /* @__PURE__ */ method('addmm')
export const baddbmm = /* @__PURE__ */ method('baddbmm')
export const addmv = /* @__PURE__ */ method('addmv')
export const addbmm = /* @__PURE__ */ method('addbmm')
export const addr = /* @__PURE__ */ method('addr')
export const vdot = /* @__PURE__ */ method('vdot')
export const inner = /* @__PURE__ */ method('inner')

// activations
export const relu = /* @__PURE__ */ method('relu')
export const sigmoid = /* @__PURE__ */ method('sigmoid')
export const logSigmoid = /* @__PURE__ */ method('logSigmoid')
export const silu = /* @__PURE__ */ method('silu')
export const gelu = /* @__PURE__ */ method('gelu')
export const elu = /* @__PURE__ */ method('elu')
export const selu = /* @__PURE__ */ method('selu')
export const leakyRelu = /* @__PURE__ */ method('leakyRelu')
export const softplus = /* @__PURE__ */ method('softplus')
export const hardtanh = /* @__PURE__ */ method('hardtanh')
export const relu6 = /* @__PURE__ */ method('relu6')
export const hardsigmoid = /* @__PURE__ */ method('hardsigmoid')
export const hardswish = /* @__PURE__ */ method('hardswish')
export const mish = /* @__PURE__ */ method('mish')
export const softsign = /* @__PURE__ */ method('softsign')
export const softmax = /* @__PURE__ */ method('softmax')
export const logSoftmax = /* @__PURE__ */ method('logSoftmax')
export const celu = /* @__PURE__ */ method('celu')
export const hardshrink = /* @__PURE__ */ method('hardshrink')
export const softshrink = /* @__PURE__ */ method('softshrink')
export const tanhshrink = /* @__PURE__ */ method('tanhshrink')
export const threshold = /* @__PURE__ */ method('threshold')
export const glu = /* @__PURE__ */ method('glu')
export const prelu = /* @__PURE__ */ method('prelu')
export const logsigmoid = /* @__PURE__ */ method('logsigmoid')
export const softmin = /* @__PURE__ */ method('softmin')

// movement
export const reshape = /* @__PURE__ */ method('reshape')
export const flatten = /* @__PURE__ */ method('flatten')
export const unflatten = /* @__PURE__ */ method('unflatten')
export const permute = /* @__PURE__ */ method('permute')
export const transpose = /* @__PURE__ */ method('transpose')
export const movedim = /* @__PURE__ */ method('movedim')
export const squeeze = /* @__PURE__ */ method('squeeze')
export const unsqueeze = /* @__PURE__ */ method('unsqueeze')
export const select = /* @__PURE__ */ method('select')
export const narrow = /* @__PURE__ */ method('narrow')
export const split = /* @__PURE__ */ method('split')
export const chunk = /* @__PURE__ */ method('chunk')
export const unbind = /* @__PURE__ */ method('unbind')
export const flip = /* @__PURE__ */ method('flip')
export const roll = /* @__PURE__ */ method('roll')
export const pad = /* @__PURE__ */ method('pad')
export const tile = /* @__PURE__ */ method('tile')
export const expand = /* @__PURE__ */ method('expand')
export const expandAs = /* @__PURE__ */ method('expandAs')
export const broadcastTo = /* @__PURE__ */ method('broadcastTo')
export const viewAs = /* @__PURE__ */ method('viewAs')
export const reshapeAs = /* @__PURE__ */ method('reshapeAs')
export const ravel = /* @__PURE__ */ method('ravel')
export const swapaxes = /* @__PURE__ */ method('swapaxes')
export const t = /* @__PURE__ */ method('t')
export const rot90 = /* @__PURE__ */ method('rot90')
export const fliplr = /* @__PURE__ */ method('fliplr')
export const flipud = /* @__PURE__ */ method('flipud')
export const tensorSplit = /* @__PURE__ */ method('tensorSplit')
export const diagonal = /* @__PURE__ */ method('diagonal')
export const diag = /* @__PURE__ */ method('diag')
export const diagEmbed = /* @__PURE__ */ method('diagEmbed')
export const diagflat = /* @__PURE__ */ method('diagflat')
export const trace = /* @__PURE__ */ method('trace')
export const repeat = /* @__PURE__ */ method('repeat')

// by position
export const sort = /* @__PURE__ */ method('sort')
export const argsort = /* @__PURE__ */ method('argsort')
export const topk = /* @__PURE__ */ method('topk')
export const gather = /* @__PURE__ */ method('gather')
export const scatter = /* @__PURE__ */ method('scatter')
export const scatterAdd = /* @__PURE__ */ method('scatterAdd')
export const scatterReduce = /* @__PURE__ */ method('scatterReduce')
export const indexSelect = /* @__PURE__ */ method('indexSelect')
export const indexAdd = /* @__PURE__ */ method('indexAdd')
export const indexCopy = /* @__PURE__ */ method('indexCopy')
export const takeAlongDim = /* @__PURE__ */ method('takeAlongDim')
export const maskedFill = /* @__PURE__ */ method('maskedFill')
export const tril = /* @__PURE__ */ method('tril')
export const triu = /* @__PURE__ */ method('triu')
export const take = /* @__PURE__ */ method('take')
export const put = /* @__PURE__ */ method('put')
export const indexFill = /* @__PURE__ */ method('indexFill')
export const indexPut = /* @__PURE__ */ method('indexPut')
export const maskedScatter = /* @__PURE__ */ method('maskedScatter')
export const maskedSelect = /* @__PURE__ */ method('maskedSelect')
export const argwhere = /* @__PURE__ */ method('argwhere')
export const bincount = /* @__PURE__ */ method('bincount')

// methods whose names are words of JavaScript, or whose results depend on the arguments
export const variance = /* @__PURE__ */ method('var')
export function max(x: Tensor): Tensor
export function max(x: Tensor, other: Tensor): Tensor
export function max(x: Tensor, dim: number, keepdim?: Keepdim): ValuesAndIndices
export function max(x: Tensor, what?: Tensor | number, keepdim?: Keepdim): Tensor | ValuesAndIndices {
  if (what === undefined) return x.max()
  return typeof what === 'number' ? x.max(what, keepdim) : x.max(what)
}
export function min(x: Tensor): Tensor
export function min(x: Tensor, other: Tensor): Tensor
export function min(x: Tensor, dim: number, keepdim?: Keepdim): ValuesAndIndices
export function min(x: Tensor, what?: Tensor | number, keepdim?: Keepdim): Tensor | ValuesAndIndices {
  if (what === undefined) return x.min()
  return typeof what === 'number' ? x.min(what, keepdim) : x.min(what)
}

/** Median of all elements; with an axis, medians and where they stand. */
export function median(x: Tensor): Tensor
export function median(x: Tensor, dim: number, keepdim?: Keepdim): ValuesAndIndices
export function median(x: Tensor, dim?: number, keepdim?: Keepdim): Tensor | ValuesAndIndices {
  return dim === undefined ? x.median() : x.median(dim, keepdim)
}
export function nanmedian(x: Tensor): Tensor
export function nanmedian(x: Tensor, dim: number, keepdim?: Keepdim): ValuesAndIndices
export function nanmedian(x: Tensor, dim?: number, keepdim?: Keepdim): Tensor | ValuesAndIndices {
  return dim === undefined ? x.nanmedian() : x.nanmedian(dim, keepdim)
}
export function nonzero(x: Tensor, options?: { readonly asTuple?: false }): Promise<Tensor>
export function nonzero(x: Tensor, options: { readonly asTuple: true }): Promise<Tensor[]>
export function nonzero(
  x: Tensor,
  { asTuple = false }: { readonly asTuple?: boolean } = {},
): Promise<Tensor | Tensor[]> {
  return asTuple ? x.nonzero({ asTuple: true }) : x.nonzero()
}
export function unique(x: Tensor, options?: PlainUnique): Promise<Tensor>
export function unique(x: Tensor, options: UniqueOptions): Promise<Tensor | Tensor[]>
export function unique(x: Tensor, options: UniqueOptions = {}): Promise<Tensor | Tensor[]> {
  return x.unique(options)
}
export function uniqueConsecutive(x: Tensor, options?: PlainUnique): Promise<Tensor>
export function uniqueConsecutive(x: Tensor, options: UniqueOptions): Promise<Tensor | Tensor[]>
export function uniqueConsecutive(x: Tensor, options: UniqueOptions = {}): Promise<Tensor | Tensor[]> {
  return x.uniqueConsecutive(options)
}
export function repeatInterleave(x: Tensor, repeats: number, dim?: number | null): Tensor
export function repeatInterleave(x: Tensor, repeats: Tensor, dim?: number | null): Promise<Tensor>
export function repeatInterleave(x: Tensor, repeats: number | Tensor, dim?: number | null): Tensor | Promise<Tensor> {
  return typeof repeats === 'number' ? x.repeatInterleave(repeats, dim) : x.repeatInterleave(repeats, dim)
}
