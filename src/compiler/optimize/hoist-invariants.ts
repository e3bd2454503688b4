// Moves values, and tests of indices, out of loops that do not change them: each goes to the innermost scope that binds a variable it uses.
// Nothing leaves the parallel loop around it; loads do not leave an `if`, whose condition may be what makes them safe.
import { referenceTo } from '../../kernel/builders.ts'
import type { Expression, Kernel, Statement } from '../../kernel/kernel-node.ts'
import { ExpressionTable } from './expression-table.ts'
import { Fixity } from './fixity.ts'
import { freeBinding, mapOperands, mapStatement, operandsOf } from './rewrite.ts'

export function hoistInvariants(kernel: Kernel): Kernel {
  const hoisting = new Hoisting(kernel)
  return { ...kernel, body: kernel.body.flatMap((statement) => hoisting.statement(statement)) }
}

/** A block on the way: `pending` collects what has to stand before the statement being rewritten. */
interface Scope {
  readonly pending: Statement[]
  readonly named: Map<Expression, Expression>
  /** the scope that loads may not leave: that of the nearest `if` around, or the top statement's */
  readonly floor: number
}

class Hoisting {
  #next: number
  readonly #fixity: Fixity
  readonly #table = new ExpressionTable()
  readonly #scopes: Scope[] = []
  readonly #variableDepth = new Map<number, number>()
  readonly #bindingDepth = new Map<number, number>()
  readonly #depths = new Map<Expression, number>()
  readonly #loads = new Map<Expression, boolean>()

  constructor(kernel: Kernel) {
    this.#next = freeBinding(kernel)
    this.#fixity = new Fixity(kernel)
  }

  /** A statement, after what had to come before it. */
  statement(statement: Statement): Statement[] {
    if (statement.op === 'for' && this.#scopes.length > 0)
      statement = { ...statement, extent: this.#move(this.#table.intern(statement.extent)) }
    else if (statement.op !== 'for') {
      const moved = this.#leaf(statement)
      if (moved === undefined) return []
      statement = moved
    }
    if (statement.op === 'for') {
      this.#variableDepth.set(statement.variable.id, this.#scopes.length)
      statement = { ...statement, body: this.#block(statement.body, this.#scopes.at(-1)?.floor ?? 0) }
    } else if (statement.op === 'if')
      statement = { ...statement, body: this.#block(statement.body, this.#scopes.length) }
    return [...(this.#scopes.at(-1)?.pending.splice(0) ?? []), statement]
  }

  #block(body: readonly Statement[], floor: number): Statement[] {
    this.#scopes.push({ pending: [], named: new Map(), floor })
    const result = body.flatMap((statement) => this.statement(statement))
    this.#scopes.pop()
    return result
  }

  /** A statement without loops inside, over moved values; undefined when it moved itself. */
  #leaf(statement: Statement): Statement | undefined {
    if (this.#scopes.length === 0) return statement
    const here = this.#scopes.length - 1
    const rewritten = mapStatement(
      statement,
      (expression) => {
        const interned = this.#table.intern(expression)
        return statement.op === 'let' || statement.op === 'check' ? interned : this.#move(interned)
      },
      (body) => body,
    )
    if (rewritten.op === 'let') {
      const depth = this.#target(rewritten.value)
      this.#bindingDepth.set(rewritten.binding.id, depth)
      if (depth === here) return { ...rewritten, value: this.#moveOperands(rewritten.value) }
      this.#scopes[depth].pending.push({ ...rewritten, value: this.#moveOperands(rewritten.value, depth) })
      return undefined
    }
    if (rewritten.op !== 'check') return rewritten
    const depth = Math.max(this.#target(rewritten.index), this.#target(rewritten.position), this.#scopes[here].floor)
    if (depth === here)
      return { ...rewritten, index: this.#move(rewritten.index), position: this.#move(rewritten.position) }
    this.#scopes[depth].pending.push(rewritten)
    return undefined
  }

  /** The expression with every part that outer scopes can compute replaced by a name there. */
  #move(expression: Expression, here: number = this.#scopes.length - 1): Expression {
    if (expression.op !== 'alu' && expression.op !== 'load') return expression
    const depth = this.#target(expression)
    if (depth >= here || !this.#fixity.isWorthNaming(expression)) return this.#moveOperands(expression, here)
    const scope = this.#scopes[depth]
    const known = scope.named.get(expression)
    if (known) return known
    const value = this.#moveOperands(expression, depth)
    const binding = { name: 'h', dtype: expression.dtype, id: this.#next++ }
    this.#bindingDepth.set(binding.id, depth)
    this.#fixity.noteBinding(binding, value)
    scope.pending.push({ op: 'let', binding, value })
    const reference = referenceTo(binding)
    scope.named.set(expression, reference)
    return reference
  }

  #moveOperands(expression: Expression, here: number = this.#scopes.length - 1): Expression {
    return mapOperands(expression, (operand) => this.#move(operand, here))
  }

  /** The scope, by depth, in which an expression can be computed at the earliest. */
  #target(expression: Expression): number {
    const here = this.#scopes.length - 1
    if (this.#fixity.isFixed(expression)) return here
    const depth = this.#depthOf(expression)
    return this.#hasLoad(expression) ? Math.max(depth, this.#scopes[here].floor) : depth
  }

  #depthOf(expression: Expression): number {
    if (expression.op === 'index') return this.#variableDepth.get(expression.variable.id) ?? 0
    if (expression.op === 'reference') return this.#bindingDepth.get(expression.binding.id) ?? 0
    const known = this.#depths.get(expression)
    if (known !== undefined) return known
    let depth = 0
    for (const operand of operandsOf(expression)) depth = Math.max(depth, this.#depthOf(operand))
    this.#depths.set(expression, depth)
    return depth
  }

  /** Whether a load is part of the expression. */
  #hasLoad(expression: Expression): boolean {
    let found = this.#loads.get(expression)
    if (found === undefined) {
      found = expression.op === 'load' || operandsOf(expression).some((operand) => this.#hasLoad(operand))
      this.#loads.set(expression, found)
    }
    return found
  }
}
