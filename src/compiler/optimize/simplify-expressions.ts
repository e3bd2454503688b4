// Peephole rules on kernel expressions, bottom up: exact ones only, so that results keep their bits (no reassociation of floats).
import { isFloat } from '../../base/dtype.ts'
import { aluFunction } from '../../kernel/alu-arithmetic.ts'
import { alu, castTo, indexAlu, indexLiteral, isLiteral, literal } from '../../kernel/builders.ts'
import type { Alu, AluKind, Expression, Kernel, KernelDType, Literal, Statement } from '../../kernel/kernel-node.ts'
import { mapStatement, rewriteExpression } from './rewrite.ts'

export function simplifyExpressions(kernel: Kernel): Kernel {
  const done = new Map<Expression, Expression>()
  const map = (expression: Expression) => rewriteExpression(expression, simplify, done)
  const mapBody = (body: readonly Statement[]): readonly Statement[] =>
    body.map((statement) => withoutTrueGuard(mapStatement(statement, map, mapBody)))
  return { ...kernel, body: mapBody(kernel.body) }
}

function withoutTrueGuard(statement: Statement): Statement {
  if (statement.op !== 'store' || statement.guard === undefined || !isTrue(statement.guard)) return statement
  const { guard: _, ...plain } = statement
  return plain
}

const isTrue = (expression: Expression): boolean => expression.op === 'literal' && Boolean(expression.value)
const isFloatType = (dtype: KernelDType): boolean => dtype !== 'index' && isFloat(dtype)

function simplify(expression: Expression): Expression {
  if (expression.op === 'load') {
    if (expression.guard === undefined || expression.guard.op !== 'literal') return expression
    const { guard, otherwise, ...plain } = expression
    return guard.value ? plain : otherwise!
  }
  if (expression.op !== 'alu') return expression
  if (expression.dtype === 'index') return simplifyIndex(expression)
  const [a, b, c] = expression.inputs
  return fold(expression) ?? rules[expression.kind]?.(expression, a, b, c) ?? expression
}

// --- constants --------------------------------------------------------------------------------------------------------------

/** Operations that every device rounds alike. */
const foldable: ReadonlySet<AluKind> = new Set([
  'add',
  'sub',
  'mul',
  'div',
  'max',
  'min',
  'neg',
  'abs',
  'floor',
  'sqrt',
  'cast',
  'less',
  'lessEqual',
  'equal',
  'notEqual',
  'and',
  'or',
  'xor',
  'not',
])

function fold({ kind, dtype, inputs }: Alu): Expression | undefined {
  if (!foldable.has(kind) || dtype === 'index' || !inputs.every((input) => input.op === 'literal')) return undefined
  const operand = inputs[0].dtype
  const compute = aluFunction(kind, dtype, operand)
  const [a, b] = (inputs as readonly Literal[]).map(literalValue)
  const value = compute(a, b)
  return literal(dtype, dtype === 'bool' ? value !== 0 : value)
}

function literalValue({ dtype, value }: Literal): number | bigint {
  if (dtype === 'int64') return BigInt(value)
  return dtype === 'index' ? Number(value) : aluFunction('cast', dtype, 'float64')(Number(value))
}

// --- indices ----------------------------------------------------------------------------------------------------------------

const isSum = (expression: Expression): expression is Alu =>
  expression.op === 'alu' && (expression.kind === 'add' || expression.kind === 'sub')

function simplifyIndex(expression: Alu): Expression {
  const { kind, inputs } = expression
  const [a, b] = inputs
  if (kind === 'cast') return isLiteral(a) ? indexLiteral(Number(a.value)) : expression
  if (
    kind !== 'add' &&
    kind !== 'sub' &&
    kind !== 'mul' &&
    kind !== 'div' &&
    kind !== 'mod' &&
    kind !== 'max' &&
    kind !== 'min'
  )
    return expression
  if ((kind === 'add' || kind === 'sub') && isLiteral(b) && isSum(a) && isLiteral(a.inputs[1])) {
    // (x + c) + d
    const inner = a.kind === 'add' ? 1 : -1
    const sum = inner * Number(a.inputs[1].value) + (kind === 'add' ? 1 : -1) * Number(b.value)
    return sum < 0 ? indexAlu('sub', a.inputs[0], indexLiteral(-sum)) : indexAlu('add', a.inputs[0], indexLiteral(sum))
  }
  const folded = indexAlu(kind, a, b)
  return folded.op === 'alu' && folded.kind === kind && folded.inputs[0] === a ? expression : folded
}

// --- rules ------------------------------------------------------------------------------------------------------------------

type Rule = (expression: Alu, a: Expression, b: Expression, c: Expression) => Expression | undefined

const isNumber = (expression: Expression, value: number): boolean =>
  expression.op === 'literal' && typeof expression.value !== 'boolean' && Object.is(Number(expression.value), value)

type AluOf<K extends AluKind> = Alu & { readonly kind: K }

const isAlu = <K extends AluKind>(expression: Expression, kind: K): expression is AluOf<K> =>
  expression.op === 'alu' && expression.kind === kind

const isNegation = (expression: Expression): expression is AluOf<'neg'> => isAlu(expression, 'neg')

/** Exact when the reciprocal is a power of two in the normal range of float32. */
function exactReciprocal(expression: Expression): number | undefined {
  if (expression.op !== 'literal' || !isFloatType(expression.dtype)) return undefined
  const exponent = Math.log2(Math.abs(Number(expression.value)))
  return Number.isInteger(exponent) && Math.abs(exponent) < 120 ? 1 / Number(expression.value) : undefined
}

const multiply: Rule = ({ dtype }, a, b) => {
  if (dtype === 'bool') return undefined
  if (isNumber(b, 1)) return a
  if (isNumber(a, 1)) return b
  if (isNumber(b, -1)) return negate(dtype, a)
  return isNumber(a, -1) ? negate(dtype, b) : undefined
}

function negate(dtype: KernelDType, a: Expression): Expression {
  const plain = alu('neg', dtype, a)
  return negation(plain, a, a, a) ?? plain
}

const addition: Rule = ({ dtype }, a, b) => {
  if (dtype === 'bool') return undefined
  if (isNegation(b)) return alu('sub', dtype, a, b.inputs[0])
  if (isNegation(a)) return alu('sub', dtype, b, a.inputs[0])
  // x + 0 is x, but for -0 + 0: only -0 is neutral for floats
  const neutral = isFloatType(dtype) ? -0 : 0
  if (isNumber(b, neutral)) return a
  return isNumber(a, neutral) ? b : undefined
}

const subtraction: Rule = ({ dtype }, a, b) => {
  if (isNumber(b, 0)) return a
  return isNegation(b) ? alu('add', dtype, a, b.inputs[0]) : undefined
}

const division: Rule = ({ dtype }, a, b) => {
  if (isNumber(b, 1)) return a
  const reciprocal = exactReciprocal(b)
  return reciprocal === undefined ? undefined : alu('mul', dtype, a, literal(dtype, reciprocal))
}

/** -max(-a, -b), as the graph writes the minimum of floats */
const negation: Rule = ({ dtype }, a) => {
  if (isNegation(a)) return a.inputs[0]
  if (!isFloatType(dtype) || !isAlu(a, 'max')) return undefined
  const [x, y] = a.inputs
  const [left, right] = [negated(x), negated(y)]
  return left && right && alu('min', dtype, left, right)
}

/** max(x, -x), as the graph writes |x| of floats */
const maximum: Rule = ({ dtype }, a, b) =>
  isFloatType(dtype) && isNegation(b) && b.inputs[0] === a ? alu('abs', dtype, a) : undefined

function negated(expression: Expression): Expression | undefined {
  if (isNegation(expression)) return expression.inputs[0]
  if (expression.op !== 'literal' || typeof expression.value !== 'number') return undefined
  return literal(expression.dtype, -expression.value)
}

const choice: Rule = ({ dtype }, condition, a, b) => {
  if (condition.op === 'literal') return condition.value ? a : b
  if (a === b || (a.op === 'literal' && b.op === 'literal' && Object.is(a.value, b.value))) return a
  if (isAlu(condition, 'not')) return alu('where', dtype, condition.inputs[0], b, a)
  if (isFloatType(dtype) || !isAlu(condition, 'less')) return undefined
  const [x, y] = condition.inputs
  // integers only: with a NaN the comparison and the maximum differ
  if (x === b && y === a) return alu('max', dtype, a, b)
  return x === a && y === b ? alu('min', dtype, a, b) : undefined
}

/** Dtypes of which each holds every value of those before it. */
const widening: readonly (readonly KernelDType[])[] = [
  ['float16', 'float32', 'float64'],
  ['bfloat16', 'float32', 'float64'],
  ['bool', 'uint8', 'int16', 'int32', 'int64'],
  ['bool', 'int8', 'int16', 'int32', 'int64'],
  ['bool', 'int16', 'float32', 'float64'],
  ['bool', 'int32', 'float64'],
]

const holds = (wide: KernelDType, narrow: KernelDType): boolean =>
  widening.some((chain) => chain.includes(narrow) && chain.indexOf(narrow) < chain.indexOf(wide))

/** There and back through a wider dtype is nothing. */
const conversion: Rule = ({ dtype }, a) => {
  if (a.dtype === dtype) return a
  if (!isAlu(a, 'cast')) return undefined
  const [origin] = a.inputs
  return holds(a.dtype, origin.dtype) && origin.dtype === dtype ? castTo(origin, dtype) : undefined
}

const conjunction: Rule = ({ dtype }, a, b) => {
  if (a === b) return a
  if (dtype !== 'bool') return undefined
  if (a.op === 'literal') return a.value ? b : a
  return b.op === 'literal' ? (b.value ? a : b) : undefined
}

const disjunction: Rule = ({ dtype }, a, b) => {
  if (a === b) return a
  if (dtype !== 'bool') return undefined
  if (a.op === 'literal') return a.value ? a : b
  return b.op === 'literal' ? (b.value ? b : a) : undefined
}

const inequality: Rule = ({ dtype }, a, b) => {
  if (dtype !== 'bool') return undefined
  if (isLiteral(b)) return b.value ? invert(a) : a
  return isLiteral(a) ? (a.value ? invert(b) : b) : undefined
}

function invert(a: Expression): Expression {
  const plain = alu('not', 'bool', a)
  return inversion(plain, a, a, a) ?? plain
}

const inversion: Rule = ({ dtype }, a) => {
  if (isAlu(a, 'not')) return a.inputs[0]
  if (dtype !== 'bool') return undefined
  if (isAlu(a, 'equal')) return alu('notEqual', 'bool', ...a.inputs)
  return isAlu(a, 'notEqual') ? alu('equal', 'bool', ...a.inputs) : undefined
}

const equality: Rule = (_, a, b) => {
  if (a.dtype !== 'bool') return undefined
  if (b.op === 'literal') return b.value ? a : invert(a)
  return a.op === 'literal' ? (a.value ? b : invert(b)) : undefined
}

const power: Rule = ({ dtype }, a, b) => {
  if (isNumber(b, 1)) return a
  return isNumber(b, 2) ? alu('mul', dtype, a, a) : undefined
}

const rules: Partial<Record<AluKind, Rule>> = {
  mul: multiply,
  add: addition,
  sub: subtraction,
  div: division,
  neg: negation,
  max: maximum,
  where: choice,
  cast: conversion,
  and: conjunction,
  or: disjunction,
  xor: inequality,
  not: inversion,
  equal: equality,
  pow: power,
}
