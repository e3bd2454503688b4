// Rebuilding kernels: the operands of an expression, the expressions of a statement, and passes over both that keep what did not change.
import type { Expression, Kernel, Memory, Statement } from '../../kernel/kernel-node.ts'

export const operandsOf = (expression: Expression): readonly Expression[] => {
  if (expression.op === 'alu') return expression.inputs
  if (expression.op !== 'load') return []
  const { index, guard, otherwise } = expression
  return guard === undefined || otherwise === undefined ? [index] : [index, guard, otherwise]
}

type ExpressionMap = (expression: Expression) => Expression

/** The expression over mapped operands; itself when none of them changed. */
export function mapOperands(expression: Expression, map: ExpressionMap): Expression {
  if (expression.op === 'alu') {
    const inputs = mapList(expression.inputs, map)
    return inputs === expression.inputs ? expression : { ...expression, inputs }
  }
  if (expression.op !== 'load') return expression
  const { index, guard, otherwise } = expression
  const mapped = map(index)
  if (guard === undefined || otherwise === undefined)
    return mapped === index ? expression : { ...expression, index: mapped }
  const [mappedGuard, mappedOtherwise] = [map(guard), map(otherwise)]
  return mapped === index && mappedGuard === guard && mappedOtherwise === otherwise
    ? expression
    : { ...expression, index: mapped, guard: mappedGuard, otherwise: mappedOtherwise }
}

function mapList(list: readonly Expression[], map: ExpressionMap): readonly Expression[] {
  let changed: Expression[] | undefined
  for (let i = 0; i < list.length; i++) {
    const mapped = map(list[i])
    if (mapped !== list[i]) changed ??= list.slice(0, i)
    changed?.push(mapped)
  }
  return changed ?? list
}

/** An expression rewritten from its leaves up; shared parts are rewritten once. */
export function rewriteExpression(
  expression: Expression,
  rewrite: ExpressionMap,
  done: Map<Expression, Expression> = new Map(),
): Expression {
  const known = done.get(expression)
  if (known) return known
  const result = rewrite(mapOperands(expression, (operand) => rewriteExpression(operand, rewrite, done)))
  done.set(expression, result)
  return result
}

type Body = readonly Statement[]

/** A statement with its own expressions mapped, in order, and the statements inside it mapped as a list. */
export function mapStatement(statement: Statement, map: ExpressionMap, mapBody: (body: Body) => Body): Statement {
  switch (statement.op) {
    case 'for':
      return { ...statement, extent: map(statement.extent), body: mapBody(statement.body) }
    case 'if':
      return { ...statement, condition: map(statement.condition), body: mapBody(statement.body) }
    case 'let':
    case 'accumulate': {
      const value = map(statement.value)
      return value === statement.value ? statement : { ...statement, value }
    }
    case 'declare': {
      const initial = map(statement.initial)
      return initial === statement.initial ? statement : { ...statement, initial }
    }
    case 'store': {
      const { index, value, guard } = statement
      const stored = { ...statement, index: map(index), value: map(value) }
      return guard === undefined ? stored : { ...stored, guard: map(guard) }
    }
    case 'check':
      return { ...statement, index: map(statement.index), position: map(statement.position) }
    case 'tileMultiply': {
      const { a, b, c } = statement
      return {
        ...statement,
        depth: map(statement.depth),
        a: { ...a, index: map(a.index) },
        b: { ...b, index: map(b.index) },
        c: { ...c, index: map(c.index), stride: map(c.stride) },
        accumulate: map(statement.accumulate),
      }
    }
    case 'barrier':
      return statement
  }
}

/** Calls `visit` for the expressions that the statement evaluates itself, in order. */
export function visitExpressions(statement: Statement, visit: (expression: Expression) => void): void {
  for (const expression of ownExpressions(statement)) visit(expression)
}

function ownExpressions(statement: Statement): readonly Expression[] {
  switch (statement.op) {
    case 'for':
      return [statement.extent]
    case 'if':
      return [statement.condition]
    case 'let':
    case 'accumulate':
      return [statement.value]
    case 'declare':
      return [statement.initial]
    case 'store': {
      const { index, value, guard } = statement
      return guard === undefined ? [index, value] : [index, value, guard]
    }
    case 'check':
      return [statement.index, statement.position]
    case 'tileMultiply': {
      const { depth, a, b, c, accumulate } = statement
      return [depth, a.index, b.index, c.index, c.stride, accumulate]
    }
    case 'barrier':
      return []
  }
}

/** Calls `visit` for every statement, those inside others included. */
export function visitStatements(body: Body, visit: (statement: Statement) => void): void {
  for (const statement of body) {
    visit(statement)
    if (statement.op === 'for' || statement.op === 'if') visitStatements(statement.body, visit)
  }
}

/** Memory that the kernel writes: what is loaded from it depends on when. */
export function writtenMemory(kernel: Kernel): Set<Memory> {
  const written = new Set<Memory>()
  visitStatements(kernel.body, (statement) => {
    if (statement.op === 'store') written.add(statement.memory)
    if (statement.op === 'tileMultiply') written.add(statement.c.memory)
  })
  return written
}

/** The first binding id that no `let` of the kernel has. */
export function freeBinding(kernel: Kernel): number {
  let next = 0
  visitStatements(kernel.body, (statement) => {
    if (statement.op === 'let') next = Math.max(next, statement.binding.id + 1)
  })
  return next
}
