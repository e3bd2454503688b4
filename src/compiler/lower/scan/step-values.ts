// Values while a loop steps: which of them lie in memory and how, and the evaluation of everything else from them. Where rows go their own
// ways a participant keeps those of its block only.
import { bytesOf, type DType } from '../../../base/dtype.ts'
import { sizeOf } from '../../../base/shape.ts'
import { type Node, type ScanBody, topologicalOrder } from '../../../graph/node.ts'
import type { Memory } from '../../../kernel/kernel-node.ts'
import { computeDType, countUses, Evaluation, type Hook, roundTo } from '../evaluate.ts'
import { type Affine, type Axis, add, addScaled, axisIndex, linearIndex, scale } from '../index-algebra.ts'
import { type Lowering, traceIndices } from '../lowered-kernel.ts'
import type { Scope } from '../scope.ts'

/** Rows of everything, dealt to participants in blocks that keep them through all steps. */
export interface RowBlocks {
  readonly total: number
  readonly perBlock: number
  readonly count: number
  readonly row: Axis
  readonly block: Axis
}

/** A value in memory; where rows are dealt, the block's own, `rowStride` elements apart. */
export interface Held {
  readonly memory: Memory
  readonly rowStride: number
}

export interface LoopParts {
  readonly lowering: Lowering
  readonly body: ScanBody
  readonly inputs: readonly Node[]
  readonly step: Affine
  readonly rows: RowBlocks | undefined
  readonly rowsHeld: number
}

const lineBytes = 64

/** Over an odd number of cache lines, so that rows spread over all sets of the cache. */
export function paddedStride(elements: number, dtype: DType): number {
  const perLine = lineBytes / bytesOf(dtype)
  const lines = Math.ceil(elements / perLine)
  return elements < perLine ? elements : (lines % 2 === 0 ? lines + 1 : lines) * perLine
}

export class StepValues {
  readonly lowering: Lowering
  readonly body: ScanBody
  readonly rows: RowBlocks | undefined
  /** the step's place along the sequences */
  readonly step: Affine
  readonly held = new Map<Node, Held>()
  readonly #inputs: readonly Node[]
  readonly #uses: ReadonlyMap<Node, number>
  /** rows that a value in memory has, those included that fill up register tiles */
  readonly #rowsHeld: number

  constructor({ lowering, body, inputs, step, rows, rowsHeld }: LoopParts) {
    this.lowering = lowering
    this.body = body
    this.rows = rows
    this.step = step
    this.#inputs = inputs
    this.#uses = new Map([...lowering.uses, ...countUses(topologicalOrder(body.outputs), body.outputs)])
    this.#rowsHeld = rowsHeld
  }

  /** Memory of this participant for a node, in the dtype it is computed in. */
  reserve(name: string, { shape, dtype }: Node): Held {
    const own = computeDType(dtype)
    const rowStride = this.rows ? paddedStride(sizeOf(shape.slice(1)), own) : 0
    const size = this.rows ? this.#rowsHeld * rowStride : sizeOf(shape)
    return { memory: this.lowering.builder.makeScratch(name, own, size), rowStride }
  }

  /** Row of the block at hand. */
  rowInBlock(row: Affine): Affine {
    return this.rows ? addScaled(row, axisIndex(this.rows.block), -this.rows.perBlock) : row
  }

  position({ rowStride }: Held, indices: readonly Affine[], { shape }: Node): Affine {
    if (!this.rows) return linearIndex(indices, shape)
    return add(scale(this.rowInBlock(indices[0]), rowStride), linearIndex(indices.slice(1), shape.slice(1)))
  }

  evaluation(scope: Scope): Evaluation {
    const { builder, inputs } = this.lowering
    return new Evaluation({
      builder,
      memory: inputs,
      materialize: scope.materialize,
      uses: this.#uses,
      hook: this.#hook,
    })
  }

  /** Every index that evaluating would ask for. */
  trace(factors: readonly { readonly node: Node; readonly indices: readonly Affine[] }[]): Affine[] {
    const { group, inputs } = this.lowering
    const roots = factors.map((factor) => ({ ...factor, stored: false }))
    return traceIndices(group, inputs, this.#uses, this.#hook, roots)
  }

  /** Placeholders become slices of the sequences at this step, constants, or the carries' memory. */
  #hook: Hook = (node, indices, guard, evaluation) => {
    const held = this.held.get(node)
    if (held) {
      const value = evaluation.load(held.memory, this.position(held, indices, node), guard)
      return node.op === 'contract' ? roundTo(value, node.dtype) : value
    }
    const at = this.body.placeholders.indexOf(node)
    if (at < 0) return undefined
    const isSequence = at >= this.body.carries && at < this.body.carries + this.body.sequences
    return evaluation.evaluate(this.#inputs[at], isSequence ? [this.step, ...indices] : indices, guard)
  }
}
