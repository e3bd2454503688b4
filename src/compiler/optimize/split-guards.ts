// Takes the guards of loads out of vector loops: what all lanes share becomes an `if` around the loop, and a range of lanes a loop of its own
// between loops over the lanes outside. Padding then costs its edges, and what lies inside is a plain copy.
import { alu, indexAlu, indexLiteral, indexOf, isLiteral, literal, referenceTo } from '../../kernel/builders.ts'
import type { Alu, Expression, For, Kernel, LoopVariable, Statement, Store } from '../../kernel/kernel-node.ts'
import { freeBinding, operandsOf, rewriteExpression, visitStatements } from './rewrite.ts'

export function splitGuards(kernel: Kernel): Kernel {
  const splitting = new GuardSplitting(kernel)
  return { ...kernel, body: kernel.body.map((statement) => splitting.inside(statement)) }
}

/** A vector loop around one store, with the tests of the one guard among what it loads. */
interface GuardedLoop {
  readonly loop: For
  readonly store: Store
  readonly guard: Expression
  /** tests that all lanes share, and those that hold from some lane on or up to one */
  readonly shared: readonly Expression[]
  readonly lower: readonly LaneTest[]
  readonly upper: readonly LaneTest[]
}

/** 0 <= rest + step * lane, or rest + step * lane < 0. */
interface LaneTest {
  readonly rest: Expression
  readonly step: number
}

/** Lanes outside the range, where how many there are is not known: few. */
const edgeLanes = 8

class GuardSplitting {
  #nextBinding: number
  #nextVariable = 0

  constructor(kernel: Kernel) {
    this.#nextBinding = freeBinding(kernel)
    visitStatements(kernel.body, (statement) => {
      if (statement.op === 'for') this.#nextVariable = Math.max(this.#nextVariable, statement.variable.id + 1)
    })
  }

  /** The statement with what stands inside it split. */
  inside(statement: Statement): Statement {
    if (statement.op !== 'for' && statement.op !== 'if') return statement
    return { ...statement, body: statement.body.flatMap((inner) => this.#split(inner)) }
  }

  #split(statement: Statement): Statement[] {
    if (statement.op !== 'for') return [this.inside(statement)]
    if (statement.kind === 'vector') {
      const guarded = guardedLoop(statement)
      return guarded ? this.#unswitch(guarded.shared, (inside) => this.#lanes(guarded, inside)) : [statement]
    }
    const taps = statement.kind === 'unroll' && statement.body.length === 1 ? statement.body[0] : undefined
    const guarded = taps?.op === 'for' && taps.kind === 'vector' ? guardedLoop(taps) : undefined
    return guarded ? this.#splitTaps(statement, guarded) : [this.inside(statement)]
  }

  /** The loop around a guarded one repeats its body: tests without its variable go around both. */
  #splitTaps(taps: For, guarded: GuardedLoop): Statement[] {
    const isOuter = (test: Expression): boolean => !mentions(test, taps.variable)
    const body = (tap: Expression, inside: boolean): Statement[] => {
      const one = substituteIn(guarded, taps.variable, tap)
      const inner = one.shared.filter((_, i) => !isOuter(guarded.shared[i]))
      return inside ? this.#unswitch(inner, (within) => this.#lanes(one, within)) : this.#lanes(one, false)
    }
    const isKnown = laneTests(substituteIn(guarded, taps.variable, indexLiteral(0))).every(({ rest }) =>
      isLiteral(rest),
    )
    const isRepeated = splitsLanes(guarded) && isKnown && isLiteral(taps.extent)
    return this.#unswitch(guarded.shared.filter(isOuter), (inside) => {
      if (inside && isRepeated)
        return Array.from({ length: Number(taps.extent.value) }, (_, tap) => body(indexLiteral(tap), true)).flat()
      const variable = this.#again(taps)
      return [{ ...taps, variable, body: body(indexOf(variable), inside) }]
    })
  }

  /** A new variable for a copy of a loop. */
  #again({ variable: { name } }: For): LoopVariable {
    return { name, id: this.#nextVariable++ }
  }

  #bind(name: string, value: Expression, into: Statement[]): Expression {
    if (value.op === 'literal') return value
    const binding = { name, dtype: value.dtype, id: this.#nextBinding++ }
    into.push({ op: 'let', binding, value })
    return referenceTo(binding)
  }

  #unswitch(tests: readonly Expression[], make: (inside: boolean) => Statement[]): Statement[] {
    if (tests.length === 0) return make(true)
    const statements: Statement[] = []
    const condition = this.#bind(
      'inside',
      tests.reduce((all, test) => alu('and', 'bool', all, test)),
      statements,
    )
    statements.push({ op: 'if', condition, body: make(true) })
    statements.push({ op: 'if', condition: alu('not', 'bool', condition), body: make(false) })
    return statements
  }

  /** The loop over all lanes, or in pieces outside and inside the range that its tests leave. */
  #lanes(guarded: GuardedLoop, inside: boolean): Statement[] {
    const { extent, lanes } = guarded.loop
    const tests = laneTests(guarded)
    if (!inside) return [this.#piece(guarded, indexLiteral(0), extent, lanes, literal('bool', false))]
    if (tests.length === 0) return [this.#piece(guarded, indexLiteral(0), extent, lanes, literal('bool', true))]
    if (!splitsLanes(guarded)) {
      const left = conjuncts(guarded.guard).filter((test) => !guarded.shared.includes(test))
      const test = left.reduce((all, one) => alu('and', 'bool', all, one))
      return [this.#piece(guarded, indexLiteral(0), extent, lanes, test)]
    }
    const statements: Statement[] = []
    const [from, to] = rangeOf(guarded)
    const start = this.#bind('from', from, statements)
    const end = this.#bind('to', indexAlu('max', start, to), statements)
    const pieces = [
      { start: indexLiteral(0), end: start, holds: false },
      { start, end, holds: true },
      { start: end, end: extent, holds: false },
    ]
    for (const piece of pieces) {
      const count = indexAlu('sub', piece.end, piece.start)
      if (count.op === 'literal' && Number(count.value) <= 0) continue
      const width = piece.holds || count.op === 'literal' ? lanes : edgeLanes
      const loop = this.#piece(guarded, piece.start, count, width, literal('bool', piece.holds))
      if (count.op === 'literal') statements.push(loop)
      else statements.push({ op: 'if', condition: alu('less', 'bool', indexLiteral(0), count), body: [loop] })
    }
    return statements
  }

  /** The loop over `count` lanes from `start`, with `test` for its guard. */
  #piece(
    { loop, store, guard }: GuardedLoop,
    start: Expression,
    count: Expression,
    lanes: number,
    test: Expression,
  ): For {
    const variable = this.#again(loop)
    const move = substitution(loop.variable, indexAlu('add', start, indexOf(variable)))
    const known = new Map([[guard, test]])
    const value = move(rewriteExpression(store.value, (one) => one, known))
    return { ...loop, variable, extent: count, lanes, body: [{ ...store, index: move(store.index), value }] }
  }
}

const laneTests = ({ lower, upper }: GuardedLoop): readonly LaneTest[] => [...lower, ...upper]

/** Whether the lanes fill more than one turn: fewer are masked by constants. */
function splitsLanes(guarded: GuardedLoop): boolean {
  const { extent, lanes } = guarded.loop
  const limits = extent.op === 'alu' && extent.kind === 'min' ? extent.inputs : [extent]
  const isShort = limits.some((limit) => limit.op === 'literal' && Number(limit.value) <= lanes)
  return laneTests(guarded).length > 0 && !isShort
}

/** The first lane that passes all tests, and the one after the last. */
function rangeOf({ loop: { extent }, lower, upper }: GuardedLoop): readonly [Expression, Expression] {
  // rest + step * lane reaches 0 at ceil(-rest / step)
  const crossing = ({ rest, step }: LaneTest): Expression =>
    indexAlu('div', indexAlu('sub', indexLiteral(step - 1), rest), indexLiteral(step))
  const first = lower.map(crossing).reduce((a, b) => indexAlu('max', a, b), indexLiteral(0) as Expression)
  const end = upper.map(crossing).reduce((a, b) => indexAlu('min', a, b), extent)
  return [indexAlu('min', extent, first), end]
}

// --- recognizing ---------------------------------------------------------------------------------------------------------------------

function guardedLoop(loop: For): GuardedLoop | undefined {
  const store = inlinedStore(loop)
  const guards = store ? new Set(guardsIn(store.value)) : new Set<Expression>()
  if (!store || guards.size !== 1) return undefined
  const [guard] = guards
  const tests = conjuncts(guard)
  if (tests.some(readsMemory)) return undefined
  const shared = tests.filter((test) => !mentions(test, loop.variable))
  const lanes = tests.filter((test) => !shared.includes(test)).map((test) => laneTest(test, loop.variable))
  if (lanes.includes(undefined)) return undefined
  const known = lanes.filter((test) => test !== undefined)
  const lower = known.filter(({ isLower }) => isLower)
  return { loop, store, guard, shared, lower, upper: known.filter(({ isLower }) => !isLower) }
}

/** The one store of a loop, over the values that the `let`s before it name. */
function inlinedStore({ body }: For): Store | undefined {
  const store = body.at(-1)
  if (store?.op !== 'store' || store.guard !== undefined) return undefined
  const named = new Map<number, Expression>()
  const inlined = (expression: Expression): Expression =>
    rewriteExpression(expression, (one) => (one.op === 'reference' ? (named.get(one.binding.id) ?? one) : one), done)
  const done = new Map<Expression, Expression>()
  for (const statement of body.slice(0, -1)) {
    if (statement.op !== 'let') return undefined
    named.set(statement.binding.id, inlined(statement.value))
  }
  return { ...store, index: inlined(store.index), value: inlined(store.value) }
}

function guardsIn(value: Expression): Expression[] {
  const seen = new Set([value])
  for (const one of seen) for (const operand of operandsOf(one)) seen.add(operand)
  return [...seen].flatMap((one) => (one.op === 'load' && one.guard ? [one.guard] : []))
}

const conjuncts = (test: Expression): readonly Expression[] =>
  test.op === 'alu' && test.kind === 'and' ? test.inputs.flatMap(conjuncts) : [test]

function mentions(expression: Expression, variable: LoopVariable): boolean {
  if (expression.op === 'index') return expression.variable === variable
  return operandsOf(expression).some((operand) => mentions(operand, variable))
}

const readsMemory = (expression: Expression): boolean =>
  expression.op === 'load' || expression.op === 'read' || operandsOf(expression).some(readsMemory)

/** A comparison with a constant of an index that grows with the lane. */
function laneTest(test: Expression, lane: LoopVariable): (LaneTest & { readonly isLower: boolean }) | undefined {
  if (test.op !== 'alu' || (test.kind !== 'lessEqual' && test.kind !== 'less')) return undefined
  const isLower = test.kind === 'lessEqual'
  const [limit, index] = isLower ? test.inputs : [test.inputs[1], test.inputs[0]]
  const step = limit.op === 'literal' && index.dtype === 'index' ? stepOf(index, lane) : undefined
  if (step === undefined || step < 1) return undefined
  return { isLower, step, rest: indexAlu('sub', substitution(lane, indexLiteral(0))(index), limit) }
}

/** By how much an index grows from lane to lane, if evenly. */
function stepOf(index: Expression, lane: LoopVariable): number | undefined {
  if (index.op === 'index') return index.variable === lane ? 1 : 0
  if (!mentions(index, lane)) return 0
  if (index.op !== 'alu') return undefined
  const [a, b] = index.inputs.map((input) => stepOf(input, lane))
  if (a === undefined || b === undefined) return undefined
  if (index.kind === 'add') return a + b
  if (index.kind === 'sub') return a - b
  const factor = index.inputs[1]
  return index.kind === 'mul' && factor.op === 'literal' ? a * Number(factor.value) : undefined
}

// --- rewriting -----------------------------------------------------------------------------------------------------------------------

const foldedKinds = ['add', 'sub', 'mul', 'div', 'mod', 'max', 'min'] as const
const isFolded = (kind: Alu['kind']): kind is (typeof foldedKinds)[number] =>
  (foldedKinds as readonly string[]).includes(kind)

/** Expressions with a value for a variable, what they share still shared; sums of constants fold. */
function substitution(variable: LoopVariable, value: Expression): (expression: Expression) => Expression {
  const done = new Map<Expression, Expression>()
  const rewrite = (one: Expression): Expression => {
    if (one.op === 'index') return one.variable === variable ? value : one
    if (one.op !== 'alu' || one.dtype !== 'index' || !isFolded(one.kind)) return one
    return indexAlu(one.kind, one.inputs[0], one.inputs[1])
  }
  return (expression) => rewriteExpression(expression, rewrite, done)
}

function substituteIn(guarded: GuardedLoop, variable: LoopVariable, value: Expression): GuardedLoop {
  const map = substitution(variable, value)
  const mapTests = (tests: readonly LaneTest[]): LaneTest[] =>
    tests.map(({ rest, step }) => ({ rest: map(rest), step }))
  const { loop, store, guard, shared, lower, upper } = guarded
  return {
    loop: { ...loop, extent: map(loop.extent) },
    store: { ...store, index: map(store.index), value: map(store.value) },
    guard: map(guard),
    shared: shared.map(map),
    lower: mapTests(lower),
    upper: mapTests(upper),
  }
}
