// The kernel vocabulary: loops over memory. `lower` writes it, `optimize` rewrites it, code generators and the interpreter read it.
import type { DType } from '../base/dtype.ts'
import type { ReduceKind, Scalar } from '../base/scalar.ts'

// --- memory -------------------------------------------------------------------------------------------------------------

/** A buffer that the call binds: entry `slot` of the call's own segment of the binding table. Contiguous, 64-byte aligned. */
export interface Param {
  readonly op: 'param'
  readonly slot: number
  readonly dtype: DType
  /** elements; every access is proved or checked to lie in 0..size-1 */
  readonly size: number
  readonly access: 'read' | 'write' | 'readwrite'
  /** of what is only written: stores may go past the caches */
  readonly isStreamed?: boolean
  readonly name: string
}

/** Memory of one participant that lives as long as the kernel call; contents undefined at entry. 64-byte aligned. */
export interface Scratch {
  readonly op: 'scratch'
  readonly dtype: DType
  readonly size: number
  readonly name: string
}

export type Memory = Param | Scratch

// --- expressions (pure) ----------------------------------------------------------------------------------------------------

/** dtype 'index' is a signed 64-bit integer used for addressing, extents and guards; never stored to a tensor. */
export type KernelDType = DType | 'index'

export interface Literal {
  readonly op: 'literal'
  readonly dtype: KernelDType
  readonly value: Scalar
}

/** Value of a loop variable, dtype 'index'. */
export interface Index {
  readonly op: 'index'
  readonly dtype: 'index'
  readonly variable: LoopVariable
}

/** Entry `slot` of the size table, dtype 'index'. */
export interface Size {
  readonly op: 'size'
  readonly dtype: 'index'
  readonly slot: number
}

/**
 * Elementwise arithmetic. Kinds are the graph's elementwise primitives plus what `optimize` introduces: sub, min, neg, abs,
 * notEqual, lessEqual, not. On 'index': add mul sub div (floor) mod (floor) max min
 * less lessEqual equal. Comparisons give bool.
 */
export interface Alu {
  readonly op: 'alu'
  readonly kind: AluKind
  readonly dtype: KernelDType
  readonly inputs: readonly Expression[]
}

export type AluKind =
  | 'sqrt'
  | 'exp'
  | 'log'
  | 'sin'
  | 'cos'
  | 'floor'
  | 'cast'
  | 'bitcast'
  | 'add'
  | 'mul'
  | 'div'
  | 'mod'
  | 'pow'
  | 'max'
  | 'less'
  | 'equal'
  | 'and'
  | 'or'
  | 'xor'
  | 'shiftLeft'
  | 'shiftRight'
  | 'where'
  | 'sub'
  | 'min'
  | 'neg'
  | 'abs'
  | 'multiplyAdd'
  | 'notEqual'
  | 'lessEqual'
  | 'not'

/** Element `index` of `memory`. Where `guard` is false nothing is read and the value is `otherwise`. */
export interface Load {
  readonly op: 'load'
  readonly dtype: DType
  readonly memory: Memory
  readonly index: Expression
  readonly guard?: Expression
  readonly otherwise?: Expression
}

/** Current value of an accumulator; a `lanes` accumulator read outside its vector loop is combined over lanes in a fixed tree. */
export interface Read {
  readonly op: 'read'
  readonly dtype: DType
  readonly accumulator: Accumulator
}

/** Value bound by a `let` statement. */
export interface Reference {
  readonly op: 'reference'
  readonly dtype: KernelDType
  readonly binding: Binding
}

export type Expression = Literal | Index | Size | Alu | Load | Read | Reference

// --- statements ------------------------------------------------------------------------------------------------------------

export interface LoopVariable {
  readonly name: string
  readonly id: number
}

export interface Binding {
  readonly name: string
  readonly dtype: KernelDType
  readonly id: number
}

/**
 * A mutable value of one participant. With `lanes` > 1 every lane of the vector loop accumulates apart from the others, starting
 * from the identity of `kind`; `read` after the loop combines them pairwise (lane i with i + lanes/2, and so on), then with `initial`.
 */
export interface Accumulator {
  readonly name: string
  readonly dtype: DType
  readonly id: number
  readonly lanes: number
  readonly kind: ReduceKind | 'none'
}

/**
 * for variable in 0..extent-1.
 * - serial: in order. unroll: in order, body repeated by the code generator (constant, small extent).
 * - parallel: only as a top statement; iterations are independent and dealt to participants in contiguous runs.
 *   Other top statements run on every participant, except that only participant 0 runs one that writes to a param.
 * - vector: iterations are independent, `lanes` at a time (a multiple of no particular hardware width; a value is as many registers
 *   as it needs); the last partial group runs masked or lane by lane. No loops inside.
 */
export interface For {
  readonly op: 'for'
  readonly variable: LoopVariable
  readonly extent: Expression
  readonly kind: 'serial' | 'unroll' | 'parallel' | 'vector'
  readonly lanes: number
  readonly body: readonly Statement[]
}

export interface Let {
  readonly op: 'let'
  readonly binding: Binding
  readonly value: Expression
}

export interface Declare {
  readonly op: 'declare'
  readonly accumulator: Accumulator
  readonly initial: Expression
}

/** accumulator = kind(accumulator, value); with kind 'none', accumulator = value. */
export interface Accumulate {
  readonly op: 'accumulate'
  readonly accumulator: Accumulator
  readonly value: Expression
}

/** Where `guard` is false nothing is written. */
export interface Store {
  readonly op: 'store'
  readonly memory: Memory
  readonly index: Expression
  readonly value: Expression
  readonly guard?: Expression
}

export interface If {
  readonly op: 'if'
  readonly condition: Expression
  readonly body: readonly Statement[]
}

/** All participants wait for each other; only between top statements. */
export interface Barrier {
  readonly op: 'barrier'
}

/** Unless 0 <= index < limit, writes (id, position, index) to the error word; the access below it is guarded by the same test. */
export interface Check {
  readonly op: 'check'
  readonly index: Expression
  readonly limit: number
  readonly position: Expression
  readonly id: number
}

/**
 * The microkernel: c[i*stride + j] (+)= sum over k < depth of a[i*aRow + k*aStride] * b[k*bStride + j], for all i < mr, j < nr,
 * k in order, fused multiply-adds. Nothing else is read or written. `accumulate` 0 overwrites c.
 */
export interface TileMultiply {
  readonly op: 'tileMultiply'
  readonly dtype: 'float32' | 'float64'
  readonly mr: number
  readonly nr: number
  readonly depth: Expression
  /** elements from one row of a to the next: 1 in a packed panel, whose k are at least mr apart; rows of their own are read with aStride 1 */
  readonly aRow: number
  /** elements from one k to the next */
  readonly aStride: number
  readonly bStride: number
  /**
   * Where b's rows lie that several k share a stride: k reads from (k div count) * bStride + bTaps[k mod count], and depth is a multiple of
   * their count. Without them, each k has a row of its own.
   */
  readonly bTaps?: readonly number[]
  readonly a: { readonly memory: Memory; readonly index: Expression }
  readonly b: { readonly memory: Memory; readonly index: Expression }
  readonly c: { readonly memory: Memory; readonly index: Expression; readonly stride: Expression }
  /** an index expression: zero overwrites, anything else adds to c */
  readonly accumulate: Expression
}

export type Statement = For | Let | Declare | Accumulate | Store | If | Barrier | Check | TileMultiply
export type KernelNode = Memory | Expression | Statement

export interface Kernel {
  /** for people: anchor and the op names it fused, e.g. `row softmax 64x10` */
  readonly name: string
  readonly params: readonly Param[]
  readonly scratch: readonly Scratch[]
  readonly body: readonly Statement[]
}
