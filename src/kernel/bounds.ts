// Bounds of index expressions over the loops around them. An index is written as constant + sum of coefficient * loop variable;
// variables are then replaced by their limits from the innermost out, so that an extent such as min(8, n - i*8) cancels against i.
import { type DType, isFloat } from '../base/dtype.ts'
import type { Alu, Expression, LoopVariable } from './kernel-node.ts'

/** Something that an affine form counts: a loop variable, or an expression of which only an interval is known. */
type Atom = LoopVariable | Expression

interface Affine {
  readonly constant: number
  readonly terms: ReadonlyMap<Atom, number>
}

interface LoopLimit {
  readonly depth: number
  readonly extent: Expression
}

type Interval = readonly [low: number, high: number]

const constantForm = (constant: number): Affine => ({ constant, terms: new Map() })
const isLoop = (atom: Atom): atom is LoopVariable => !('op' in atom)

function plus(a: Affine, b: Affine, scale: number): Affine {
  const terms = new Map(a.terms)
  for (const [atom, coefficient] of b.terms) {
    const sum = (terms.get(atom) ?? 0) + coefficient * scale
    if (sum === 0) terms.delete(atom)
    else terms.set(atom, sum)
  }
  return { constant: a.constant + b.constant * scale, terms }
}

const without = ({ constant, terms }: Affine, atom: Atom): Affine => ({
  constant,
  terms: new Map([...terms].filter(([other]) => other !== atom)),
})

const union = (a: Interval, b: Interval): Interval => [Math.min(a[0], b[0]), Math.max(a[1], b[1])]

const everything: Interval = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]

const dtypeIntervals: Partial<Record<DType, Interval>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
}

/** What is left of whole numbers under a constant mask without a sign. */
function maskInterval({ inputs, dtype }: Alu): Interval | undefined {
  const mask = dtype === 'bool' ? undefined : inputs.find((one) => one.op === 'literal' && Number(one.value) >= 0)
  return mask?.op === 'literal' ? [0, Number(mask.value)] : undefined
}

/** Knows the loops and index bindings in scope; the verifier adds and removes them as it walks. */
export class Bounds {
  readonly #loops = new Map<LoopVariable, LoopLimit>()
  readonly #bindings = new Map<number, Expression>()
  /** intervals of values, which are asked for again and again where one is made from another */
  readonly #ofValues = new Map<Expression, Interval>()

  enterLoop(variable: LoopVariable, extent: Expression): void {
    this.#loops.set(variable, { depth: this.#loops.size, extent })
  }

  leaveLoop(variable: LoopVariable): void {
    this.#loops.delete(variable)
  }

  bind(id: number, value: Expression): void {
    this.#bindings.set(id, value)
  }

  /** Least and greatest value of `index`; infinite where nothing is known. */
  interval(index: Expression): Interval {
    const form = this.#affine(index)
    return [-this.#upper(plus(constantForm(0), form, -1)), this.#upper(form)]
  }

  /** Greatest value of start + times * count, where `count` may be a minimum. */
  upperOf(start: Expression, count: Expression, times: number): number {
    const form = this.#affine(start)
    return Math.min(...this.#alternatives(count).map((each) => this.#upper(plus(form, this.#affine(each), times))))
  }

  #upper(form: Affine): number {
    const innermost = this.#innermostOf(form)
    if (innermost === undefined) return this.#upperWithoutLoops(form)
    if (!isLoop(innermost)) return this.#upperWithQuotient(form, innermost as Alu)
    const coefficient = form.terms.get(innermost)!
    const rest = without(form, innermost)
    if (coefficient < 0) return this.#upper(rest)
    return Math.min(...this.#lastOf(innermost).map((last) => this.#upper(plus(rest, last, coefficient))))
  }

  /** The last turn of a loop, once for each minimum that limits it. */
  #lastOf(variable: LoopVariable): Affine[] {
    const { extent } = this.#loops.get(variable)!
    return this.#alternatives(extent).map((each) => plus(this.#affine(each), constantForm(1), -1))
  }

  /** A quotient is greatest at the last turn of its innermost loop, and may then be exact: min(6, n - 6i) - 1 over 2, say. */
  #upperWithQuotient(form: Affine, quotient: Alu): number {
    const coefficient = form.terms.get(quotient)!
    const rest = without(form, quotient)
    const dividend = this.#affine(quotient.inputs[0])
    const variable = this.#innermostOf(dividend) as LoopVariable
    const divisor = this.#affine(quotient.inputs[1]).constant
    const exact = this.#lastOf(variable)
      .map((last) => plus(without(dividend, variable), last, dividend.terms.get(variable)!))
      .map((raised) => this.#divided(raised, divisor, 'div'))
      .filter((form) => form !== undefined)
    const widest = constantForm(this.#opaque(quotient)[1])
    return Math.min(...[...exact, widest].map((limit) => this.#upper(plus(rest, limit, coefficient))))
  }

  /** The loop variable of the innermost loop, or a quotient that it makes greater. */
  #innermostOf(form: Affine): Atom | undefined {
    let innermost: Atom | undefined
    let depth = -1
    for (const [atom, coefficient] of form.terms) {
      const limit = isLoop(atom)
        ? (this.#loops.get(atom)?.depth ?? -1)
        : coefficient > 0
          ? this.#quotientDepth(atom)
          : -1
      if (limit > depth) [innermost, depth] = [atom, limit]
    }
    return innermost
  }

  /** Depth of the innermost loop that a quotient by a constant grows with, or -1. */
  #quotientDepth(atom: Expression): number {
    if (atom.op !== 'alu' || atom.kind !== 'div' || atom.dtype !== 'index') return -1
    const [dividend, divisor] = atom.inputs.map((input) => this.#affine(input))
    if (divisor.terms.size > 0 || divisor.constant <= 0) return -1
    const variable = this.#innermostOf(dividend)
    if (variable === undefined || !isLoop(variable) || dividend.terms.get(variable)! < 0) return -1
    return this.#loops.get(variable)!.depth
  }

  /** After all loops, so that what an extent says of an opaque value cancels against the index. */
  #upperWithoutLoops(form: Affine): number {
    let upper = form.constant
    for (const [atom, coefficient] of form.terms) {
      if (isLoop(atom)) return Number.POSITIVE_INFINITY
      const [low, high] = this.#opaque(atom)
      upper += coefficient * (coefficient > 0 ? high : low)
    }
    return upper
  }

  #affine(expression: Expression): Affine {
    if (expression.op === 'literal') return constantForm(Number(expression.value))
    if (expression.op === 'index') return { constant: 0, terms: new Map([[expression.variable, 1]]) }
    if (expression.op === 'reference') {
      const value = this.#bindings.get(expression.binding.id)
      if (value !== undefined) return this.#affine(value)
    }
    const arithmetic = expression.op === 'alu' ? this.#affineAlu(expression) : undefined
    return arithmetic ?? { constant: 0, terms: new Map([[expression, 1]]) }
  }

  #affineAlu({ kind, inputs, dtype }: Alu): Affine | undefined {
    if (dtype !== 'index') return undefined
    if (kind === 'cast') return this.#affine(inputs[0])
    if (kind === 'add' || kind === 'sub')
      return plus(this.#affine(inputs[0]), this.#affine(inputs[1]), kind === 'add' ? 1 : -1)
    if (kind !== 'mul' && kind !== 'div' && kind !== 'mod') return undefined
    const [a, b] = [this.#affine(inputs[0]), this.#affine(inputs[1])]
    if (kind === 'mul') {
      if (b.terms.size === 0) return plus(constantForm(0), a, b.constant)
      return a.terms.size === 0 ? plus(constantForm(0), b, a.constant) : undefined
    }
    return b.terms.size === 0 && b.constant > 0 ? this.#divided(a, b.constant, kind) : undefined
  }

  /** Splits a = divisor * quotient + rest; exact when the rest is proved to lie in 0..divisor-1. */
  #divided(a: Affine, divisor: number, kind: 'div' | 'mod'): Affine | undefined {
    const whole = new Map([...a.terms].filter(([, coefficient]) => coefficient % divisor === 0))
    const constant = Math.floor(a.constant / divisor)
    const multiple = { constant: constant * divisor, terms: whole }
    const rest = plus(a, multiple, -1)
    if (-this.#upper(plus(constantForm(0), rest, -1)) < 0 || this.#upper(rest) >= divisor) return undefined
    if (kind === 'mod') return rest
    return { constant, terms: new Map([...whole].map(([atom, coefficient]) => [atom, coefficient / divisor])) }
  }

  #opaque(expression: Expression): Interval {
    if (expression.op === 'size') return [0, Number.POSITIVE_INFINITY]
    if (expression.op !== 'alu') return dtypeIntervals[expression.dtype as DType] ?? everything
    return expression.dtype === 'index' ? this.#ofIndex(expression) : this.#ofData(expression)
  }

  /** Of tensor integers, whose arithmetic wraps: what is computed where that fits the dtype, else all of the dtype. */
  #ofData(expression: Alu): Interval {
    const known = this.#ofValues.get(expression)
    if (known) return known
    const widest = dtypeIntervals[expression.dtype as DType] ?? everything
    const [low, high] = isFloat(expression.dtype as DType) ? everything : this.#computed(expression)
    const found: Interval = low >= widest[0] && high <= widest[1] ? [low, high] : widest
    this.#ofValues.set(expression, found)
    return found
  }

  #computed(expression: Alu): Interval {
    const [a, b, c] = expression.inputs
    if (expression.kind === 'and') return maskInterval(expression) ?? everything
    if (expression.kind === 'where') return union(this.interval(b), this.interval(c))
    if (expression.kind !== 'add') return everything
    const [[low, high], [otherLow, otherHigh]] = [this.interval(a), this.interval(b)]
    return [low + otherLow, high + otherHigh]
  }

  #ofIndex(expression: Alu): Interval {
    const operands = (expression.kind === 'where' ? expression.inputs.slice(1) : expression.inputs).map((input) =>
      this.interval(input),
    )
    const [[low, high], [otherLow, otherHigh] = everything] = operands
    switch (expression.kind) {
      case 'min':
        return [Math.min(low, otherLow), Math.min(high, otherHigh)]
      case 'max':
        return [Math.max(low, otherLow), Math.max(high, otherHigh)]
      case 'where':
        return union([low, high], [otherLow, otherHigh])
      case 'mul': {
        const products = [low * otherLow, low * otherHigh, high * otherLow, high * otherHigh]
        return products.some(Number.isNaN) ? everything : [Math.min(...products), Math.max(...products)]
      }
      case 'div':
        return otherLow === otherHigh && otherLow > 0
          ? [Math.floor(low / otherLow), Math.floor(high / otherLow)]
          : everything
      case 'mod':
        return otherLow > 0 ? [0, otherHigh - 1] : everything
      default:
        return everything
    }
  }

  /** What nested minima choose from, seen through bindings, sums and products with constants: each is an upper limit by itself. */
  #alternatives(expression: Expression): Expression[] {
    if (expression.op === 'reference') {
      const value = this.#bindings.get(expression.binding.id)
      return value === undefined ? [expression] : this.#alternatives(value)
    }
    if (expression.op !== 'alu' || expression.dtype !== 'index') return [expression]
    const [a, b] = expression.inputs
    const withFirst = (): Expression[] => this.#alternatives(a).map((each) => ({ ...expression, inputs: [each, b] }))
    if (expression.kind === 'min') return expression.inputs.flatMap((input) => this.#alternatives(input))
    if (expression.kind === 'sub') return withFirst()
    if (expression.kind === 'mul' && b.op === 'literal' && Number(b.value) >= 0) return withFirst()
    if (expression.kind === 'add')
      return this.#alternatives(b).flatMap((each) =>
        this.#alternatives(a).map((other) => ({ ...expression, inputs: [other, each] })),
      )
    return [expression]
  }
}
