// Loops: counted, repeated in place, dealt to participants, and vector loops with their last partial group under a mask.
import { bytesOf } from '../../base/dtype.ts'
import { CompileError } from '../../base/errors.ts'
import type { Accumulator, Expression, For, Statement } from '../../kernel/kernel-node.ts'
import { memoryOperand, type VirtualRegister } from '../machine/machine-op.ts'
import { threadContext } from './calling-convention.ts'
import { multiplyHighClobbers } from './emit-sequences.ts'
import { byteLoop } from './select-bytes.ts'
import { addAffine, affineOf, constantAffine, constantRegister, copyGeneral, indexRegister } from './select-index.ts'
import { type Affine, type Group, makeScope, type Selection, scalarGroup } from './select-state.ts'
import { selectStatements } from './select-statement.ts'
import { transposedCopy } from './select-transposed.ts'
import { wideGroup, withWideAccumulators } from './select-wide.ts'

const largestUnroll = 64
/** of the widest type that stores whole lines in one loop step: a line of float32 */
const lineElements = 16

export function selectLoop(s: Selection, loop: For, groups: readonly Group[]): void {
  const extent = affineOf(s, loop.extent)
  if (extent === undefined) throw s.fail(`the extent of ${loop.variable.name} differs between lanes`)
  const count = extent.terms.length === 0 ? extent.constant : undefined
  if (count !== undefined && count <= 0) return
  if (loop.kind === 'parallel') parallelLoop(s, loop, extent)
  else if (loop.kind === 'vector' && groups[0].lanes === 1 && byteLoop(s, loop)) return
  else if (loop.kind === 'vector' && groups[0].lanes === 1) vectorLoop(s, loop, extent, count)
  else if (groups[0].lanes === 1 && transposedCopy(s, loop)) return
  else if (count === 1 || (loop.kind === 'unroll' && count !== undefined && count <= largestUnroll))
    repeatBody(s, loop, count, groups)
  else
    countedLoop(s, constantRegister(s, 0), limitOf(s, extent), 1, count === undefined, (counter) => {
      s.variables.set(loop.variable.id, counter)
      selectStatements(s, loop.body, groups)
    })
}

/** Runs `whole` for each `step` iterations, and `single` for each of those that are left. */
export function countedRuns(
  s: Selection,
  loop: For,
  step: number,
  whole: (counter: Affine) => void,
  single: (counter: Affine) => void,
): void {
  const extent = affineOf(s, loop.extent)
  if (extent === undefined) throw s.fail(`the extent of ${loop.variable.name} differs between lanes`)
  const start = constantRegister(s, 0)
  if (extent.terms.length > 0) {
    const total = indexRegister(s, extent)
    const end = indexRegister(s, addAffine(extent, constantAffine(step - 1), -1))
    const done = countedLoop(s, start, end, step, true, whole)
    countedLoop(s, done, total, 1, true, single)
    return
  }
  const wholes = Math.floor(extent.constant / step) * step
  if (wholes > 0) countedLoop(s, start, limitOf(s, constantAffine(wholes)), step, false, whole)
  if (wholes < extent.constant) countedLoop(s, constantRegister(s, wholes), limitOf(s, extent), 1, false, single)
}

function repeatBody(s: Selection, loop: For, count: number, groups: readonly Group[]): void {
  for (let i = 0; i < count; i++) {
    s.variables.set(loop.variable.id, constantAffine(i))
    selectStatements(s, loop.body, groups)
    s.group = scalarGroup
  }
}

type Limit = VirtualRegister | number

const limitOf = (s: Selection, { constant, terms, lane }: Affine): Limit =>
  terms.length === 0 && (constant | 0) === constant ? constant : indexRegister(s, { constant, terms, lane })

const limitOperand = (limit: Limit) => (typeof limit === 'number' ? limit : limit.view(8))

/** for (counter = start; counter < end; counter += step), entered without a test unless it may be empty. */
function countedLoop(
  s: Selection,
  start: VirtualRegister,
  end: Limit,
  step: number,
  mayBeEmpty: boolean,
  body: (counter: Affine) => void,
): VirtualRegister {
  const counter = copyGeneral(s, start)
  const [again, done] = [s.label(), s.label()]
  if (mayBeEmpty) {
    s.read('cmp', counter.view(8), limitOperand(end))
    s.branch('jge', done)
  }
  const level = s.depth + 1
  inScope(s, counter, step, () => {
    s.block.push({ op: 'loop' })
    s.mark(again)
    body({ constant: 0, terms: [{ register: counter, level, coefficient: 1 }], lane: 0 })
    s.group = scalarGroup
    for (const { register, amount } of s.scopes[level].inductions) s.update('add', register.view(8), amount)
    s.update('add', counter.view(8), step)
    s.read('cmp', counter.view(8), limitOperand(end))
    s.branch('jl', again)
    s.block.push({ op: 'endLoop' })
  })
  s.markEnd(done)
  return counter
}

/** Opens a scope: a place for what is computed once before `body`, then `body`. */
function inScope(s: Selection, counter: VirtualRegister | undefined, step: number, body: () => void): void {
  const scope = makeScope(counter, step)
  s.block.push(scope.preheader)
  s.scopes[s.depth + 1] = scope
  s.depth++
  body()
  s.depth--
  s.scopes.length = s.depth + 1
}

/** This participant's run of iterations: from index * extent / count to (index + 1) * extent / count. */
function parallelLoop(s: Selection, loop: For, extent: Affine): void {
  const field = (disp: number) => memoryOperand({ base: s.contextPointer, disp, bytes: 8 })
  const total = indexRegister(s, extent)
  const [first, count] = [s.general(), s.general()]
  s.write('mov', first.view(8), field(threadContext.threadIndex))
  s.write('mov', count.view(8), field(threadContext.threadCount))
  const next = s.general()
  s.write('lea', next.view(8), memoryOperand({ base: first, disp: 1 }))
  const [start, end] = [first, next].map((share) => {
    const bound = s.general()
    s.sequence('multiplyDivide', 'write', multiplyHighClobbers, ...[bound, share, total, count].map((r) => r.view(8)))
    return bound
  })
  countedLoop(s, start, end, 1, true, (counter) => {
    s.variables.set(loop.variable.id, counter)
    selectStatements(s, loop.body, [scalarGroup])
  })
}

// --- vector loops ---------------------------------------------------------------------------------------------------------

function vectorLoop(s: Selection, loop: For, extent: Affine, count: number | undefined): void {
  const owned = ownedAccumulators(loop.body, loop.lanes)
  const lanes = groupLanes(loop)
  const step = owned.size > 0 ? loop.lanes : Math.max(lanes, Math.floor(loop.lanes / lanes) * lanes)
  const fillsLines = step % lineElements === 0 && (count === undefined || count >= 4 * lineElements)
  s.vectorLoop = { variable: loop.variable.id, fillsLines, owned, varying: new Map() }
  const body = (base: Affine, groups: readonly Group[]) => {
    s.variables.set(loop.variable.id, { ...base, lane: 1 })
    s.vectorLoop!.varying.clear()
    selectStatements(s, loop.body, groups)
    s.group = scalarGroup
  }
  const wide = wideGroup(s, loop, step)
  const whole: Whole = {
    groups: fullGroups(s, step, lanes, wide),
    wide: owned.size === 0 ? wide : undefined,
    around: (write) => (wide ? withWideAccumulators(s, owned, write) : write()),
  }
  if (count !== undefined) constantVectorLoop(s, count, step, lanes, body, whole)
  else openVectorLoop(s, extent, step, lanes, body, whole)
  s.vectorLoop = undefined
}

/** The counter of a loop from 0, known to be a multiple of its step. */
const multiple = (counter: Affine, step: number): Affine => ({
  ...counter,
  terms: counter.terms.map((term) => ({ ...term, divisor: step })),
})

type VectorBody = (base: Affine, groups: readonly Group[]) => void

/** The groups of a step with all its lanes, and what is to be done around the loop over such steps. */
interface Whole {
  readonly groups: readonly Group[]
  /** what groups of a last, shorter step may be, too, if none of them adds to accumulators */
  readonly wide: ReturnType<typeof wideGroup>
  readonly around: (write: () => void) => void
}

function constantVectorLoop(
  s: Selection,
  count: number,
  step: number,
  lanes: 4 | 8,
  body: VectorBody,
  { groups, wide, around }: Whole,
): void {
  const whole = Math.floor(count / step) * step
  const limit = limitOf(s, constantAffine(whole))
  if (whole === step) around(() => inScope(s, undefined, step, () => body(constantAffine(0), groups)))
  else if (whole > 0)
    around(() =>
      countedLoop(s, constantRegister(s, 0), limit, step, false, (base) => body(multiple(base, step), groups)),
    )
  if (whole < count)
    inScope(s, undefined, step, () => body(constantAffine(whole), fullGroups(s, count - whole, lanes, wide)))
}

/** Groups of `count` lanes from 0, wide while they are full if that is allowed; the last may be partial. */
function fullGroups(s: Selection, count: number, lanes: 4 | 8, wide: ReturnType<typeof wideGroup>): Group[] {
  const groups: Group[] = []
  for (let offset = 0; offset < count; offset += groups.at(-1)!.lanes) {
    const [index, left] = [groups.length, count - offset]
    if (wide && left >= wide.lanes) groups.push({ index, offset, predicate: undefined, ...wide })
    else groups.push({ index, offset, lanes, ...(left < lanes ? prefixOf(s, left, lanes) : { predicate: undefined }) })
  }
  return groups
}

/** The mask of the first `count` lanes. */
function prefixOf(s: Selection, count: number, lanes: number): Pick<Group, 'predicate' | 'prefix'> {
  const first = () => Int32Array.from({ length: 8 }, (_, lane) => (lane < count ? -1 : 0))
  const mask = s.load(s.pool(`first ${count} of 8`, first), lanes * 4)
  return { predicate: mask, prefix: { mask, count } }
}

function openVectorLoop(
  s: Selection,
  extent: Affine,
  step: number,
  lanes: 4 | 8,
  body: VectorBody,
  { groups, around }: Whole,
): void {
  const total = indexRegister(s, extent)
  const end = indexRegister(s, addAffine(extent, constantAffine(step - 1), -1))
  let counter = total
  around(() => {
    counter = countedLoop(s, constantRegister(s, 0), end, step, true, (base) => body(multiple(base, step), groups))
  })
  const done = s.label()
  const left = copyGeneral(s, total)
  s.update('sub', left.view(8), counter.view(8))
  s.branch('jle', done)
  // a copy, since the loop's counter no longer moves
  const start = copyGeneral(s, counter)
  const level = s.depth
  inScope(s, undefined, step, () =>
    body(
      { constant: 0, terms: [{ register: start, level, coefficient: 1 }], lane: 0 },
      openGroups(s, left, step, lanes),
    ),
  )
  s.markEnd(done)
}

/** Groups under masks of the lanes below `left`. */
function openGroups(s: Selection, left: VirtualRegister, step: number, lanes: 4 | 8): Group[] {
  const bytes = lanes * 4
  const narrowLeft = s.vector()
  s.write('vmovd', narrowLeft.view(16), left.view(4))
  const spread = s.vector()
  s.write('vpbroadcastd', spread.view(bytes), narrowLeft.view(16))
  return Array.from({ length: Math.ceil(step / lanes) }, (_, index): Group => {
    const offset = index * lanes
    const numbers = s.pool(`lanes from ${offset}`, () => Int32Array.from({ length: 8 }, (_, lane) => offset + lane))
    return { index, offset, lanes, predicate: s.vector3('vpcmpgtd', bytes, spread, numbers) }
  })
}

/** Accumulators of as many lanes as the loop that its body adds to. */
function ownedAccumulators(body: readonly Statement[], lanes: number): ReadonlySet<Accumulator> {
  const owned = new Set<Accumulator>()
  const visit = (statement: Statement): void => {
    if (statement.op === 'accumulate' && statement.accumulator.lanes > 1) owned.add(statement.accumulator)
    else if (statement.op === 'for' || statement.op === 'if') statement.body.forEach(visit)
  }
  body.forEach(visit)
  for (const { name, lanes: own } of owned)
    if (own !== lanes) throw new CompileError(`x64: ${name} has ${own} lanes in a vector loop of ${lanes}`)
  return owned
}

/** Eight lanes at once, or four where all values are of 64 bits or the loop has no more. */
function groupLanes(loop: For): 4 | 8 {
  return loop.lanes <= 4 || loop.body.every(isWideStatement) ? 4 : 8
}

function isWideStatement(statement: Statement): boolean {
  switch (statement.op) {
    case 'store':
      return bytesOf(statement.memory.dtype) === 8 && isWideExpression(statement.value)
    case 'let':
      return isWideExpression(statement.value)
    case 'accumulate':
      return bytesOf(statement.accumulator.dtype) === 8 && isWideExpression(statement.value)
    case 'declare':
      return bytesOf(statement.accumulator.dtype) === 8
    case 'for':
    case 'if':
      return statement.body.every(isWideStatement)
    default:
      return true
  }
}

/** Whether no value but bool in an expression is of fewer than 64 bits. */
function isWideExpression(e: Expression): boolean {
  if (e.dtype !== 'index' && e.dtype !== 'bool' && bytesOf(e.dtype) < 8) return false
  if (e.op === 'alu') return e.inputs.every(isWideExpression)
  return !(e.op === 'load' && e.dtype === 'bool')
}
