// Structural identity of expressions: equal expressions become one object, so that passes can compare and count them by reference.
import type { Expression, Memory } from '../../kernel/kernel-node.ts'
import { operandsOf, rewriteExpression } from './rewrite.ts'

export class ExpressionTable {
  readonly #byKey = new Map<string, Expression>()
  readonly #ids = new Map<Expression | Memory, number>()
  readonly #done = new Map<Expression, Expression>()

  /** The one object for expressions equal to this one. */
  intern(expression: Expression): Expression {
    return rewriteExpression(expression, (node) => this.#canonical(node), this.#done)
  }

  #canonical(expression: Expression): Expression {
    const key = this.#key(expression)
    const known = this.#byKey.get(key)
    if (known) return known
    this.#byKey.set(key, expression)
    return expression
  }

  #id(thing: Expression | Memory): number {
    let id = this.#ids.get(thing)
    if (id === undefined) this.#ids.set(thing, (id = this.#ids.size))
    return id
  }

  #key(expression: Expression): string {
    const operands = operandsOf(expression)
      .map((operand) => this.#id(operand))
      .join(',')
    switch (expression.op) {
      case 'literal':
        return `${expression.dtype} ${typeof expression.value} ${Object.is(expression.value, -0) ? '-0' : expression.value}`
      case 'index':
        return `i${expression.variable.id}`
      case 'size':
        return `s${expression.slot}`
      case 'alu':
        return `${expression.kind} ${expression.dtype} ${operands}`
      case 'load':
        return `load ${this.#id(expression.memory)} ${operands}`
      case 'read':
        return `read ${expression.accumulator.id}`
      case 'reference':
        return `let ${expression.binding.id}`
    }
  }
}
