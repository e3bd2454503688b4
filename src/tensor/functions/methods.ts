// The methods of tensors as functions, for who prefers `add(a, b)`; each is dropped by a bundler unless used.
import type { ValuesAndIndices } from '../families/reduction.ts'
import type { Tensor } from '../tensor.ts'

/** Names of the methods that give a tensor or several. */
type Method = { [K in keyof Tensor]: Tensor[K] extends (...rest: never[]) => unknown ? K : never }[keyof Tensor]
type Arguments<K extends Method> = Tensor[K] extends (...rest: infer A) => unknown ? A : never

// arithmetic, comparison, logic
export const add = (x: Tensor, ...rest: Arguments<'add'>) => x.add(...rest)
export const sub = (x: Tensor, ...rest: Arguments<'sub'>) => x.sub(...rest)
export const rsub = (x: Tensor, ...rest: Arguments<'rsub'>) => x.rsub(...rest)
export const mul = (x: Tensor, ...rest: Arguments<'mul'>) => x.mul(...rest)
export const div = (x: Tensor, ...rest: Arguments<'div'>) => x.div(...rest)
export const floorDivide = (x: Tensor, ...rest: Arguments<'floorDivide'>) => x.floorDivide(...rest)
export const remainder = (x: Tensor, ...rest: Arguments<'remainder'>) => x.remainder(...rest)
export const fmod = (x: Tensor, ...rest: Arguments<'fmod'>) => x.fmod(...rest)
export const pow = (x: Tensor, ...rest: Arguments<'pow'>) => x.pow(...rest)
export const maximum = (x: Tensor, ...rest: Arguments<'maximum'>) => x.maximum(...rest)
export const minimum = (x: Tensor, ...rest: Arguments<'minimum'>) => x.minimum(...rest)
export const eq = (x: Tensor, ...rest: Arguments<'eq'>) => x.eq(...rest)
export const ne = (x: Tensor, ...rest: Arguments<'ne'>) => x.ne(...rest)
export const lt = (x: Tensor, ...rest: Arguments<'lt'>) => x.lt(...rest)
export const le = (x: Tensor, ...rest: Arguments<'le'>) => x.le(...rest)
export const gt = (x: Tensor, ...rest: Arguments<'gt'>) => x.gt(...rest)
export const ge = (x: Tensor, ...rest: Arguments<'ge'>) => x.ge(...rest)
export const isclose = (x: Tensor, ...rest: Arguments<'isclose'>) => x.isclose(...rest)
export const allclose = (x: Tensor, ...rest: Arguments<'allclose'>) => x.allclose(...rest)
export const logicalAnd = (x: Tensor, ...rest: Arguments<'logicalAnd'>) => x.logicalAnd(...rest)
export const logicalOr = (x: Tensor, ...rest: Arguments<'logicalOr'>) => x.logicalOr(...rest)
export const logicalXor = (x: Tensor, ...rest: Arguments<'logicalXor'>) => x.logicalXor(...rest)
export const logicalNot = (x: Tensor, ...rest: Arguments<'logicalNot'>) => x.logicalNot(...rest)
export const bitwiseAnd = (x: Tensor, ...rest: Arguments<'bitwiseAnd'>) => x.bitwiseAnd(...rest)
export const bitwiseOr = (x: Tensor, ...rest: Arguments<'bitwiseOr'>) => x.bitwiseOr(...rest)
export const bitwiseXor = (x: Tensor, ...rest: Arguments<'bitwiseXor'>) => x.bitwiseXor(...rest)
export const bitwiseNot = (x: Tensor, ...rest: Arguments<'bitwiseNot'>) => x.bitwiseNot(...rest)
export const addcmul = (x: Tensor, ...rest: Arguments<'addcmul'>) => x.addcmul(...rest)
export const addcdiv = (x: Tensor, ...rest: Arguments<'addcdiv'>) => x.addcdiv(...rest)
export const lerp = (x: Tensor, ...rest: Arguments<'lerp'>) => x.lerp(...rest)
export const clamp = (x: Tensor, ...rest: Arguments<'clamp'>) => x.clamp(...rest)

// of one operand
export const neg = (x: Tensor, ...rest: Arguments<'neg'>) => x.neg(...rest)
export const abs = (x: Tensor, ...rest: Arguments<'abs'>) => x.abs(...rest)
export const sign = (x: Tensor, ...rest: Arguments<'sign'>) => x.sign(...rest)
export const square = (x: Tensor, ...rest: Arguments<'square'>) => x.square(...rest)
export const sqrt = (x: Tensor, ...rest: Arguments<'sqrt'>) => x.sqrt(...rest)
export const rsqrt = (x: Tensor, ...rest: Arguments<'rsqrt'>) => x.rsqrt(...rest)
export const reciprocal = (x: Tensor, ...rest: Arguments<'reciprocal'>) => x.reciprocal(...rest)
export const exp = (x: Tensor, ...rest: Arguments<'exp'>) => x.exp(...rest)
export const exp2 = (x: Tensor, ...rest: Arguments<'exp2'>) => x.exp2(...rest)
export const expm1 = (x: Tensor, ...rest: Arguments<'expm1'>) => x.expm1(...rest)
export const log = (x: Tensor, ...rest: Arguments<'log'>) => x.log(...rest)
export const log2 = (x: Tensor, ...rest: Arguments<'log2'>) => x.log2(...rest)
export const log10 = (x: Tensor, ...rest: Arguments<'log10'>) => x.log10(...rest)
export const log1p = (x: Tensor, ...rest: Arguments<'log1p'>) => x.log1p(...rest)
export const sin = (x: Tensor, ...rest: Arguments<'sin'>) => x.sin(...rest)
export const cos = (x: Tensor, ...rest: Arguments<'cos'>) => x.cos(...rest)
export const tan = (x: Tensor, ...rest: Arguments<'tan'>) => x.tan(...rest)
export const tanh = (x: Tensor, ...rest: Arguments<'tanh'>) => x.tanh(...rest)
export const erf = (x: Tensor, ...rest: Arguments<'erf'>) => x.erf(...rest)
export const floor = (x: Tensor, ...rest: Arguments<'floor'>) => x.floor(...rest)
export const ceil = (x: Tensor, ...rest: Arguments<'ceil'>) => x.ceil(...rest)
export const trunc = (x: Tensor, ...rest: Arguments<'trunc'>) => x.trunc(...rest)
export const round = (x: Tensor, ...rest: Arguments<'round'>) => x.round(...rest)
export const isnan = (x: Tensor, ...rest: Arguments<'isnan'>) => x.isnan(...rest)
export const isinf = (x: Tensor, ...rest: Arguments<'isinf'>) => x.isinf(...rest)
export const isfinite = (x: Tensor, ...rest: Arguments<'isfinite'>) => x.isfinite(...rest)

// reductions
export const sum = (x: Tensor, ...rest: Arguments<'sum'>) => x.sum(...rest)
export const prod = (x: Tensor, ...rest: Arguments<'prod'>) => x.prod(...rest)
export const mean = (x: Tensor, ...rest: Arguments<'mean'>) => x.mean(...rest)
export const amax = (x: Tensor, ...rest: Arguments<'amax'>) => x.amax(...rest)
export const amin = (x: Tensor, ...rest: Arguments<'amin'>) => x.amin(...rest)
export const argmax = (x: Tensor, ...rest: Arguments<'argmax'>) => x.argmax(...rest)
export const argmin = (x: Tensor, ...rest: Arguments<'argmin'>) => x.argmin(...rest)
export const any = (x: Tensor, ...rest: Arguments<'any'>) => x.any(...rest)
export const all = (x: Tensor, ...rest: Arguments<'all'>) => x.all(...rest)
export const std = (x: Tensor, ...rest: Arguments<'std'>) => x.std(...rest)
export const logsumexp = (x: Tensor, ...rest: Arguments<'logsumexp'>) => x.logsumexp(...rest)
export const cumsum = (x: Tensor, ...rest: Arguments<'cumsum'>) => x.cumsum(...rest)
export const norm = (x: Tensor, ...rest: Arguments<'norm'>) => x.norm(...rest)
export const countNonzero = (x: Tensor, ...rest: Arguments<'countNonzero'>) => x.countNonzero(...rest)

// products
export const matmul = (x: Tensor, ...rest: Arguments<'matmul'>) => x.matmul(...rest)
export const mm = (x: Tensor, ...rest: Arguments<'mm'>) => x.mm(...rest)
export const bmm = (x: Tensor, ...rest: Arguments<'bmm'>) => x.bmm(...rest)
export const mv = (x: Tensor, ...rest: Arguments<'mv'>) => x.mv(...rest)
export const dot = (x: Tensor, ...rest: Arguments<'dot'>) => x.dot(...rest)
export const outer = (x: Tensor, ...rest: Arguments<'outer'>) => x.outer(...rest)
export const addmm = (x: Tensor, ...rest: Arguments<'addmm'>) => x.addmm(...rest)
export const baddbmm = (x: Tensor, ...rest: Arguments<'baddbmm'>) => x.baddbmm(...rest)

// activations
export const relu = (x: Tensor, ...rest: Arguments<'relu'>) => x.relu(...rest)
export const sigmoid = (x: Tensor, ...rest: Arguments<'sigmoid'>) => x.sigmoid(...rest)
export const logSigmoid = (x: Tensor, ...rest: Arguments<'logSigmoid'>) => x.logSigmoid(...rest)
export const silu = (x: Tensor, ...rest: Arguments<'silu'>) => x.silu(...rest)
export const gelu = (x: Tensor, ...rest: Arguments<'gelu'>) => x.gelu(...rest)
export const elu = (x: Tensor, ...rest: Arguments<'elu'>) => x.elu(...rest)
export const selu = (x: Tensor, ...rest: Arguments<'selu'>) => x.selu(...rest)
export const leakyRelu = (x: Tensor, ...rest: Arguments<'leakyRelu'>) => x.leakyRelu(...rest)
export const softplus = (x: Tensor, ...rest: Arguments<'softplus'>) => x.softplus(...rest)
export const hardtanh = (x: Tensor, ...rest: Arguments<'hardtanh'>) => x.hardtanh(...rest)
export const relu6 = (x: Tensor, ...rest: Arguments<'relu6'>) => x.relu6(...rest)
export const hardsigmoid = (x: Tensor, ...rest: Arguments<'hardsigmoid'>) => x.hardsigmoid(...rest)
export const hardswish = (x: Tensor, ...rest: Arguments<'hardswish'>) => x.hardswish(...rest)
export const mish = (x: Tensor, ...rest: Arguments<'mish'>) => x.mish(...rest)
export const softsign = (x: Tensor, ...rest: Arguments<'softsign'>) => x.softsign(...rest)
export const softmax = (x: Tensor, ...rest: Arguments<'softmax'>) => x.softmax(...rest)
export const logSoftmax = (x: Tensor, ...rest: Arguments<'logSoftmax'>) => x.logSoftmax(...rest)

// movement
export const reshape = (x: Tensor, ...rest: Arguments<'reshape'>) => x.reshape(...rest)
export const flatten = (x: Tensor, ...rest: Arguments<'flatten'>) => x.flatten(...rest)
export const unflatten = (x: Tensor, ...rest: Arguments<'unflatten'>) => x.unflatten(...rest)
export const permute = (x: Tensor, ...rest: Arguments<'permute'>) => x.permute(...rest)
export const transpose = (x: Tensor, ...rest: Arguments<'transpose'>) => x.transpose(...rest)
export const movedim = (x: Tensor, ...rest: Arguments<'movedim'>) => x.movedim(...rest)
export const squeeze = (x: Tensor, ...rest: Arguments<'squeeze'>) => x.squeeze(...rest)
export const unsqueeze = (x: Tensor, ...rest: Arguments<'unsqueeze'>) => x.unsqueeze(...rest)
export const select = (x: Tensor, ...rest: Arguments<'select'>) => x.select(...rest)
export const narrow = (x: Tensor, ...rest: Arguments<'narrow'>) => x.narrow(...rest)
export const split = (x: Tensor, ...rest: Arguments<'split'>) => x.split(...rest)
export const chunk = (x: Tensor, ...rest: Arguments<'chunk'>) => x.chunk(...rest)
export const unbind = (x: Tensor, ...rest: Arguments<'unbind'>) => x.unbind(...rest)
export const flip = (x: Tensor, ...rest: Arguments<'flip'>) => x.flip(...rest)
export const roll = (x: Tensor, ...rest: Arguments<'roll'>) => x.roll(...rest)
export const pad = (x: Tensor, ...rest: Arguments<'pad'>) => x.pad(...rest)

// by position
export const gather = (x: Tensor, ...rest: Arguments<'gather'>) => x.gather(...rest)
export const scatter = (x: Tensor, ...rest: Arguments<'scatter'>) => x.scatter(...rest)
export const scatterAdd = (x: Tensor, ...rest: Arguments<'scatterAdd'>) => x.scatterAdd(...rest)
export const scatterReduce = (x: Tensor, ...rest: Arguments<'scatterReduce'>) => x.scatterReduce(...rest)
export const indexSelect = (x: Tensor, ...rest: Arguments<'indexSelect'>) => x.indexSelect(...rest)
export const indexAdd = (x: Tensor, ...rest: Arguments<'indexAdd'>) => x.indexAdd(...rest)
export const indexCopy = (x: Tensor, ...rest: Arguments<'indexCopy'>) => x.indexCopy(...rest)
export const takeAlongDim = (x: Tensor, ...rest: Arguments<'takeAlongDim'>) => x.takeAlongDim(...rest)
export const maskedFill = (x: Tensor, ...rest: Arguments<'maskedFill'>) => x.maskedFill(...rest)
export const tril = (x: Tensor, ...rest: Arguments<'tril'>) => x.tril(...rest)
export const triu = (x: Tensor, ...rest: Arguments<'triu'>) => x.triu(...rest)

// methods whose names are words of JavaScript, or whose results depend on the arguments
export const variance = (x: Tensor, ...rest: Arguments<'var'>) => x.var(...rest)
export function max(x: Tensor): Tensor
export function max(x: Tensor, other: Tensor): Tensor
export function max(x: Tensor, dim: number, keepdim?: boolean): ValuesAndIndices
export function max(x: Tensor, what?: Tensor | number, keepdim?: boolean): Tensor | ValuesAndIndices {
  if (what === undefined) return x.max()
  return typeof what === 'number' ? x.max(what, keepdim) : x.max(what)
}
export function min(x: Tensor): Tensor
export function min(x: Tensor, other: Tensor): Tensor
export function min(x: Tensor, dim: number, keepdim?: boolean): ValuesAndIndices
export function min(x: Tensor, what?: Tensor | number, keepdim?: boolean): Tensor | ValuesAndIndices {
  if (what === undefined) return x.min()
  return typeof what === 'number' ? x.min(what, keepdim) : x.min(what)
}
