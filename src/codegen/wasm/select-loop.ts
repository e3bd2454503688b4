// Loops: counted, repeated in place, dealt to participants, and vector loops whose last partial group runs under a mask.
import type { Expression, For, Statement } from '../../kernel/kernel-node.ts'
import { firstLanes, type Group, isWideDType, scalarGroup } from './forms.ts'
import { threadContext } from './layout.ts'
import { type Affine, affineOf, emitAffine } from './select-index.ts'
import { selectStatements } from './select-statement.ts'
import { kernelParameters, type Selection, type Variable } from './selection.ts'

const largestUnroll = 16
type IndexType = 'i32' | 'i64'

export function selectLoop(s: Selection, loop: For, groups: readonly Group[]): void {
  const extent = affineOf(s, loop.extent)
  const count = extent.terms.size === 0 ? extent.constant : undefined
  if (count !== undefined && count <= 0) return
  s.bounds.enterLoop(loop.variable, loop.extent)
  if (loop.kind === 'parallel') parallelLoop(s, loop, extent)
  else if (loop.kind === 'vector' && loop.lanes > 1 && groups[0].lanes === 1) vectorLoop(s, loop, extent, count)
  else if (count === 1 || (loop.kind === 'unroll' && count !== undefined && count <= largestUnroll))
    repeatBody(s, loop, count, groups)
  else {
    const type = s.indexType(loop.extent)
    countedLoop(s, { type, start: 0, end: limitOf(s, extent, type), step: 1, isLane: false }, (variable) => {
      s.variables.set(loop.variable.id, variable)
      selectStatements(s, loop.body, groups)
    })
  }
  s.bounds.leaveLoop(loop.variable)
}

function repeatBody(s: Selection, loop: For, count: number, groups: readonly Group[]): void {
  for (let i = 0; i < count; i++) {
    s.variables.set(loop.variable.id, { constant: i, isLane: false })
    selectStatements(s, loop.body, groups)
  }
}

// --- counting --------------------------------------------------------------------------------------------------------------------

/** A number, or the local that holds it. */
type Limit = { readonly constant: number } | { readonly local: number }

interface Count {
  readonly type: IndexType
  /** a number, or the local to start from */
  readonly start: number | { readonly local: number }
  readonly end: Limit
  readonly step: number
  readonly isLane: boolean
}

function limitOf(s: Selection, extent: Affine, type: IndexType): Limit {
  if (extent.terms.size === 0) return { constant: extent.constant }
  emitAffine(s, extent, type)
  return { local: s.code.keep(type) }
}

const pushNumber = (s: Selection, type: IndexType, value: number): void =>
  type === 'i32' ? s.code.i32(value) : s.code.i64(value)
const pushLimit = (s: Selection, type: IndexType, limit: Limit): void =>
  'local' in limit ? s.code.get(limit.local) : pushNumber(s, type, limit.constant)

/** for (counter = start; counter < end; counter += step); gives the counter. */
function countedLoop(
  s: Selection,
  { type, start, end, step, isLane }: Count,
  body: (variable: Variable) => void,
): number {
  const counter = s.code.local(type)
  if (typeof start === 'number') pushNumber(s, type, start)
  else s.code.get(start.local)
  s.code.set(counter)
  const again = (): void => {
    pushLimit(s, type, end)
    s.emit(`${type}.lt_s`)
  }
  const loop = (): void =>
    s.code.block('loop', () => {
      openHeader(s)
      body({ local: counter, type, level: s.depth, isLane })
      s.code.get(counter)
      pushNumber(s, type, step)
      s.emit(`${type}.add`)
      s.code.tee(counter)
      again()
      s.emit('br_if', 0)
    })
  inScope(s, () => {
    if (typeof start === 'number' && 'constant' in end) {
      loop()
      return
    }
    s.code.get(counter)
    again()
    s.code.block('if', loop)
  })
  return counter
}

/** Opens a scope with a place before the code in it; where that is a loop, its body begins with the scope's header. */
function inScope(s: Selection, write: () => void): void {
  const before = s.code.reserve()
  s.scopes.push({ before, header: [], known: new Map() })
  write()
  s.scopes.pop()
}

/** This participant's run of iterations: from index * extent / count to (index + 1) * extent / count. */
function parallelLoop(s: Selection, loop: For, extent: Affine): void {
  const type = s.indexType(loop.extent)
  emitAffine(s, extent, 'i64')
  const total = s.code.keep('i64')
  const [start, end] = [0, 1].map((shift) => {
    s.code.get(total)
    s.code.get(kernelParameters.context)
    s.emit('i32.load', threadContext.index)
    s.code.i32(shift)
    s.emit('i32.add')
    s.emit('i64.extend_i32_u')
    s.emit('i64.mul')
    s.code.get(kernelParameters.context)
    s.emit('i32.load', threadContext.count)
    s.emit('i64.extend_i32_u')
    s.emit('i64.div_u')
    if (type === 'i32') s.emit('i32.wrap_i64')
    return { local: s.code.keep(type) }
  })
  countedLoop(s, { type, start, end, step: 1, isLane: false }, (variable) => {
    s.variables.set(loop.variable.id, variable)
    selectStatements(s, loop.body, [scalarGroup])
  })
}

// --- vector loops ------------------------------------------------------------------------------------------------------------------

function vectorLoop(s: Selection, loop: For, extent: Affine, count: number | undefined): void {
  const owned = ownedAccumulators(s, loop.body, loop.lanes)
  s.vectorLoop = { variable: loop.variable.id, level: s.depth + 1, owned, varying: new Map() }
  const lanes = groupLanes(loop)
  const step = owned.size > 0 ? loop.lanes : Math.max(lanes, Math.floor(loop.lanes / lanes) * lanes)
  const writer = new VectorWriter(s, loop, lanes, step)
  if (count === undefined) openVectorLoop(s, writer, extent, s.indexType(loop.extent), owned.size > 0)
  else constantVectorLoop(s, writer, count, s.indexType(loop.extent))
  s.vectorLoop = undefined
}

/** Writes the body of a vector loop, each time with values of its own. */
class VectorWriter {
  readonly s: Selection
  readonly loop: For
  readonly lanes: 2 | 4
  readonly step: number

  constructor(s: Selection, loop: For, lanes: 2 | 4, step: number) {
    this.s = s
    this.loop = loop
    this.lanes = lanes
    this.step = step
  }

  body(variable: Variable, groups: readonly Group[]): void {
    const { s, loop } = this
    s.variables.set(loop.variable.id, variable)
    s.vectorLoop!.varying.clear()
    selectStatements(s, loop.body, groups)
  }

  /** Groups of `count` lanes from 0, of which the last may be partial. */
  groups(count: number): Group[] {
    const { lanes } = this
    return Array.from({ length: Math.ceil(count / lanes) }, (_, index): Group => {
      const offset = index * lanes
      const left = count - offset
      return { lanes, index, offset, predicate: left >= lanes ? undefined : firstLanes(lanes, left) }
    })
  }

  /** Group `index` under the mask of its lanes below `left`. */
  openGroup(index: number, left: number): Group {
    const { s, lanes } = this
    const offset = index * lanes
    s.code.get(left)
    s.emit('i32x4.splat')
    s.vector(
      [0, 1, 2, 3].map((lane) => offset + lane),
      'i32',
    )
    s.emit('i32x4.gt_s')
    if (lanes === 2) s.emit('i64x2.extend_low_i32x4_s')
    return { lanes, index, offset, predicate: { ...firstLanes(lanes, lanes), local: s.code.keep('v128') } }
  }
}

function constantVectorLoop(s: Selection, writer: VectorWriter, count: number, type: IndexType): void {
  const { step } = writer
  const whole = Math.floor(count / step) * step
  const inPlace = (start: number, lanes: number): void =>
    inScope(s, () => {
      openHeader(s)
      writer.body({ constant: start, isLane: true }, writer.groups(lanes))
    })
  if (whole === step) inPlace(0, step)
  else if (whole > 0)
    countedLoop(s, { type, start: 0, end: { constant: whole }, step, isLane: true }, (variable) =>
      writer.body(variable, writer.groups(step)),
    )
  if (whole < count) inPlace(whole, count - whole)
}

function openVectorLoop(s: Selection, writer: VectorWriter, extent: Affine, type: IndexType, owns: boolean): void {
  const { step, lanes } = writer
  emitAffine(s, extent, type)
  const total = s.code.keep(type)
  const run = (start: Count['start'], width: number): number => {
    s.code.get(total)
    pushNumber(s, type, width - 1)
    s.emit(`${type}.sub`)
    const end = { local: s.code.keep(type) }
    return countedLoop(s, { type, start, end, step: width, isLane: true }, (variable) =>
      writer.body(variable, writer.groups(width)),
    )
  }
  let counter = run(0, step)
  if (!owns && step > lanes) counter = run({ local: counter }, lanes)
  s.code.get(total)
  s.code.get(counter)
  s.emit(`${type}.sub`)
  if (type === 'i64') s.emit('i32.wrap_i64')
  const left = s.code.keep('i32')
  inScope(s, () => {
    openHeader(s)
    const variable: Variable = { local: counter, type, level: s.depth, isLane: true }
    const groups = owns ? Math.ceil(step / lanes) : 1
    for (let index = 0; index < groups; index++) {
      s.code.get(left)
      s.code.i32(index * lanes)
      s.emit('i32.gt_s')
      s.code.block('if', () => writer.body(variable, [writer.openGroup(index, left)]))
    }
  })
}

/** The header of a scope that is no loop stands where it begins. */
function openHeader(s: Selection): void {
  s.code.place(s.scopes[s.depth].header)
}

/** Accumulators of as many lanes as the loop that its body adds to. */
function ownedAccumulators(s: Selection, body: readonly Statement[], lanes: number): ReadonlySet<number> {
  const owned = new Set<number>()
  const visit = (statement: Statement): void => {
    if (statement.op === 'accumulate' && statement.accumulator.lanes > 1) {
      const { id, name, lanes: own } = statement.accumulator
      if (own !== lanes) throw s.fail(`${name} has ${own} lanes in a vector loop of ${lanes}`)
      owned.add(id)
    } else if (statement.op === 'for' || statement.op === 'if') statement.body.forEach(visit)
  }
  body.forEach(visit)
  return owned
}

/** Four lanes at once, or two where anything of 64 bits differs between lanes. */
function groupLanes(loop: For): 2 | 4 {
  return loop.body.some(isWideStatement) ? 2 : 4
}

function isWideStatement(statement: Statement): boolean {
  const wide = (e: Expression | undefined): boolean => e !== undefined && isWideExpression(e)
  switch (statement.op) {
    case 'let':
      return wide(statement.value)
    case 'store':
      return (
        isWideDType(statement.memory.dtype) || wide(statement.value) || wide(statement.index) || wide(statement.guard)
      )
    case 'accumulate':
      return isWideDType(statement.accumulator.dtype) || wide(statement.value)
    case 'declare':
      return isWideDType(statement.accumulator.dtype) || wide(statement.initial)
    case 'check':
      return wide(statement.index) || wide(statement.position)
    case 'if':
      return wide(statement.condition) || statement.body.some(isWideStatement)
    case 'for':
      return statement.body.some(isWideStatement)
    default:
      return false
  }
}

/** Whether any value in an expression is of 64 bits; indices are none. */
function isWideExpression(e: Expression): boolean {
  if (e.dtype !== 'index' && isWideDType(e.dtype)) return e.op !== 'literal'
  if (e.op === 'alu') return e.inputs.some(isWideExpression)
  if (e.op === 'load')
    return [e.index, e.guard, e.otherwise].some((part) => part !== undefined && isWideExpression(part))
  return false
}
