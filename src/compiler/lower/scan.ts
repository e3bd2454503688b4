// Lowers a scan group: one participant steps the body over time. In every step the nodes that need memory (contractions, reductions, carries)
// are computed one after the other into buffers of the kernel, and everything else is inlined; then the carries move on.
import { sizeOf } from '../../base/shape.ts'
import { isOp, type Node, type ScanBody, topologicalOrder } from '../../graph/node.ts'
import { alu, loadOf, storeTo } from '../../kernel/builders.ts'
import type { Expression, Memory } from '../../kernel/kernel-node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { computeDType, countUses, Evaluation, type Hook, roundTo, toStored, widestBytes } from './evaluate.ts'
import {
  type Affine,
  addScaled,
  axisIndex,
  constantIndex,
  linearIndex,
  makeAxis,
  unravel,
  zero,
} from './index-algebra.ts'
import { isElementwise, isMovement } from './index-map.ts'
import { chooseVectorAxis, lanesFor, nest, type Vector } from './loops.ts'
import { type LoweredKernel, Lowering, traceIndices } from './lowered-kernel.ts'
import { writeMap } from './map.ts'
import { type Refined, refine } from './refine.ts'
import { Scope } from './scope.ts'

export function lowerScan(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group, 'readwrite')
  const scans = group.inner.filter((node) => isOp(node, 'scan')) as Node<'scan'>[]
  const results = new Map<Node, Memory>()
  for (const scan of scans) {
    const own = lowering.outputs.get(scan)
    results.set(scan, own ?? lowering.builder.temporary('scanned', scan.dtype, sizeOf(scan.shape)))
  }
  new ScanLowering(lowering, target, scans, results).write()
  const memory = new Map<Node, Memory>([...lowering.inputs, ...results])
  for (const node of group.outputs.filter((output) => !results.has(output))) {
    lowering.builder.emit({ op: 'barrier' })
    writeMap(lowering, target, [{ node, memory: lowering.outputs.get(node)! }], memory)
  }
  return lowering.finish()
}

/** Elements of one or two tensors whose product is an element of a node, or one term of its sum. */
type Factors = readonly { readonly node: Node; readonly indices: readonly Affine[] }[]

/** How a node's elements come about: a combination over `steps` terms, or the plain value. */
interface Recipe {
  readonly kind: 'value' | 'sum' | 'prod' | 'max' | 'min'
  readonly steps: number
  readonly factors: (element: Affine, step: Affine) => Factors
}

function recipeOf(node: Node): Recipe {
  if (isOp(node, 'contract')) return contractRecipe(node)
  if (isOp(node, 'reduce')) return reduceRecipe(node)
  return { kind: 'value', steps: 1, factors: (element) => [{ node, indices: unravel(element, node.shape) }] }
}

function contractRecipe(node: Node<'contract'>): Recipe {
  const [a, b] = node.inputs
  const { batch, contracted } = node.attrs
  const rows = a.shape.length - contracted
  const shared = a.shape.slice(rows)
  return {
    kind: 'sum',
    steps: sizeOf(shared),
    factors: (element, step) => {
      const out = unravel(element, node.shape)
      const along = unravel(step, shared)
      return [
        { node: a, indices: [...out.slice(0, rows), ...along] },
        { node: b, indices: [...out.slice(0, batch), ...out.slice(rows), ...along] },
      ]
    },
  }
}

function reduceRecipe(node: Node<'reduce'>): Recipe {
  const [input] = node.inputs
  const { axes, kind } = node.attrs
  const extents = axes.map((axis) => input.shape[axis])
  return {
    kind,
    steps: sizeOf(extents),
    factors: (element, step) => {
      const indices = unravel(element, node.shape)
      for (const [i, index] of unravel(step, extents).entries()) indices[axes[i]] = index
      return [{ node: input, indices }]
    },
  }
}

class ScanLowering {
  readonly #lowering: Lowering
  readonly #target: Target
  readonly #scans: readonly Node<'scan'>[]
  readonly #results: ReadonlyMap<Node, Memory>
  readonly #body: ScanBody
  readonly #inputs: readonly Node[]
  readonly #uses: ReadonlyMap<Node, number>
  /** values of this step that are in memory; the carries' placeholders hold those of the step before */
  readonly #held = new Map<Node, Memory>()
  #step: Affine = zero

  constructor(lowering: Lowering, target: Target, scans: readonly Node<'scan'>[], results: ReadonlyMap<Node, Memory>) {
    this.#lowering = lowering
    this.#target = target
    this.#scans = scans
    this.#results = results
    this.#body = scans[0].attrs.body
    this.#inputs = scans[0].inputs
    const inner = topologicalOrder(this.#body.outputs)
    this.#uses = new Map([...lowering.uses, ...countUses(inner, this.#body.outputs)])
  }

  write(): void {
    const { builder } = this.#lowering
    const { length, reverse, carries, placeholders } = this.#body
    const time = makeAxis('t', length)
    this.#step = reverse ? addScaled(constantIndex(length - 1), axisIndex(time), -1) : axisIndex(time)
    const current = placeholders.slice(0, carries)
    builder.loop({ name: 'block', extent: 1, kind: 'parallel' }, () => {
      const scope = new Scope()
      for (const [i, placeholder] of current.entries()) {
        const memory = this.#memoryFor('carry', placeholder)
        this.#compute(scope, this.#inputs[i], memory)
        this.#held.set(placeholder, memory)
      }
      nest(builder, scope, [time], undefined, (inner) => this.#writeStep(inner))
      for (const scan of this.#scans)
        if (scan.attrs.result < carries) this.#compute(scope, current[scan.attrs.result], this.#results.get(scan)!)
    })
  }

  #memoryFor(name: string, node: Node): Memory {
    return this.#lowering.builder.temporary(name, node.dtype, sizeOf(node.shape))
  }

  #writeStep(scope: Scope): void {
    const { carries, outputs, placeholders } = this.#body
    const wanted = [...outputs.slice(0, carries), ...this.#scans.map((scan) => outputs[scan.attrs.result])]
    const order = topologicalOrder(wanted)
    const needed = this.#needMemory(order)
    for (const node of order) {
      if (!needed.has(node)) continue
      const memory = this.#memoryFor('step', node)
      this.#compute(scope, node, memory)
      this.#held.set(node, memory)
    }
    for (const scan of this.#scans) {
      const node = outputs[scan.attrs.result]
      const position = addScaled(zero, this.#step, sizeOf(node.shape))
      if (scan.attrs.result >= carries) this.#compute(scope, node, this.#results.get(scan)!, position)
    }
    this.#moveCarries(scope, outputs.slice(0, carries), placeholders)
  }

  /** A carry that is another's placeholder is set aside first, so that carries may trade places. */
  #moveCarries(scope: Scope, next: readonly Node[], placeholders: readonly Node[]): void {
    const moves: { readonly node: Node; readonly from: Memory; readonly to: Memory }[] = []
    for (const [i, node] of next.entries()) {
      if (node === placeholders[i]) continue
      const own = isOp(node, 'buffer') ? this.#memoryFor('next', node) : undefined
      if (own) this.#compute(scope, node, own)
      moves.push({ node, from: own ?? this.#held.get(node)!, to: this.#held.get(placeholders[i])! })
    }
    for (const { node, from, to } of moves) {
      const { builder } = this.#lowering
      const axis = makeAxis('i', sizeOf(node.shape))
      const vector = { axis, lanes: lanesFor(this.#target, widestBytes([node]), 0, axis.extent) }
      nest(builder, scope, [axis], vector, (inner) => {
        const position = inner.materialize(axisIndex(axis))
        builder.emit(storeTo(to, position, loadOf(from, position)))
      })
    }
  }

  /** Contractions, reductions, next carries, and what contractions read over and over. */
  #needMemory(order: readonly Node[]): Set<Node> {
    const needed = new Set<Node>()
    const next = this.#body.outputs.slice(0, this.#body.carries)
    for (const node of order) {
      if (node.op === 'contract' || node.op === 'reduce') needed.add(node)
      if (node.op === 'contract')
        for (const input of node.inputs) {
          const origin = originOf(input)
          if (isElementwise(origin)) needed.add(origin)
        }
      if (next.includes(node) && node.op !== 'buffer') needed.add(node)
    }
    return needed
  }

  /** Placeholders become slices of the sequences at this step, constants, or the carries' memory. */
  #hook: Hook = (node, indices, guard, evaluation) => {
    const memory = this.#held.get(node)
    if (memory) return undefined
    const at = this.#body.placeholders.indexOf(node)
    if (at < 0) return undefined
    const isSequence = at < this.#body.carries + this.#body.sequences
    return evaluation.evaluate(this.#inputs[at], isSequence ? [this.#step, ...indices] : indices, guard)
  }

  get #memory(): ReadonlyMap<Node, Memory> {
    return new Map<Node, Memory>([...this.#lowering.inputs, ...this.#held])
  }

  /** Loops that compute a node into memory, at `start` and on. */
  #compute(scope: Scope, node: Node, memory: Memory, start: Affine = zero): void {
    const size = sizeOf(node.shape)
    if (size === 0) return
    const recipe: Recipe = this.#held.has(node)
      ? { kind: 'value', steps: 1, factors: (element) => [{ node, indices: unravel(element, node.shape) }] }
      : recipeOf(node)
    const refined = refine([makeAxis('i', size), makeAxis('k', recipe.steps)], ([element, step]) => [
      ...this.#trace(recipe.factors(element, step)),
      linearIndex([element], [size]),
    ])
    const bytes = widestBytes([node])
    const axis = chooseVectorAxis(refined.axes.flat(), refined.accesses, lanesFor(this.#target, bytes, 0, size))
    const vector = axis && { axis, lanes: lanesFor(this.#target, bytes, this.#lowering.weight, axis.extent) }
    const last = (list: Refined['axes'][number]) =>
      axis && list.includes(axis) ? [...list.filter((one) => one !== axis), axis] : list
    const { builder } = this.#lowering
    nest(builder, scope, last(refined.axes[0]), vector, (inner) => {
      const value = this.#combine(inner, node, recipe, refined, last(refined.axes[1]), vector)
      const position = inner.materialize(addScaled(start, refined.roots[0], 1))
      builder.emit(storeTo(memory, position, toStored(value, node.dtype)))
    })
  }

  #trace(factors: Factors): Affine[] {
    const { group } = this.#lowering
    const roots = factors.map((factor) => ({ ...factor, stored: false }))
    return traceIndices(group, this.#memory, this.#uses, this.#hook, roots)
  }

  #combine(
    scope: Scope,
    node: Node,
    recipe: Recipe,
    refined: Refined,
    axes: Refined['axes'][number],
    vector: Vector | undefined,
  ): Expression {
    const { builder } = this.#lowering
    const dtype = computeDType(node.dtype)
    const value = (inner: Scope): Expression => {
      const evaluation = new Evaluation({
        builder,
        memory: this.#memory,
        materialize: inner.materialize,
        uses: this.#uses,
        hook: this.#hook,
      })
      const [element, step] = refined.roots
      const factors = recipe.factors(element, step).map((factor) => evaluation.evaluate(factor.node, factor.indices))
      return factors.length === 1 ? factors[0] : alu('mul', dtype, ...factors)
    }
    if (recipe.kind === 'value') return value(scope)
    const lanes = vector && axes.includes(vector.axis) ? vector.lanes : 1
    const total = builder.accumulator(recipe.kind, dtype, recipe.kind, lanes)
    if (recipe.steps > 0) nest(builder, scope, axes, vector, (inner) => builder.accumulate(total, value(inner)))
    return roundTo(builder.read(total), node.dtype)
  }
}

/** What lies behind movement with one source. */
function originOf(node: Node): Node {
  return isMovement(node) && node.inputs.length === 1 ? originOf(node.inputs[0]) : node
}
