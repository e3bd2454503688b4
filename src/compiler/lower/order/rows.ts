// What the kernels that order rows share: the rows of an operand, dealt to participants, and the keys of one of them in memory of its own.
import { bytesOf, type DType } from '../../../base/dtype.ts'
import type { Scalar } from '../../../base/scalar.ts'
import { keyBits, sortKey } from '../../../graph/composites/sort-keys.ts'
import type { Node } from '../../../graph/node.ts'
import { alu, castTo, indexAlu, indexLiteral, literal, loadOf, storeTo } from '../../../kernel/builders.ts'
import type { AluKind, Expression, LoopVariable, Memory } from '../../../kernel/kernel-node.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import { type Axis, axisIndex, makeAxis } from '../index-algebra.ts'
import type { KernelBuilder } from '../kernel-builder.ts'
import { lanesFor, parallelNest } from '../loops.ts'
import { Lowering } from '../lowered-kernel.ts'
import { Scope } from '../scope.ts'

export type KeyDType = 'int32' | 'int64'

/** Keys to be written, and what they are. */
export interface Keys {
  readonly builder: KernelBuilder
  /** Memory for the row at hand: a participant's own, or where there is one row the call's, which no other participant needs again. */
  readonly makeMemory: (name: string, dtype: DType, size: number) => Memory
  readonly target: Target
  readonly dtype: KeyDType
  /** that differences of keys may have */
  readonly bits: number
  readonly extent: number
  /** how many there are, where values decide that: an index of at most `extent` */
  readonly count?: Expression
}

export interface Rows extends Keys {
  readonly lowering: Lowering
  /** [rows, n] */
  readonly x: Node
  /** of `x`, in the order wanted */
  readonly key: Node
  readonly descending: boolean
  readonly row: Axis
}

export function makeRows(group: KernelGroup, target: Target, descending: boolean): Rows {
  const lowering = new Lowering(group)
  const [x] = group.anchorNode!.inputs
  const [count, extent] = x.shape
  const key = sortKey(x, descending)
  const { builder } = lowering
  return {
    lowering,
    builder,
    makeMemory: (...memory) => (count === 1 ? builder.temporary(...memory) : builder.makeScratch(...memory)),
    target,
    x,
    key,
    descending,
    dtype: key.dtype as KeyDType,
    bits: keyBits[x.dtype],
    row: makeAxis('row', count),
    extent,
  }
}

/** Rows are dealt out in at most this many runs. */
const mostRuns = 256

export const overRows = ({ builder, row }: Rows, body: (scope: Scope) => void): void =>
  parallelNest(builder, new Scope(), [row], Math.min(row.extent, mostRuns), undefined, body)

/** Writes the keys of a row to the start of `memory`. */
export function writeKeys(
  { lowering, builder, target, key, row, extent, dtype }: Rows,
  scope: Scope,
  memory: Memory,
): void {
  const element = makeAxis('element', extent)
  const lanes = lanesFor(target, bytesOf(dtype), 0, extent)
  builder.loop({ name: element.name, extent, kind: 'vector', lanes }, (variable) => {
    const inside = scope.enter(element, variable, true)
    const value = lowering.evaluation(inside).evaluate(key, [axisIndex(row), axisIndex(element)])
    builder.emit(storeTo(memory, inside.materialize(axisIndex(element)), value))
  })
}

/** A loop over lanes of elements of so many bytes. */
export function overLanes(
  { builder, target }: Keys,
  extent: number,
  bytes: number,
  body: (at: Expression) => void,
): void {
  const lanes = lanesFor(target, bytes, 0, extent)
  builder.loop({ name: 'element', extent, kind: 'vector', lanes }, (variable) => body(indexOfLoop(variable)))
}

/** A loop over lanes of all keys. */
export function overKeys({ builder, target, dtype, extent, count }: Keys, body: (at: Expression) => void): void {
  const lanes = lanesFor(target, bytesOf(dtype), 0, extent)
  builder.loop({ name: 'element', extent: count ?? extent, kind: 'vector', lanes }, (variable) =>
    body(indexOfLoop(variable)),
  )
}

/** How many keys there are, as an int32. */
export const countOf = ({ extent, count }: Keys): Expression => (count ? castTo(count, 'int32') : int32(extent))

export interface Extremes {
  readonly least: Expression
  readonly greatest: Expression
}

/** The least and the greatest key. */
export function extremes(run: Keys, keys: Memory): Extremes {
  const { builder, target, dtype, extent } = run
  const lanes = lanesFor(target, bytesOf(dtype), 0, extent)
  const [least, greatest] = (['min', 'max'] as const).map((kind) => builder.accumulator(kind, dtype, kind, lanes))
  overKeys(run, (at) => {
    const key = builder.bind('key', loadOf(keys, at))
    builder.accumulate(least, key)
    builder.accumulate(greatest, key)
  })
  const [low, high] = [least, greatest].map((each) => builder.bind(each.name, builder.read(each)))
  return { least: low, greatest: high }
}

/** How many keys, of `extent` from `from` on, meet a condition. */
export function countKeys(
  { builder, target, dtype, extent: most, count: all }: Keys,
  keys: Memory,
  condition: (key: Expression) => Expression,
  extent: Expression | number = all ?? most,
  from: Expression = indexLiteral(0),
): Expression {
  const lanes = lanesFor(target, bytesOf(dtype), 0, typeof extent === 'number' ? extent : most)
  const count = builder.accumulator('count', 'int32', 'sum', lanes)
  builder.loop({ name: 'element', extent, kind: 'vector', lanes }, (variable) => {
    const key = elementOf(keys, from, indexOfLoop(variable))
    builder.accumulate(count, castTo(condition(key), 'int32'))
  })
  return builder.bind('count', builder.read(count))
}

export const indexOfLoop = (variable: LoopVariable): Expression => ({ op: 'index', dtype: 'index', variable })

// --- arithmetic -----------------------------------------------------------------------------------------------------------

/** A constant of a dtype of whole numbers. */
export const whole = (dtype: KeyDType, value: Scalar): Expression =>
  literal(dtype, dtype === 'int64' ? BigInt(value) : Number(value))

export const int32 = (value: number): Expression => literal('int32', value)

/** Arithmetic of two values of one dtype, or a comparison of them. */
export const compute = (kind: AluKind, a: Expression, b: Expression): Expression => alu(kind, a.dtype, a, b)

export const choose = (condition: Expression, then: Expression, otherwise: Expression): Expression =>
  alu('where', then.dtype, condition, then, otherwise)

export const asIndex = (value: Expression): Expression => castTo(value, 'index')

/** A value as an index that is proved to lie in 0..limit-1. */
export const clampedIndex = (value: Expression, limit: number): Expression =>
  indexAlu('max', indexAlu('min', asIndex(value), indexLiteral(limit - 1)), indexLiteral(0))

export const elementOf = (memory: Memory, ...terms: readonly Expression[]): Expression => loadOf(memory, sumOf(terms))

export const sumOf = (terms: readonly Expression[]): Expression => terms.reduce((a, b) => indexAlu('add', a, b))
