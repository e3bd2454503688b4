// Binds iteration axes to loop variables and turns affine indices into kernel expressions: outer loops first, so that prefixes hoist, the constant last,
// so that it becomes an address displacement.
import { CompileError } from '../../base/errors.ts'
import { indexAlu, indexLiteral, indexOf } from '../../kernel/builders.ts'
import type { Expression, LoopVariable } from '../../kernel/kernel-node.ts'
import { type Affine, type Atom, type Axis, substitute } from './index-algebra.ts'

interface Loop {
  readonly expression: Expression
  readonly depth: number
}

interface Weighted {
  readonly coefficient: number
  readonly expression: Expression
  readonly depth: number
}

export class Scope {
  readonly #loops: Map<Axis, Loop>
  readonly #bindings: Map<Axis, Affine>
  readonly #cache = new Map<string, Expression>()
  readonly depth: number

  constructor(parent?: Scope) {
    this.#loops = new Map(parent ? parent.#loops : [])
    this.#bindings = new Map(parent ? parent.#bindings : [])
    this.depth = (parent?.depth ?? -1) + 1
  }

  /**
   * A scope inside this one, where `axis` is a loop's variable. A vector loop's variable comes last in every sum, wherever its loop
   * stands: what is before it is one address for all lanes.
   */
  enter(axis: Axis, variable: LoopVariable, vector = false): Scope {
    const inner = new Scope(this)
    inner.#loops.set(axis, { expression: indexOf(variable), depth: vector ? Number.POSITIVE_INFINITY : inner.depth })
    return inner
  }

  /** A scope inside this one, where `axis` has a value named here. */
  fix(axis: Axis, expression: Expression): Scope {
    const inner = new Scope(this)
    inner.#loops.set(axis, { expression, depth: inner.depth })
    return inner
  }

  /** The same scope, where `axis` also stands for a sum of other axes. */
  bind(axis: Axis, value: Affine): Scope {
    const inner = new Scope(this)
    inner.#bindings.set(axis, value)
    return inner
  }

  readonly materialize = (index: Affine): Expression => {
    const known = this.#cache.get(index.key)
    if (known) return known
    const expression = this.#sum(this.#resolve(index))
    this.#cache.set(index.key, expression)
    return expression
  }

  #resolve(index: Affine): Affine {
    return this.#bindings.size === 0
      ? index
      : substitute(index, (axis) => {
          const value = this.#bindings.get(axis)
          return value && this.#resolve(value)
        })
  }

  #sum(index: Affine): Expression {
    const parts = index.terms.map(({ coefficient, atom }) => ({ coefficient, ...this.#atom(atom) }))
    parts.sort((a, b) => a.depth - b.depth)
    // a negative term does not open the sum
    const first = parts.findIndex((term) => term.coefficient > 0)
    if (first > 0) parts.unshift(...parts.splice(first, 1))
    const sum = parts.reduce<Expression | undefined>(addTerm, undefined)
    if (sum === undefined) return indexLiteral(index.constant)
    return index.constant < 0
      ? indexAlu('sub', sum, indexLiteral(-index.constant))
      : indexAlu('add', sum, indexLiteral(index.constant))
  }

  #atom(atom: Atom): Loop {
    switch (atom.kind) {
      case 'axis': {
        const loop = this.#loops.get(atom.axis)
        if (!loop)
          throw new CompileError(`lower: expected axis ${atom.axis.name} to be bound to a loop, but it is free.`)
        return loop
      }
      case 'opaque':
        return { expression: atom.expression, depth: Math.max(0, ...atom.depends.map((index) => this.#depthOf(index))) }
      default: {
        const of = this.#sum(atom.of)
        return { expression: indexAlu(atom.kind, of, indexLiteral(atom.by)), depth: this.#depthOf(atom.of) }
      }
    }
  }

  #depthOf(index: Affine): number {
    return Math.max(0, ...this.#resolve(index).terms.map((term) => this.#atom(term.atom).depth))
  }
}

function addTerm(sum: Expression | undefined, { coefficient, expression }: Weighted): Expression {
  const scaled = indexAlu('mul', expression, indexLiteral(Math.abs(coefficient)))
  if (coefficient > 0) return sum === undefined ? scaled : indexAlu('add', sum, scaled)
  return indexAlu('sub', sum ?? indexLiteral(0), scaled)
}
