// What a row kernel computes for one row (or strip of neighbouring columns): which axes are looped over and which in lanes, and one pass
// over the row for each level of its reductions. `row.ts` decides which rows are where.
import { CompileError } from '../../base/errors.ts'
import { sizeOf } from '../../base/shape.ts'
import type { Node } from '../../graph/node.ts'
import { loadOf, storeTo, zeroOf } from '../../kernel/builders.ts'
import type { Accumulator, Expression, Scratch } from '../../kernel/kernel-node.ts'
import type { Target } from '../target.ts'
import { computeDType, type Evaluation, type Hook, roundTo, weightOf, widestBytes } from './evaluate.ts'
import { type Affine, type Axis, axisIndex, extentOf, indicesKey, linearIndex, strideAlong } from './index-algebra.ts'
import { chooseVectorAxis, lanesFor, registerLanes, type Vector } from './loops.ts'
import { type Lowering, traceIndices } from './lowered-kernel.ts'
import { refine } from './refine.ts'
import { cutSums, nestPieces, type Piece } from './row-pieces.ts'
import { heldValues, RowSpace } from './row-space.ts'
import { addTo, type Sums } from './row-sums.ts'
import type { Scope } from './scope.ts'

/** Values in scratch, with the pass that computes them. */
export type Held = ReadonlyMap<Node, { readonly pass: number; readonly scratch: Scratch }>

export class RowPasses {
  readonly lowering: Lowering
  readonly target: Target
  readonly space: RowSpace
  /** loops over rows and loops along them, outermost first */
  kept: readonly Axis[] = []
  reduced: readonly Axis[] = []
  vector: Vector | undefined
  /** of the widest element that lanes hold */
  #laneBytes = 4
  positions: readonly Affine[] = []

  constructor(lowering: Lowering, target: Target) {
    this.lowering = lowering
    this.target = target
    this.space = new RowSpace(lowering.group)
    this.#chooseAxes()
  }

  // --- the space --------------------------------------------------------------------------------------------------------

  #chooseAxes(): void {
    const { group, weight } = this.lowering
    const space = this.space
    const refined = refine(space.roots, (positions) => this.#trace(positions))
    this.positions = refined.roots
    this.kept = refined.axes.flatMap((axes, i) => (space.runs[i].reduced ? [] : axes))
    this.reduced = refined.axes.flatMap((axes, i) => (space.runs[i].reduced ? axes : []))
    // what each row has one of is no work of the lanes along it
    const perRow = sizeOf(this.kept.map(({ extent }) => extent))
    const inLanes = [...group.inputs, ...group.outputs, ...space.reduces.map(({ inputs }) => inputs[0])]
    const bytes = widestBytes(inLanes.filter(({ shape }) => perRow === 1 || sizeOf(shape) !== perRow))
    const all = refined.axes.flat()
    const candidates = space.across.length > 0 ? this.reduced : all
    const axis = chooseVectorAxis(candidates, refined.accesses, registerLanes(this.target, bytes), (access) =>
      this.reduced.some((one) => strideAlong(access, one) !== 0) ? 1 : 1 / extentOf(this.reduced),
    )
    this.#laneBytes = bytes
    if (!axis) return
    this.vector = { axis, lanes: lanesFor(this.target, bytes, weight, axis.extent) }
    const last = (axes: readonly Axis[]) => (axes.includes(axis) ? [...axes.filter((one) => one !== axis), axis] : axes)
    this.kept = last(this.kept)
    this.reduced = last(this.reduced)
  }

  #trace(positions: readonly Affine[]): Affine[] {
    const { group, inputs, uses } = this.lowering
    const full = this.indices(positions, 'all')
    const kept = this.indices(positions, 'kept')
    const roots = this.space.outputs.map(({ node, at }) => ({ node, indices: at(full, kept), stored: true }))
    const reduced = [...this.space.reduces, ...this.space.across].map(({ inputs: [node], attrs }) => ({
      node,
      indices: this.space.indices(positions, node.shape, attrs.axes, 'all'),
      stored: false,
    }))
    const hook: Hook = (node) => (this.space.isOwn(node) ? zeroOf(computeDType(node.dtype)) : undefined)
    return traceIndices(group, inputs, uses, hook, [...roots, ...reduced])
  }

  indices(positions: readonly Affine[], part: 'all' | 'kept'): Affine[] {
    return this.space.indices(positions, this.space.shape, this.space.axes, part)
  }

  get isColumn(): boolean {
    return this.vector !== undefined && this.kept.includes(this.vector.axis)
  }

  /** Loops over reduced axes are vectorised in rows; in columns the vector loop is around them. */
  get rowVector(): Vector | undefined {
    return this.isColumn ? undefined : this.vector
  }

  /** The lanes of one pass by its own weight: a light one needs many to hide that each addition waits for the last. */
  #vectorOf(pass: number, held: Held): Vector | undefined {
    const vector = this.rowVector
    if (vector === undefined) return undefined
    const size = sizeOf(this.space.shape)
    const isKept = (node: Node) =>
      node.op === 'reduce' || sizeOf(node.shape) < size || (held.get(node)?.pass ?? pass) < pass
    const seen = new Set(this.#rootsOf(pass))
    let weight = 0
    for (const node of seen) {
      if (isKept(node) || !this.lowering.uses.has(node)) continue
      weight += weightOf(node)
      for (const input of node.inputs) seen.add(input)
    }
    return { ...vector, lanes: lanesFor(this.target, this.#laneBytes, weight, vector.axis.extent) }
  }

  get columnVector(): Vector | undefined {
    return this.isColumn ? this.vector : undefined
  }

  // --- what a pass computes -----------------------------------------------------------------------------------------------

  reducesIn(pass: number): readonly Node<'reduce'>[] {
    return this.space.reduces.filter((node) => this.space.levels.get(node) === pass)
  }

  /** Sums over rows of what is known in this pass. */
  #acrossIn(pass: number): readonly Node<'reduce'>[] {
    return this.space.across.filter(({ inputs: [node] }) => (this.space.levels.get(node) ?? 0) + 1 === pass)
  }

  /** What the loop of a pass evaluates. */
  #rootsOf(pass: number): readonly Node[] {
    const summed = [...this.reducesIn(pass), ...this.#acrossIn(pass)].map(({ inputs: [node] }) => node)
    return [...summed, ...this.storedIn(pass)]
  }

  /** Outputs with an element per element, stored by the first pass that has all they need. */
  storedIn(pass: number): readonly Node[] {
    return this.space.outputs
      .filter(({ node, full }) => full && (this.space.levels.get(node) ?? 0) + 1 === pass)
      .map(({ node }) => node)
  }

  /** Outputs per row, stored once the reductions of a pass are known. */
  storedAfter(pass: number): readonly Node[] {
    return this.space.outputs
      .filter(({ node, full }) => !full && Math.max(1, this.space.levels.get(node) ?? 0) === pass)
      .map(({ node }) => node)
  }

  store(scope: Scope, evaluation: Evaluation, nodes: readonly Node[]): void {
    const full = this.indices(this.positions, 'all')
    const kept = this.indices(this.positions, 'kept')
    const stored = this.space.outputs.filter(({ node }) => nodes.includes(node))
    this.lowering.storeAll(
      scope,
      evaluation,
      stored.map(({ node, at }) => ({ node, indices: at(full, kept) })),
    )
  }

  /** Supplies reductions by `value`, after testing that the row is the current one. */
  hook(value: (node: Node<'reduce'>) => Expression): Hook {
    const expected = new Map<Node, string>()
    return (node, indices) => {
      if (!this.space.isOwn(node)) return undefined
      let key = expected.get(node)
      if (key === undefined) {
        const { shape } = node.inputs[0]
        expected.set(node, (key = indicesKey(this.space.indices(this.positions, shape, node.attrs.axes, 'kept'))))
      }
      if (indicesKey(indices) !== key)
        throw new CompileError('lower: expected a reduction to be used in its own row, got another row.', {
          node: node.op,
          shape: node.shape,
        })
      return value(node)
    }
  }

  writeRow(scope: Scope, held: Held, sums: Sums = new Map()): void {
    const { builder } = this.lowering
    const pieces = this.reduced.map((axis): Piece => ({ axis }))
    const values = new Map<Node, Expression>()
    const hook = this.hook((node) => values.get(node)!)
    for (let pass = 1; pass <= this.space.passes + 1; pass++) {
      const reduces = this.reducesIn(pass)
      const stored = this.storedIn(pass)
      if (reduces.length + stored.length + this.#acrossIn(pass).length === 0) continue
      const found = this.pass(scope, pieces, pass, hook, held, this.#vectorOf(pass, held), sums)
      reduces.forEach((node, i) => {
        values.set(node, builder.bind(rowName(node), roundTo(found[i], node.dtype)))
      })
      this.store(scope, this.lowering.evaluation(scope, hook), this.storedAfter(pass))
    }
  }

  /** Scratch for values that several passes need, as long as a row of all of them fits half of the second cache. */
  hold(): Held {
    const result = new Map<Node, { readonly pass: number; readonly scratch: Scratch }>()
    if (this.isColumn) return result
    const length = extentOf(this.reduced)
    let bytes = 0
    const rootsOf = (pass: number) => this.#rootsOf(pass)
    for (const [node, pass] of heldValues(this.lowering.group, this.space, rootsOf)) {
      bytes += length * widestBytes([node])
      if (bytes > this.target.l2 / 2) break
      result.set(node, { pass, scratch: this.lowering.builder.makeScratch('row', computeDType(node.dtype), length) })
    }
    return result
  }

  /** One pass over the reduced pieces: stores the pass's outputs and gives the values of its reductions. */
  pass(
    scope: Scope,
    pieces: readonly Piece[],
    pass: number,
    hook: Hook,
    held: Held,
    vector = this.rowVector,
    sums: Sums = new Map(),
  ): Expression[] {
    const reduces = this.reducesIn(pass)
    const position = linearIndex(
      this.reduced.map(axisIndex),
      this.reduced.map(({ extent }) => extent),
    )
    const full = this.indices(this.positions, 'all')
    const fullKey = indicesKey(full)
    return this.#accumulate(scope, pieces, reduces, vector, (inner) => {
      const evaluation = this.lowering.evaluation(inner, (node, indices, guard, self) => {
        const kept = held.get(node)
        if (kept && kept.pass < pass && indicesKey(indices) === fullKey)
          return loadOf(kept.scratch, inner.materialize(position))
        return hook(node, indices, guard, self)
      })
      for (const [node, { pass: first, scratch }] of held)
        if (first === pass)
          this.lowering.builder.emit(storeTo(scratch, inner.materialize(position), evaluation.evaluate(node, full)))
      this.store(inner, evaluation, this.storedIn(pass))
      for (const sum of this.#acrossIn(pass)) {
        const {
          inputs: [node],
          attrs,
        } = sum
        const value = evaluation.evaluate(node, this.space.indices(this.positions, node.shape, attrs.axes, 'all'))
        addTo(this.lowering.builder, sums.get(sum)!, inner.materialize(position), value)
      }
      return reduces.map(({ inputs: [node], attrs }) =>
        evaluation.evaluate(node, this.space.indices(this.positions, node.shape, attrs.axes, 'all')),
      )
    })
  }

  /** Loops over pieces, combining what `body` gives for each of `reduces`: in lanes inside, in one value outside. */
  #accumulate(
    scope: Scope,
    pieces: readonly Piece[],
    reduces: readonly Node<'reduce'>[],
    vector: Vector | undefined,
    body: (scope: Scope) => readonly Expression[],
  ): Expression[] {
    const { builder } = this.lowering
    const lanes = vector?.lanes ?? 1
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
      nestPieces(builder, middle, inner, vector, (innermost) => combine(parts, body(innermost)))
      result = read(parts)
      if (totals.length > 0) combine(totals, result)
    })
    return totals.length > 0 ? read(totals) : result
  }
}

/** `rowSum`, so that the value is told from the accumulator it was read from. */
export const rowName = ({ attrs: { kind } }: Node<'reduce'>): string => `row${kind[0].toUpperCase()}${kind.slice(1)}`
