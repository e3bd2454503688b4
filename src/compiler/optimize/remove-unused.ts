// Drops `let`s and scratch that nothing uses, and loops and conditions that nothing is left of.
import type { Expression, Kernel, Memory, Statement } from '../../kernel/kernel-node.ts'
import { operandsOf, visitExpressions, visitStatements } from './rewrite.ts'

export function removeUnused(kernel: Kernel): Kernel {
  const used = new Set<number>()
  const seen = new Set<Expression>()
  const visit = (expression: Expression): void => {
    if (seen.has(expression)) return
    seen.add(expression)
    if (expression.op === 'reference') used.add(expression.binding.id)
    operandsOf(expression).forEach(visit)
  }
  // users come after what they use, so one walk from the end decides every `let`
  const keep = (body: readonly Statement[]): Statement[] => {
    const kept: Statement[] = []
    for (let i = body.length - 1; i >= 0; i--) {
      const statement = body[i]
      if (statement.op === 'let' && !used.has(statement.binding.id)) continue
      const inner =
        statement.op === 'for' || statement.op === 'if' ? { ...statement, body: keep(statement.body) } : statement
      if ((inner.op === 'for' || inner.op === 'if') && inner.body.length === 0) continue
      visitExpressions(inner, visit)
      kept.push(inner)
    }
    return kept.reverse()
  }
  const body = keep(kernel.body)
  const touched = kernel.scratch.length > 0 ? memoryIn(body) : undefined
  return { ...kernel, body, scratch: kernel.scratch.filter((memory) => touched?.has(memory)) }
}

function memoryIn(body: readonly Statement[]): Set<Memory> {
  const found = new Set<Memory>()
  const seen = new Set<Expression>()
  const visit = (expression: Expression): void => {
    if (seen.has(expression)) return
    seen.add(expression)
    if (expression.op === 'load') found.add(expression.memory)
    operandsOf(expression).forEach(visit)
  }
  visitStatements(body, (statement) => {
    if (statement.op === 'store') found.add(statement.memory)
    if (statement.op === 'tileMultiply')
      for (const side of [statement.a, statement.b, statement.c]) found.add(side.memory)
    visitExpressions(statement, visit)
  })
  return found
}
