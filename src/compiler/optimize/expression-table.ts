// Structural identity of expressions: equal expressions become one object, so that passes can compare and count them by reference.
import { hashSeed, mix, mixNumber, mixString } from '../../base/hash.ts'
import type { Expression, Memory } from '../../kernel/kernel-node.ts'
import { rewriteExpression } from './rewrite.ts'

export class ExpressionTable {
  readonly #byHash = new Map<number, Expression[]>()
  readonly #ids = new Map<Expression | Memory, number>()
  readonly #done = new Map<Expression, Expression>()
  readonly #canonical = (expression: Expression): Expression => {
    const hash = this.#hash(expression)
    const bucket = this.#byHash.get(hash)
    const known = bucket?.find((other) => areSame(other, expression))
    if (known) return known
    if (bucket) bucket.push(expression)
    else this.#byHash.set(hash, [expression])
    return expression
  }

  /** The one object for expressions equal to this one. */
  intern(expression: Expression): Expression {
    return rewriteExpression(expression, this.#canonical, this.#done)
  }

  #id(thing: Expression | Memory): number {
    let id = this.#ids.get(thing)
    if (id === undefined) this.#ids.set(thing, (id = this.#ids.size))
    return id
  }

  #hash(expression: Expression): number {
    switch (expression.op) {
      case 'literal':
        return mixNumber(wordOf(expression.dtype), Number(expression.value))
      case 'index':
        return mix(2, expression.variable.id)
      case 'size':
        return mix(3, expression.slot)
      case 'read':
        return mix(4, expression.accumulator.id)
      case 'reference':
        return mix(5, expression.binding.id)
      case 'alu': {
        let hash = mix(wordOf(expression.kind), wordOf(expression.dtype))
        for (const input of expression.inputs) hash = mix(hash, this.#id(input))
        return hash
      }
      case 'load':
        return mix(mix(6, this.#id(expression.memory)), this.#id(expression.index))
    }
  }
}

const words = new Map<string, number>()

/** Names recur without end: each is hashed once. */
function wordOf(name: string): number {
  let word = words.get(name)
  if (word === undefined) words.set(name, (word = mixString(hashSeed, name)))
  return word
}

/** Equality of expressions whose operands are interned. */
function areSame(a: Expression, b: Expression): boolean {
  switch (a.op) {
    case 'literal':
      // of one type too: 1 is not 1n, and 0 not -0
      return b.op === 'literal' && a.dtype === b.dtype && Object.is(a.value, b.value)
    case 'index':
      return b.op === 'index' && a.variable.id === b.variable.id
    case 'size':
      return b.op === 'size' && a.slot === b.slot
    case 'read':
      return b.op === 'read' && a.accumulator.id === b.accumulator.id
    case 'reference':
      return b.op === 'reference' && a.binding.id === b.binding.id
    case 'alu':
      return b.op === 'alu' && a.kind === b.kind && a.dtype === b.dtype && sameList(a.inputs, b.inputs)
    case 'load':
      return (
        b.op === 'load' &&
        a.memory === b.memory &&
        a.index === b.index &&
        a.guard === b.guard &&
        a.otherwise === b.otherwise
      )
  }
}

function sameList(a: readonly Expression[], b: readonly Expression[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
