// Constructors of kernel nodes: constants fold, identities vanish, literals and variables are shared. `lower` and `optimize` write kernels through these.
import type { DType } from '../base/dtype.ts'
import type { ReduceKind, Scalar } from '../base/scalar.ts'
import type {
  Accumulator,
  Alu,
  AluKind,
  Binding,
  Expression,
  Index,
  KernelDType,
  Literal,
  Load,
  LoopVariable,
  Memory,
  Read,
  Reference,
  Statement,
  Store,
} from './kernel-node.ts'

const smallIndices: Literal[] = []

export const literal = (dtype: KernelDType, value: Scalar): Literal => ({ op: 'literal', dtype, value })

/** An index constant; small ones are shared. */
export function indexLiteral(value: number): Literal {
  if (value < 0 || value >= 64 || !Number.isInteger(value)) return literal('index', value)
  return (smallIndices[value] ??= literal('index', value))
}

export const indexOf = (variable: LoopVariable): Index => ({ op: 'index', dtype: 'index', variable })
export const readOf = (accumulator: Accumulator): Read => ({ op: 'read', dtype: accumulator.dtype, accumulator })
export const referenceTo = (binding: Binding): Reference => ({ op: 'reference', dtype: binding.dtype, binding })

const comparisons: ReadonlySet<AluKind> = new Set(['less', 'lessEqual', 'equal', 'notEqual'])

/** Any elementwise operation, unfolded. */
export const alu = (kind: AluKind, dtype: KernelDType, ...inputs: Expression[]): Alu => ({
  op: 'alu',
  kind,
  dtype: comparisons.has(kind) ? 'bool' : dtype,
  inputs,
})

export const isLiteral = (expression: Expression, value?: Scalar): expression is Literal =>
  expression.op === 'literal' && (value === undefined || Object.is(expression.value, value))

const foldIndex: Partial<Record<AluKind, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => Math.floor(a / b),
  mod: (a, b) => a - b * Math.floor(a / b),
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
}

type IndexKind = 'add' | 'sub' | 'mul' | 'div' | 'mod' | 'max' | 'min'

/** Arithmetic on indices, folded. */
export function indexAlu(kind: IndexKind, a: Expression, b: Expression): Expression {
  if (a.op === 'literal' && b.op === 'literal') {
    const value = foldIndex[kind]!(Number(a.value), Number(b.value))
    if (Number.isSafeInteger(value)) return indexLiteral(value)
  }
  if (isLiteral(b, 0) && (kind === 'add' || kind === 'sub')) return a
  if (isLiteral(a, 0) && kind === 'add') return b
  if (isLiteral(b, 1) && (kind === 'mul' || kind === 'div')) return a
  if (isLiteral(a, 1) && kind === 'mul') return b
  if (isLiteral(b, 1) && kind === 'mod') return indexLiteral(0)
  if (kind === 'mul' && (isLiteral(a, 0) || isLiteral(b, 0))) return indexLiteral(0)
  return alu(kind, 'index', a, b)
}

export const lessThan = (a: Expression, b: Expression): Expression => alu('less', 'bool', a, b)

/** Conjunction; undefined stands for true. */
export function both(a: Expression | undefined, b: Expression | undefined): Expression | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a === b ? a : alu('and', 'bool', a, b)
}

export const castTo = (value: Expression, dtype: KernelDType): Expression =>
  value.dtype === dtype ? value : alu('cast', dtype, value)

export const loadOf = (memory: Memory, index: Expression, guard?: Expression, otherwise?: Expression): Load =>
  guard === undefined
    ? { op: 'load', dtype: memory.dtype, memory, index }
    : { op: 'load', dtype: memory.dtype, memory, index, guard, otherwise }

export const storeTo = (memory: Memory, index: Expression, value: Expression, guard?: Expression): Store =>
  guard === undefined ? { op: 'store', memory, index, value } : { op: 'store', memory, index, value, guard }

const integerRange: Partial<Record<DType, readonly [Scalar, Scalar]>> = {
  bool: [false, true],
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
}

/** The value that leaves the other operand of `kind` unchanged. */
export function identityOf(kind: ReduceKind, dtype: DType): Literal {
  const [low, high] = integerRange[dtype] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  if (kind === 'max') return literal(dtype, low)
  if (kind === 'min') return literal(dtype, high)
  const value = kind === 'sum' ? 0 : 1
  return literal(dtype, dtype === 'bool' ? value === 1 : dtype === 'int64' ? BigInt(value) : value)
}

/** The constant 0 (or false) of a dtype. */
export const zeroOf = (dtype: KernelDType): Literal => (dtype === 'index' ? indexLiteral(0) : identityOf('sum', dtype))

/** Whether a statement is, or holds, a loop. */
export const hasLoop = (statement: Statement): boolean =>
  statement.op === 'for' || (statement.op === 'if' && statement.body.some(hasLoop))
