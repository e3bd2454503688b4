// Lowers a row group: softmax, norms, losses, sums and their gradients. Participants take blocks of rows; each row (or strip of neighbouring
// columns) is passed over once per level of reductions. Long reductions with few rows go to fixed blocks first, whose partials are combined in order.

import { CompileError } from '../../base/errors.ts'
import { sizeOf } from '../../base/shape.ts'
import type { Node } from '../../graph/node.ts'
import { castTo, loadOf, storeTo, zeroOf } from '../../kernel/builders.ts'
import type { Accumulator, Expression, Memory, Scratch } from '../../kernel/kernel-node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { computeDType, type Evaluation, type Hook, roundTo, widestBytes } from './evaluate.ts'
import { type Affine, type Axis, axisIndex, indicesKey, linearIndex, makeAxis, strideAlong } from './index-algebra.ts'
import { blocksFor, chooseVectorAxis, lanesFor, nest, parallelNest, registerLanes, type Vector } from './loops.ts'
import { type LoweredKernel, Lowering, traceIndices } from './lowered-kernel.ts'
import { refine } from './refine.ts'
import { cutSums, longestSum, nestPieces, type Piece } from './row-pieces.ts'
import { heldValues, RowSpace } from './row-space.ts'
import { Scope } from './scope.ts'

export function lowerRow(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group)
  const row = new RowLowering(lowering, target)
  row.write()
  return lowering.finish()
}

/** A reduction is split over blocks when its rows alone would leave participants idle. */
const splitElements = 65536
const splitUnits = 16
const splitWork = 16384
const maximumParts = 1024

const extentOf = (axes: readonly Axis[]): number => axes.reduce((product, { extent }) => product * extent, 1)

class RowLowering {
  readonly #lowering: Lowering
  readonly #target: Target
  readonly #space: RowSpace
  #kept: readonly Axis[] = []
  #reduced: readonly Axis[] = []
  #vector: Vector | undefined
  #positions: readonly Affine[] = []

  constructor(lowering: Lowering, target: Target) {
    this.#lowering = lowering
    this.#target = target
    this.#space = new RowSpace(lowering.group)
  }

  write(): void {
    if (this.#lowering.group.outputs.every((node) => sizeOf(node.shape) === 0)) return
    this.#chooseAxes()
    const parts = this.#partSize()
    if (parts) this.#writeSplit(parts.axis, parts.size)
    else this.#writeRows()
  }

  // --- the space --------------------------------------------------------------------------------------------------------

  #chooseAxes(): void {
    const { group, weight } = this.#lowering
    const space = this.#space
    const refined = refine(space.roots, (positions) => this.#trace(positions))
    this.#positions = refined.roots
    this.#kept = refined.axes.flatMap((axes, i) => (space.runs[i].reduced ? [] : axes))
    this.#reduced = refined.axes.flatMap((axes, i) => (space.runs[i].reduced ? axes : []))
    const bytes = widestBytes([...group.inputs, ...group.outputs, ...space.reduces])
    const all = refined.axes.flat()
    const axis = chooseVectorAxis(all, refined.accesses, registerLanes(this.#target, bytes), (access) =>
      this.#reduced.some((one) => strideAlong(access, one) !== 0) ? 1 : 1 / extentOf(this.#reduced),
    )
    if (!axis) return
    this.#vector = { axis, lanes: lanesFor(this.#target, bytes, weight, axis.extent) }
    const last = (axes: readonly Axis[]) => (axes.includes(axis) ? [...axes.filter((one) => one !== axis), axis] : axes)
    this.#kept = last(this.#kept)
    this.#reduced = last(this.#reduced)
  }

  #trace(positions: readonly Affine[]): Affine[] {
    const { group, inputs, uses } = this.#lowering
    const full = this.#indices(positions, true)
    const kept = this.#indices(positions, false)
    const roots = this.#space.outputs.map(({ node, at }) => ({ node, indices: at(full, kept), stored: true }))
    const reduced = this.#space.reduces.map(({ inputs: [node], attrs }) => ({
      node,
      indices: this.#space.indices(positions, node.shape, attrs.axes, true),
      stored: false,
    }))
    const hook: Hook = (node) => (this.#space.isOwn(node) ? zeroOf(computeDType(node.dtype)) : undefined)
    return traceIndices(group, inputs, uses, hook, [...roots, ...reduced])
  }

  #indices(positions: readonly Affine[], full: boolean): Affine[] {
    return this.#space.indices(positions, this.#space.shape, this.#space.axes, full)
  }

  get #isColumn(): boolean {
    return this.#vector !== undefined && this.#kept.includes(this.#vector.axis)
  }

  /** Loops over reduced axes are vectorised in rows; in columns the vector loop is around them. */
  get #rowVector(): Vector | undefined {
    return this.#isColumn ? undefined : this.#vector
  }

  get #columnVector(): Vector | undefined {
    return this.#isColumn ? this.#vector : undefined
  }

  #partSize(): { readonly axis: Axis; readonly size: number } | undefined {
    const total = sizeOf(this.#space.shape)
    const lanes = this.#columnVector?.lanes ?? 1
    const units = extentOf(this.#kept) / lanes
    const axis = [...this.#reduced].sort((a, b) => b.extent - a.extent)[0]
    if (axis === undefined || total < splitElements || units >= splitUnits) return undefined
    const steps = extentOf(this.#reduced) / (this.#rowVector?.lanes ?? 1)
    const wanted = Math.max(total / splitWork / Math.max(1, units), steps / longestSum)
    const parts = Math.min(maximumParts, Math.ceil(wanted), axis.extent)
    if (parts < 2) return undefined
    const unit = this.#vector?.axis === axis ? this.#vector.lanes : 1
    return { axis, size: Math.ceil(axis.extent / parts / unit) * unit }
  }

  #cost(): number {
    const { group, weight } = this.#lowering
    return widestBytes([...group.inputs, ...group.outputs]) * (group.inputs.length + group.outputs.length) + weight
  }

  // --- what a pass computes -----------------------------------------------------------------------------------------------

  #reducesIn(pass: number): readonly Node<'reduce'>[] {
    return this.#space.reduces.filter((node) => this.#space.levels.get(node) === pass)
  }

  /** Outputs with an element per element, stored by the first pass that has all they need. */
  #storedIn(pass: number): readonly Node[] {
    return this.#space.outputs
      .filter(({ node, full }) => full && (this.#space.levels.get(node) ?? 0) + 1 === pass)
      .map(({ node }) => node)
  }

  /** Outputs per row, stored once the reductions of a pass are known. */
  #storedAfter(pass: number): readonly Node[] {
    return this.#space.outputs
      .filter(({ node, full }) => !full && Math.max(1, this.#space.levels.get(node) ?? 0) === pass)
      .map(({ node }) => node)
  }

  #store(scope: Scope, evaluation: Evaluation, nodes: readonly Node[]): void {
    const full = this.#indices(this.#positions, true)
    const kept = this.#indices(this.#positions, false)
    for (const { node, at } of this.#space.outputs)
      if (nodes.includes(node)) this.#lowering.store(scope, evaluation, node, at(full, kept))
  }

  /** Supplies reductions by `value`, after testing that the row is the current one. */
  #hook(value: (node: Node<'reduce'>) => Expression): Hook {
    const expected = new Map<Node, string>()
    return (node, indices) => {
      if (!this.#space.isOwn(node)) return undefined
      let key = expected.get(node)
      if (key === undefined) {
        const { shape } = node.inputs[0]
        expected.set(node, (key = indicesKey(this.#space.indices(this.#positions, shape, node.attrs.axes, false))))
      }
      if (indicesKey(indices) !== key)
        throw new CompileError('lower: expected a reduction to be used in its own row, got another row.', {
          node: node.op,
          shape: node.shape,
        })
      return value(node)
    }
  }

  // --- rows -----------------------------------------------------------------------------------------------------------------

  #writeRows(): void {
    const { builder } = this.#lowering
    const held = this.#hold()
    const blocks = blocksFor(sizeOf(this.#space.shape), this.#cost())
    const pieces = this.#reduced.map((axis): Piece => ({ axis }))
    parallelNest(builder, new Scope(), this.#kept, blocks, this.#columnVector, (scope) => {
      const values = new Map<Node, Expression>()
      const hook = this.#hook((node) => values.get(node)!)
      for (let pass = 1; pass <= this.#space.passes + 1; pass++) {
        const reduces = this.#reducesIn(pass)
        const stored = this.#storedIn(pass)
        if (reduces.length + stored.length === 0) continue
        const found = this.#pass(scope, pieces, pass, hook, held)
        reduces.forEach((node, i) => {
          values.set(node, builder.bind(rowName(node), roundTo(found[i], node.dtype)))
        })
        this.#store(scope, this.#lowering.evaluation(scope, hook), this.#storedAfter(pass))
      }
    })
  }

  /** Scratch for values that several passes need, as long as a row of all of them fits half of the second cache. */
  #hold(): Map<Node, { readonly pass: number; readonly scratch: Scratch }> {
    const result = new Map<Node, { readonly pass: number; readonly scratch: Scratch }>()
    if (this.#isColumn) return result
    const length = extentOf(this.#reduced)
    let bytes = 0
    const rootsOf = (pass: number) => [...this.#reducesIn(pass).map((node) => node.inputs[0]), ...this.#storedIn(pass)]
    for (const [node, pass] of heldValues(this.#lowering.group, this.#space, rootsOf)) {
      bytes += length * widestBytes([node])
      if (bytes > this.#target.l2 / 2) break
      result.set(node, { pass, scratch: this.#lowering.builder.makeScratch('row', computeDType(node.dtype), length) })
    }
    return result
  }

  /** One pass over the reduced pieces: stores the pass's outputs and gives the values of its reductions. */
  #pass(
    scope: Scope,
    pieces: readonly Piece[],
    pass: number,
    hook: Hook,
    held: ReadonlyMap<Node, { readonly pass: number; readonly scratch: Scratch }>,
  ): Expression[] {
    const reduces = this.#reducesIn(pass)
    const position = linearIndex(
      this.#reduced.map(axisIndex),
      this.#reduced.map(({ extent }) => extent),
    )
    const full = this.#indices(this.#positions, true)
    const fullKey = indicesKey(full)
    return this.#accumulate(scope, pieces, reduces, (inner) => {
      const evaluation = this.#lowering.evaluation(inner, (node, indices, guard, self) => {
        const kept = held.get(node)
        if (kept && kept.pass < pass && indicesKey(indices) === fullKey)
          return loadOf(kept.scratch, inner.materialize(position))
        return hook(node, indices, guard, self)
      })
      for (const [node, { pass: first, scratch }] of held)
        if (first === pass)
          this.#lowering.builder.emit(storeTo(scratch, inner.materialize(position), evaluation.evaluate(node, full)))
      this.#store(inner, evaluation, this.#storedIn(pass))
      return reduces.map(({ inputs: [node], attrs }) =>
        evaluation.evaluate(node, this.#space.indices(this.#positions, node.shape, attrs.axes, true)),
      )
    })
  }

  /** Loops over pieces, combining what `body` gives for each of `reduces`: in lanes inside, in one value outside. */
  #accumulate(
    scope: Scope,
    pieces: readonly Piece[],
    reduces: readonly Node<'reduce'>[],
    body: (scope: Scope) => readonly Expression[],
  ): Expression[] {
    const { builder } = this.#lowering
    const lanes = this.#rowVector?.lanes ?? 1
    const declare = (width: number) =>
      reduces.map(({ attrs, dtype }) => builder.accumulator(attrs.kind, computeDType(dtype), attrs.kind, width))
    const combine = (into: readonly Accumulator[], values: readonly Expression[]) =>
      values.forEach((value, i) => {
        builder.accumulate(into[i], value)
      })
    const read = (from: readonly Accumulator[]) => from.map((accumulator) => builder.read(accumulator))
    if (pieces.some(({ axis }) => axis.extent === 0)) return read(declare(1))
    const { outer, inner } = reduces.length > 0 ? cutSums(pieces, lanes) : { outer: [], inner: pieces }
    const totals = outer.length > 0 ? declare(1) : []
    let result: Expression[] = []
    nestPieces(builder, scope, outer, undefined, (middle) => {
      const parts = declare(inner.length > 0 ? lanes : 1)
      nestPieces(builder, middle, inner, this.#rowVector, (innermost) => combine(parts, body(innermost)))
      result = read(parts)
      if (totals.length > 0) combine(totals, result)
    })
    return totals.length > 0 ? read(totals) : result
  }

  // --- long reductions with few rows ------------------------------------------------------------------------------------------

  #writeSplit(axis: Axis, size: number): void {
    const { builder } = this.#lowering
    const part = makeAxis('part', Math.ceil(axis.extent / size))
    const pieces = this.#reduced.map(
      (one): Piece => (one === axis ? { axis: one, part: { size, index: axisIndex(part) } } : { axis: one }),
    )
    const kept = linearIndex(
      this.#kept.map(axisIndex),
      this.#kept.map(({ extent }) => extent),
    )
    const results = new Map<Node, Memory>()
    for (let pass = 1; pass <= this.#space.passes + 1; pass++) {
      const reduces = this.#reducesIn(pass)
      const stored = this.#storedIn(pass)
      if (reduces.length + stored.length === 0) continue
      if (pass > 1) builder.emit({ op: 'barrier' })
      const partials = this.#writePartials(pass, pieces, part, kept, results)
      if (reduces.length === 0) continue
      builder.emit({ op: 'barrier' })
      this.#combinePartials(pass, part, kept, partials, results)
    }
  }

  #resultHook(scope: Scope, kept: Affine, results: ReadonlyMap<Node, Memory>): Hook {
    return this.#hook((node) => loadOf(results.get(node)!, scope.materialize(kept)))
  }

  #keptSize(): number {
    return this.#kept.reduce((size, { extent }) => size * extent, 1)
  }

  /** Every part of the reductions by itself, to temporaries laid out [part, row]. */
  #writePartials(
    pass: number,
    pieces: readonly Piece[],
    part: Axis,
    kept: Affine,
    results: ReadonlyMap<Node, Memory>,
  ): Memory[] {
    const { builder } = this.#lowering
    const rows = this.#keptSize()
    const partials = this.#reducesIn(pass).map(({ dtype }) =>
      builder.temporary('partial', computeDType(dtype), part.extent * rows),
    )
    const axes = this.#isColumn ? [part, ...this.#kept] : [...this.#kept, part]
    const blocks = part.extent * rows
    parallelNest(builder, new Scope(), axes, blocks, this.#columnVector, (scope) => {
      const values = this.#pass(scope, pieces, pass, this.#resultHook(scope, kept, results), new Map())
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
    const { builder } = this.#lowering
    const rows = this.#keptSize()
    const reduces = this.#reducesIn(pass)
    const memory = reduces.map(({ dtype }) => builder.temporary('result', computeDType(dtype), rows))
    parallelNest(builder, new Scope(), this.#kept, 1, this.#columnVector, (scope) => {
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
      const hook = this.#hook((node) => values.get(node) ?? loadOf(results.get(node)!, scope.materialize(kept)))
      this.#store(scope, this.#lowering.evaluation(scope, hook), this.#storedAfter(pass))
    })
    reduces.forEach((node, i) => {
      results.set(node, memory[i])
    })
  }
}

/** `rowSum`, so that the value is told from the accumulator it was read from. */
const rowName = ({ attrs: { kind } }: Node<'reduce'>): string => `row${kind[0].toUpperCase()}${kind.slice(1)}`
