// A graph node at a symbolic index vector becomes a kernel expression: everything between memory and that point is inlined.
// float16 and bfloat16 values are held as float32 and rounded (cast down and up) after every operation that can leave the format, as the
// reference does, so that a value recomputed elsewhere is the value that was stored; only loads, stores and casts see the 16-bit dtypes.
import { type DType, dtypeTable } from '../../base/dtype.ts'
import { CompileError } from '../../base/errors.ts'
import { roundToBfloat16, roundToFloat16 } from '../../base/half.ts'
import type { Scalar } from '../../base/scalar.ts'
import { isOp, type Node } from '../../graph/node.ts'
import { alu, both, castTo, indexAlu, indexLiteral, lessThan, literal, loadOf, zeroOf } from '../../kernel/builders.ts'
import type { AluKind, Expression, Memory } from '../../kernel/kernel-node.ts'
import { type Affine, indicesKey, linearIndex, opaqueIndex, substitute, usesAxis, zero } from './index-algebra.ts'
import {
  always,
  type Guard,
  guardKey,
  isElementwise,
  isMovement,
  type MovementName,
  moveIndices,
  withBound,
} from './index-map.ts'
import type { KernelBuilder } from './kernel-builder.ts'

/** Supplies the value of a node that is held elsewhere (an accumulator, scratch), in its compute dtype; undefined to inline it. */
export type Hook = (
  node: Node,
  indices: readonly Affine[],
  guard: Guard,
  evaluation: Evaluation,
) => Expression | undefined

export interface EvaluationOptions {
  readonly builder: KernelBuilder
  /** where the kernel's inputs are */
  readonly memory: ReadonlyMap<Node, Memory>
  readonly materialize: (index: Affine) => Expression
  /** the same for indices that are only compared with bounds */
  readonly materializeBound?: (index: Affine, limit: number) => Expression
  /** how often the values of nodes are used (`countUses`): those used again are named by a `let` */
  readonly uses: ReadonlyMap<Node, number>
  readonly hook?: Hook
}

/** The dtype in which a tensor's elements are computed. */
export const computeDType = (dtype: DType): DType => (dtype === 'float16' || dtype === 'bfloat16' ? 'float32' : dtype)

/** A computed value as its tensor stores it. */
export const toStored = (value: Expression, dtype: DType): Expression => castTo(value, dtype)

/** The value that a store of `dtype` and a load after it would give. */
export const roundTo = (value: Expression, dtype: DType): Expression =>
  castTo(castTo(value, dtype), computeDType(dtype))

/** Operations whose result on values of a 16-bit format is again in the format. */
const exact: ReadonlySet<string> = new Set(['floor', 'max', 'where', 'copy'])

/** A product with 1 or -1, which rounds nothing. */
const isSignOnly = ({ op }: Node, inputs: readonly Expression[]): boolean =>
  op === 'mul' && inputs.some((input) => input.op === 'literal' && Math.abs(Number(input.value)) === 1)

const roundings: Partial<Record<DType, (value: number) => number>> = {
  float16: roundToFloat16,
  bfloat16: roundToBfloat16,
}

/** Uses of each node's value by the nodes of a group, movement counted through, outputs counting as a use. */
export function countUses(inner: readonly Node[], outputs: readonly Node[]): Map<Node, number> {
  const uses = new Map<Node, number>()
  const add = (node: Node, count: number) => uses.set(node, (uses.get(node) ?? 0) + count)
  for (const output of outputs) add(output, 1)
  for (let i = inner.length - 1; i >= 0; i--) {
    const node = inner[i]
    const count = isMovement(node) || node.op === 'copy' ? (uses.get(node) ?? 0) : 1
    for (const input of node.inputs) add(input, count)
  }
  return uses
}

function scalarIn(value: Scalar, dtype: DType): Scalar {
  if (dtype === 'bool') return Boolean(value)
  if (dtype === 'int64') return typeof value === 'bigint' ? value : BigInt(Math.trunc(Number(value)))
  return Number(value)
}

/** Evaluates nodes in one loop body. Values are remembered, so one evaluation must not outlive the statement list it writes to. */
export class Evaluation {
  readonly #options: EvaluationOptions
  readonly #values = new Map<Node, Map<string, Expression>>()
  readonly #guards = new Map<string, Expression>()
  /** keys by array: elementwise nodes pass theirs on as it is */
  readonly #keys = new Map<readonly Affine[], string>()

  constructor(options: EvaluationOptions) {
    this.#options = options
  }

  /** The node's element at `indices`, in its compute dtype; where `guard` is false nothing is read and the value is arbitrary. */
  evaluate(node: Node, indices: readonly Affine[], guard: Guard = always): Expression {
    let values = this.#values.get(node)
    if (!values) this.#values.set(node, (values = new Map()))
    const plain = this.#keyOf(indices)
    const key = guard.length === 0 ? plain : `${plain}|${guardKey(guard)}`
    const known = values.get(key)
    if (known) return known
    const value = this.#share(node, this.#compute(node, indices, guard))
    values.set(key, value)
    return value
  }

  #keyOf(indices: readonly Affine[]): string {
    let key = this.#keys.get(indices)
    if (key === undefined) this.#keys.set(indices, (key = indicesKey(indices)))
    return key
  }

  /** The condition of a guard as an expression; undefined for always. */
  condition(guard: Guard): Expression | undefined {
    if (guard.length === 0) return undefined
    const key = guardKey(guard)
    const known = this.#guards.get(key)
    if (known) return known
    const { builder, materialize, materializeBound = materialize } = this.#options
    let condition: Expression | undefined
    for (const { index, limit } of guard) {
      const value = materializeBound(index, limit)
      if (index.min < 0) condition = both(condition, alu('lessEqual', 'bool', indexLiteral(0), value))
      if (index.max >= limit) condition = both(condition, lessThan(value, indexLiteral(limit)))
    }
    if (condition === undefined) return undefined
    const named = builder.bind('inside', condition)
    this.#guards.set(key, named)
    return named
  }

  #share(node: Node, value: Expression): Expression {
    if (value.op === 'literal' || value.op === 'reference' || isMovement(node)) return value
    if ((this.#options.uses.get(node) ?? 0) < 2) return value
    return this.#options.builder.bind(node.op === 'buffer' ? 'x' : node.op, value)
  }

  #compute(node: Node, indices: readonly Affine[], guard: Guard): Expression {
    const { memory, hook } = this.#options
    const supplied = hook?.(node, indices, guard, this)
    if (supplied) return supplied
    const source = memory.get(node)
    if (source) return this.load(source, linearIndex(indices, node.shape), guard)
    if (isOp(node, 'constant')) return this.#constant(node.attrs.value, node.dtype)
    if (isOp(node, 'iota')) return castTo(this.#options.materialize(indices[0]), computeDType(node.dtype))
    if (isOp(node, 'copy')) return this.evaluate(node.inputs[0], indices, guard)
    if (isOp(node, 'assign')) return this.evaluate(node.inputs[1], indices, guard)
    if (isMovement(node)) return this.#move(node, indices, guard)
    if (isOp(node, 'gather')) return this.#gather(node, indices, guard)
    if (isElementwise(node)) return this.#elementwise(node, indices, guard)
    throw new CompileError(`lower: expected ${node.op} to be in memory or supplied by its kernel, but it is inlined.`, {
      op: node.op,
      shape: node.shape,
    })
  }

  /** The element of memory at `position`, in its compute dtype; nothing is read where `guard` is false. */
  load(memory: Memory, position: Affine, guard: Guard = always): Expression {
    const at = this.#options.materialize(position)
    const condition = this.condition(guard)
    const otherwise = condition && zeroOf(memory.dtype)
    return castTo(loadOf(memory, at, condition, otherwise), computeDType(memory.dtype))
  }

  #constant(value: Scalar, dtype: DType): Expression {
    const compute = computeDType(dtype)
    const round = roundings[dtype]
    return literal(compute, round ? round(Number(value)) : scalarIn(value, compute))
  }

  #elementwise(node: Node, indices: readonly Affine[], guard: Guard): Expression {
    const inputs = node.inputs.map((input) => this.evaluate(input, indices, guard))
    if (node.op === 'cast') return this.#cast(inputs[0], node.inputs[0].dtype, node.dtype)
    if (node.op === 'bitcast') {
      const bits = alu('bitcast', node.dtype, toStored(inputs[0], node.inputs[0].dtype))
      return castTo(bits, computeDType(node.dtype))
    }
    const value = alu(node.op as AluKind, computeDType(node.dtype), ...inputs)
    return exact.has(node.op) || isSignOnly(node, inputs) ? value : roundTo(value, node.dtype)
  }

  /** Between the 16-bit formats and float32 a cast is its rounding; widening is free. */
  #cast(value: Expression, from: DType, to: DType): Expression {
    return from === to ? value : roundTo(castTo(value, computeDType(to)), to)
  }

  #move(node: Node<MovementName>, indices: readonly Affine[], guard: Guard): Expression {
    const sources = moveIndices(node, indices)
    let value: Expression | undefined = isOp(node, 'pad') ? this.#constant(node.attrs.value, node.dtype) : undefined
    // the last source that can be chosen needs no test when something must be chosen
    for (const { input, indices: moved, bounds } of [...sources].reverse()) {
      let inner: Guard | 'never' = guard
      let own: Guard | 'never' = always
      for (const { index, limit } of bounds) {
        if (inner !== 'never') inner = withBound(inner, index, limit)
        if (own !== 'never') own = withBound(own, index, limit)
      }
      if (inner === 'never' || own === 'never') continue
      const found = this.evaluate(input, moved, inner)
      const chosen = this.condition(own)
      value = value === undefined || chosen === undefined ? found : choose(chosen, found, value)
    }
    return value ?? this.#constant(0, node.dtype)
  }

  #gather(node: Node<'gather'>, indices: readonly Affine[], guard: Guard): Expression {
    const { axis } = node.attrs
    const [source, index] = node.inputs
    const row = this.checkedIndex(index, indices, source.shape[axis], node.attrs.caller, guard)
    return this.evaluate(source, indices.with(axis, row), guard)
  }

  /** A data-dependent index: tested against the limit, then clamped, so that what reads through it stays inside. */
  checkedIndex(index: Node, indices: readonly Affine[], limit: number, op: string, guard: Guard = always): Affine {
    const { builder, materialize } = this.#options
    const used = originsOf(index, indices)
    // where the index is broadcast, the first of equal positions stands for all, so that the test leaves the inner loop
    const first = indices.map((value) =>
      substitute(value, (axis) => (used.some((origin) => usesAxis(origin, axis)) ? undefined : zero)),
    )
    const value = builder.bind('at', castTo(this.evaluate(index, first, guard), 'index'))
    const position = materialize(originPosition(index, first))
    builder.emit({ op: 'check', index: value, limit, position, id: builder.check({ op, limit }) })
    const clamped = indexAlu('max', indexAlu('min', value, indexLiteral(limit - 1)), indexLiteral(0))
    const key = `g${index.id}[${indicesKey(first)}|${guardKey(guard)}]`
    return opaqueIndex(builder.bind('row', clamped), key, limit, first)
  }
}

/** The indices that a value depends on, seen through movement that has one source. */
function originsOf(node: Node, indices: readonly Affine[]): readonly Affine[] {
  if (!isMovement(node) || node.op === 'concat' || node.op === 'pad') return indices
  const [{ input, indices: moved }] = moveIndices(node, indices)
  return originsOf(input, moved)
}

/** Row-major position in the index as the user passed it: before it was repeated and reshaped. */
function originPosition(index: Node, indices: readonly Affine[]): Affine {
  let [node, at] = [index, indices]
  while (isOp(node, 'expand') || isOp(node, 'reshape')) {
    const [source] = moveIndices(node, at)
    node = source.input
    at = source.indices
  }
  return linearIndex(at, node.shape)
}

/**
 * where(condition, value, otherwise). A load was guarded by the condition and perhaps more: it takes the other value itself where the guard
 * is that very condition, and gives it already where both are 0.
 */
function choose(condition: Expression, value: Expression, otherwise: Expression): Expression {
  if (value.op === 'load' && value.guard && otherwise.op === 'literal') {
    if (value.guard === condition) return { ...value, otherwise }
    if (value.otherwise?.op === 'literal' && Object.is(value.otherwise.value, otherwise.value)) return value
  }
  return alu('where', otherwise.dtype as DType, condition, value, otherwise)
}

/** Rough cost of computing a node's element, in units of an addition. */
export const weightOf = (node: Node): number => operationWeights[node.op] ?? (isElementwise(node) ? 1 : 0)

const operationWeights: Readonly<Record<string, number>> = {
  exp: 12,
  log: 14,
  sin: 20,
  cos: 20,
  pow: 30,
  sqrt: 5,
  div: 5,
  mod: 8,
  gather: 4,
  cast: 1,
}

/** Bytes of the widest element among nodes, as computed. */
export const widestBytes = (nodes: Iterable<Node>): number => {
  let bytes = 1
  for (const node of nodes) bytes = Math.max(bytes, dtypeTable[computeDType(node.dtype)].bytes)
  return bytes
}
