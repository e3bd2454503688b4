// Common subexpressions of a block become `let`s just before their first use; equal `let`s become one, and names of names vanish.
import { referenceTo } from '../../kernel/builders.ts'
import type { Expression, Kernel, Statement } from '../../kernel/kernel-node.ts'
import { ExpressionTable } from './expression-table.ts'
import { Fixity } from './fixity.ts'
import { freeBinding, mapOperands, mapStatement, operandsOf, rewriteExpression, visitExpressions } from './rewrite.ts'

export function shareExpressions(kernel: Kernel): Kernel {
  const sharing = new Sharing(freeBinding(kernel), new Fixity(kernel))
  return { ...kernel, body: sharing.block(kernel.body, new Map()) }
}

/** Interned expressions that have a name. */
type Names = Map<Expression, Expression>

class Sharing {
  #next: number
  readonly #fixity: Fixity
  readonly #table = new ExpressionTable()
  /** what a dropped binding stands for */
  readonly #aliases = new Map<number, Expression>()
  /** kept from statement to statement: a binding's alias is known before its first use */
  readonly #renamed = new Map<Expression, Expression>()

  constructor(next: number, fixity: Fixity) {
    this.#next = next
    this.#fixity = fixity
  }

  block(body: readonly Statement[], outer: Names): readonly Statement[] {
    const bound = new Map(outer)
    const prepared = body.flatMap((statement) => this.#prepare(statement, bound))
    const shared = this.#repeated(prepared, bound)
    const names = new Map(outer)
    const result: Statement[] = []
    for (const statement of prepared) {
      if (statement.op === 'let') {
        const value = mapOperands(statement.value, (operand) => this.#name(operand, shared, names, result))
        result.push({ ...statement, value })
        if (!this.#fixity.isFixed(statement.value)) names.set(statement.value, bound.get(statement.value)!)
      } else
        result.push(
          mapStatement(
            statement,
            (expression) => this.#name(expression, shared, names, result),
            (inner) => this.block(inner, names),
          ),
        )
    }
    return result
  }

  /** The statement over interned expressions; nothing for a `let` that repeats another or names a name. */
  #prepare(statement: Statement, bound: Names): readonly Statement[] {
    const resolved = mapStatement(
      statement,
      (expression) => this.#resolve(expression),
      (body) => body,
    )
    if (resolved.op !== 'let') return [resolved]
    const { value, binding } = resolved
    const trivial = value.op === 'reference' || value.op === 'literal' || value.op === 'index'
    const known = trivial ? value : bound.get(value)
    if (known) {
      this.#aliases.set(binding.id, known)
      return []
    }
    if (!this.#fixity.isFixed(value)) bound.set(value, this.#table.intern(referenceTo(binding)))
    return [resolved]
  }

  #resolve(expression: Expression): Expression {
    if (this.#aliases.size === 0) return this.#table.intern(expression)
    const rename = (node: Expression): Expression =>
      node.op === 'reference' ? (this.#aliases.get(node.binding.id) ?? node) : node
    return this.#table.intern(rewriteExpression(expression, rename, this.#renamed))
  }

  /** Expressions worth a name, without one, that the block's own statements use more than once. */
  #repeated(statements: readonly Statement[], bound: Names): Set<Expression> {
    const seen = new Set<Expression>()
    const repeated = new Set<Expression>()
    const visit = (expression: Expression): void => {
      if (bound.has(expression)) return
      if (seen.has(expression)) {
        if (this.#fixity.isWorthNaming(expression)) repeated.add(expression)
        return
      }
      seen.add(expression)
      operandsOf(expression).forEach(visit)
    }
    for (const statement of statements)
      if (statement.op === 'let') operandsOf(statement.value).forEach(visit)
      else visitExpressions(statement, visit)
    return repeated
  }

  #name(expression: Expression, shared: ReadonlySet<Expression>, names: Names, result: Statement[]): Expression {
    const known = names.get(expression)
    if (known) return known
    const value = mapOperands(expression, (operand) => this.#name(operand, shared, names, result))
    if (!shared.has(expression)) return value
    const binding = { name: 't', dtype: expression.dtype, id: this.#next++ }
    this.#fixity.noteBinding(binding, value)
    result.push({ op: 'let', binding, value })
    const reference = this.#table.intern(referenceTo(binding))
    names.set(expression, reference)
    return reference
  }
}
