// Rebuilding kernels: the operands of an expression, the expressions of a statement, and passes over both that keep what did not change.
import type { Expression, Kernel, Memory, Statement } from '../../kernel/kernel-node.ts'

export const operandsOf = (expression: Expression): readonly Expression[] => {
  if (expression.op === 'alu') return expression.inputs
  if (expression.op !== 'load') return []
  const { index, guard, otherwise } = expression
  return guard === undefined || otherwise === undefined ? [index] : [index, guard, otherwise]
}

export function withOperands(expression: Expression, operands: readonly Expression[]): Expression {
  const before = operandsOf(expression)
  if (before.every((operand, i) => operand === operands[i])) return expression
  if (expression.op === 'alu') return { ...expression, inputs: operands }
  if (expression.op !== 'load') return expression
  const [index, guard, otherwise] = operands
  return guard === undefined ? { ...expression, index } : { ...expression, index, guard, otherwise }
}

/** An expression rewritten from its leaves up; shared parts are rewritten once. */
export function rewriteExpression(
  expression: Expression,
  rewrite: (expression: Expression) => Expression,
  done: Map<Expression, Expression> = new Map(),
): Expression {
  const known = done.get(expression)
  if (known) return known
  const operands = operandsOf(expression).map((operand) => rewriteExpression(operand, rewrite, done))
  const result = rewrite(withOperands(expression, operands))
  done.set(expression, result)
  return result
}

type Body = readonly Statement[]

/** A statement with its own expressions mapped, and the statements inside it mapped as a list. */
export function mapStatement(
  statement: Statement,
  map: (expression: Expression) => Expression,
  mapBody: (body: Body) => Body,
): Statement {
  switch (statement.op) {
    case 'for':
      return { ...statement, extent: map(statement.extent), body: mapBody(statement.body) }
    case 'if':
      return { ...statement, condition: map(statement.condition), body: mapBody(statement.body) }
    case 'let':
    case 'accumulate':
      return { ...statement, value: map(statement.value) }
    case 'declare':
      return { ...statement, initial: map(statement.initial) }
    case 'store': {
      const stored = { ...statement, index: map(statement.index), value: map(statement.value) }
      return statement.guard === undefined ? stored : { ...stored, guard: map(statement.guard) }
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

/** The expressions that a statement evaluates itself, in order. */
export function expressionsOf(statement: Statement): Expression[] {
  const found: Expression[] = []
  mapStatement(
    statement,
    (expression) => {
      found.push(expression)
      return expression
    },
    (body) => body,
  )
  return found
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
