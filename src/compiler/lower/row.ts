// Lowers a row group: softmax, norms, losses, sums and their gradients. Participants take blocks of rows; each row (or strip of neighbouring
// columns) is passed over once per level of reductions. Long reductions with few rows go to fixed blocks first, whose partials are combined in order.

import { sizeOf } from '../../base/shape.ts'
import type { Node } from '../../graph/node.ts'
import { castTo, loadOf, storeTo } from '../../kernel/builders.ts'
import type { Expression, Memory } from '../../kernel/kernel-node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { computeDType, type Hook, roundTo, widestBytes } from './evaluate.ts'
import { type Affine, type Axis, axisIndex, extentOf, linearIndex, makeAxis, unravel } from './index-algebra.ts'
import { blocksFor, nest, parallelNest } from './loops.ts'
import { type LoweredKernel, Lowering } from './lowered-kernel.ts'
import { RowPasses, rowName } from './row-passes.ts'
import { longestSum, type Piece } from './row-pieces.ts'
import { writeSumsOverRows } from './row-sums.ts'
import { Scope } from './scope.ts'

export function lowerRow(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group)
  if (group.outputs.some((node) => sizeOf(node.shape) > 0)) new RowLowering(lowering, target).write()
  return lowering.finish()
}

/** A reduction is split over blocks when its rows alone would leave participants idle. */
const splitElements = 65536
const splitUnits = 16
const splitWork = 16384
/** A product of numbers below 1 passes through denormals before it vanishes, at a hundred cycles a step: few parts, of many elements. */
const splitProduct = 131072
const maximumParts = 1024

class RowLowering {
  readonly #row: RowPasses

  constructor(lowering: Lowering, target: Target) {
    this.#row = new RowPasses(lowering, target)
  }

  write(): void {
    const parts = this.#partSize()
    if (this.#row.space.across.length > 0) this.#writeWithSums()
    else if (parts) this.#writeSplit(parts.axis, parts.size)
    else this.#writeRows()
  }

  #partSize(): { readonly axis: Axis; readonly size: number } | undefined {
    const total = sizeOf(this.#row.space.shape)
    const lanes = this.#row.columnVector?.lanes ?? 1
    const units = extentOf(this.#row.kept) / lanes
    const axis = [...this.#row.reduced].sort((a, b) => b.extent - a.extent)[0]
    if (axis === undefined || total < splitElements || units >= splitUnits) return undefined
    const steps = extentOf(this.#row.reduced) / (this.#row.rowVector?.lanes ?? 1)
    const ofProducts = this.#row.space.reduces.every(({ attrs }) => attrs.kind === 'prod')
    const perUnit = total / Math.max(1, units)
    const wanted = ofProducts ? perUnit / splitProduct : Math.max(perUnit / splitWork, steps / longestSum)
    const parts = Math.min(maximumParts, Math.ceil(wanted), axis.extent)
    if (parts < 2) return undefined
    const unit = this.#row.vector?.axis === axis ? this.#row.vector.lanes : 1
    return { axis, size: Math.ceil(axis.extent / parts / unit) * unit }
  }

  #cost(): number {
    const { group, weight } = this.#row.lowering
    return widestBytes([...group.inputs, ...group.outputs]) * (group.inputs.length + group.outputs.length) + weight
  }

  #writeRows(): void {
    const held = this.#row.hold()
    const blocks = blocksFor(sizeOf(this.#row.space.shape), this.#cost())
    parallelNest(this.#row.lowering.builder, new Scope(), this.#row.kept, blocks, this.#row.columnVector, (scope) => {
      this.#row.writeRow(scope, held)
    })
  }

  /** Blocks of rows also add up values over their rows; the sums of blocks are added in order when all are done. */
  #writeWithSums(): void {
    const held = this.#row.hold()
    const { across, acrossOutputs } = this.#row.space
    const indicesOf = ({ inputs: [{ shape }], attrs }: Node<'reduce'>) =>
      this.#row.space.indices(this.#row.positions, shape, attrs.axes, 'reduced')
    writeSumsOverRows(this.#row.lowering, {
      kept: this.#row.kept,
      reduced: this.#row.reduced,
      vector: this.#row.vector,
      across,
      outputs: acrossOutputs.map(({ node, output }) => ({
        node,
        output,
        indices: unravel(linearIndex(indicesOf(node), node.shape), output.shape),
      })),
      writeRow: (scope, sums) => this.#row.writeRow(scope, held, sums),
    })
  }

  // --- long reductions with few rows ------------------------------------------------------------------------------------------

  #writeSplit(axis: Axis, size: number): void {
    const { builder } = this.#row.lowering
    const part = makeAxis('part', Math.ceil(axis.extent / size))
    const pieces = this.#row.reduced.map(
      (one): Piece => (one === axis ? { axis: one, part: { size, index: axisIndex(part) } } : { axis: one }),
    )
    const kept = linearIndex(
      this.#row.kept.map(axisIndex),
      this.#row.kept.map(({ extent }) => extent),
    )
    const results = new Map<Node, Memory>()
    for (let pass = 1; pass <= this.#row.space.passes + 1; pass++) {
      const reduces = this.#row.reducesIn(pass)
      const stored = this.#row.storedIn(pass)
      if (reduces.length + stored.length === 0) continue
      if (pass > 1) builder.emit({ op: 'barrier' })
      const partials = this.#writePartials(pass, pieces, part, kept, results)
      if (reduces.length === 0) continue
      builder.emit({ op: 'barrier' })
      this.#combinePartials(pass, part, kept, partials, results)
    }
  }

  #resultHook(scope: Scope, kept: Affine, results: ReadonlyMap<Node, Memory>): Hook {
    return this.#row.hook((node) => loadOf(results.get(node)!, scope.materialize(kept)))
  }

  #keptSize(): number {
    return extentOf(this.#row.kept)
  }

  /** Every part of the reductions by itself, to temporaries laid out [part, row]. */
  #writePartials(
    pass: number,
    pieces: readonly Piece[],
    part: Axis,
    kept: Affine,
    results: ReadonlyMap<Node, Memory>,
  ): Memory[] {
    const { builder } = this.#row.lowering
    const rows = this.#keptSize()
    const partials = this.#row
      .reducesIn(pass)
      .map(({ dtype }) => builder.temporary('partial', computeDType(dtype), part.extent * rows))
    const axes = this.#row.isColumn ? [part, ...this.#row.kept] : [...this.#row.kept, part]
    const blocks = part.extent * rows
    parallelNest(builder, new Scope(), axes, blocks, this.#row.columnVector, (scope) => {
      const values = this.#row.pass(scope, pieces, pass, this.#resultHook(scope, kept, results), new Map())
      const position = linearIndex([axisIndex(part), kept], [part.extent, rows])
      values.forEach((value, i) => {
        builder.emit(storeTo(partials[i], scope.materialize(position), value))
      })
    })
    return partials
  }

  #combinePartials(
    pass: number,
    part: Axis,
    kept: Affine,
    partials: readonly Memory[],
    results: Map<Node, Memory>,
  ): void {
    const { builder } = this.#row.lowering
    const rows = this.#keptSize()
    const reduces = this.#row.reducesIn(pass)
    const memory = reduces.map(({ dtype }) => builder.temporary('result', computeDType(dtype), rows))
    parallelNest(builder, new Scope(), this.#row.kept, 1, this.#row.columnVector, (scope) => {
      const values = new Map<Node, Expression>()
      reduces.forEach((node, i) => {
        const total = builder.accumulator(node.attrs.kind, computeDType(node.dtype), node.attrs.kind, 1)
        nest(builder, scope, [part], undefined, (inner) => {
          const position = linearIndex([axisIndex(part), kept], [part.extent, rows])
          builder.accumulate(total, loadOf(partials[i], inner.materialize(position)))
        })
        const value = builder.bind(rowName(node), roundTo(builder.read(total), node.dtype))
        builder.emit(storeTo(memory[i], scope.materialize(kept), castTo(value, memory[i].dtype)))
        values.set(node, value)
      })
      const hook = this.#row.hook((node) => values.get(node) ?? loadOf(results.get(node)!, scope.materialize(kept)))
      this.#row.store(scope, this.#row.lowering.evaluation(scope, hook), this.#row.storedAfter(pass))
    })
    reduces.forEach((node, i) => {
      results.set(node, memory[i])
    })
  }
}
