// Lowers a scan group. Where no row of the carries reads another, rows are dealt to participants, who take theirs through all steps and
// meet only once, after the matrices of products have been packed; else one participant steps alone.
import { sizeOf } from '../../../base/shape.ts'
import { placeholder } from '../../../graph/builders.ts'
import { isOp, type Node, topologicalOrder } from '../../../graph/node.ts'
import type { Memory } from '../../../kernel/kernel-node.ts'
import { nodeBytes } from '../../plan-memory.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import { weightOf } from '../evaluate.ts'
import {
  type Affine,
  add,
  addScaled,
  axisIndex,
  constantIndex,
  linearIndex,
  makeAxis,
  scale,
  zero,
} from '../index-algebra.ts'
import { nest } from '../loops.ts'
import { type LoweredKernel, Lowering } from '../lowered-kernel.ts'
import { writeMap } from '../map.ts'
import { Scope } from '../scope.ts'
import { type Piece, wholeOf } from './pieces.ts'
import { multiply, type Product, packRight, reserveProduct, shapeProduct, suitsTile } from './product.ts'
import { isHeld, planStep, type Stage, type StepPlan } from './step-plan.ts'
import { type Held, type RowBlocks, StepValues } from './step-values.ts'
import { type Destination, writeAggregate, writePieces } from './write-stage.ts'

export function lowerScan(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group, 'readwrite')
  const scans = group.inner.filter((node) => isOp(node, 'scan')) as Node<'scan'>[]
  const results = new Map<Node<'scan'>, Memory>()
  for (const scan of scans) {
    const own = lowering.outputs.get(scan)
    results.set(scan, own ?? lowering.builder.temporary('scanned', scan.dtype, sizeOf(scan.shape)))
  }
  writeLoop(lowering, target, results)
  const memory = new Map<Node, Memory>([...lowering.inputs, ...results])
  for (const node of group.outputs.filter((output) => !memory.has(output))) {
    lowering.builder.emit({ op: 'barrier' })
    writeMap(lowering, target, [{ node, memory: lowering.outputs.get(node)! }], memory)
  }
  return lowering.finish()
}

/**
 * Rows for which a block reads the matrices in each step, at least: from the second cache, or from beyond it. Two blocks, for two participants,
 * may have fewer.
 */
const rowsInCache = 8
const rowsBeyond = 32
const fewestRows = 4
/** Blocks grow, up to this many rows, rather than become more than these. */
const mostRows = 64
const wantedBlocks = 16

/** Powers of two, which most numbers of participants share out evenly. */
function blocksOf(total: number, matrixBytes: number, target: Target): RowBlocks {
  const least = matrixBytes <= target.l2 / 2 ? rowsInCache : rowsBeyond
  const rows = Math.max(least, Math.min(mostRows, total / wantedBlocks))
  const wanted = Math.max(total / rows, Math.min(2, total / fewestRows), 1)
  const perBlock = Math.ceil(total / 2 ** Math.floor(Math.log2(wanted)))
  const count = Math.ceil(total / perBlock)
  return { total, perBlock, count, row: makeAxis('row', total), block: makeAxis('block', count) }
}

interface PackedProduct {
  readonly product: Product
  readonly right: Memory
  readonly result: Held
}

function writeLoop(lowering: Lowering, target: Target, results: ReadonlyMap<Node<'scan'>, Memory>): void {
  const [{ inputs, attrs }] = results.keys()
  const { body } = attrs
  const stacked = [...results].filter(([scan]) => scan.attrs.result >= body.carries)
  const outputs = stacked.map(([scan, memory]) => ({ node: body.outputs[scan.attrs.result], memory }))
  const plan = planStep(
    body,
    outputs.map(({ node }) => node),
    (node) => suitsTile(node, target),
  )
  const matrixBytes = plan.products.reduce((bytes, { inputs: [, b] }) => bytes + nodeBytes(b), 0)
  const rows = plan.rows === undefined ? undefined : blocksOf(plan.rows, matrixBytes, target)
  const products = plan.products.map((node) => shapeProduct(node, rows!.perBlock, target))
  const rowsHeld = Math.max(rows?.perBlock ?? 0, ...products.map(({ rowPanels, mr }) => rowPanels * mr))
  const time = makeAxis('t', body.length)
  const step = body.reverse ? addScaled(constantIndex(body.length - 1), axisIndex(time), -1) : axisIndex(time)
  const values = new StepValues({ lowering, body, inputs, step, rows, rowsHeld })
  const packed = new Map(products.map((product) => [product.node as Node, packProduct(values, target, product)]))
  const { builder } = lowering
  if (packed.size > 0) builder.emit({ op: 'barrier' })
  builder.loop({ name: 'block', extent: rows?.count ?? 1, kind: 'parallel' }, (variable) => {
    const scope = rows ? new Scope().enter(rows.block, variable) : new Scope()
    const writer = new StepWriter({ values, target, plan, outputs, packed })
    writer.begin(scope, inputs)
    if (body.length > 0) nest(builder, scope, [time], undefined, (inner) => writer.step(inner))
    for (const [scan, memory] of results)
      if (scan.attrs.result < body.carries) writer.store(scope, body.placeholders[scan.attrs.result], memory)
  })
}

const packProduct = (values: StepValues, target: Target, product: Product): PackedProduct => ({
  product,
  right: packRight(values, target, product),
  result: reserveProduct(values, product),
})

interface StepParts {
  readonly values: StepValues
  readonly target: Target
  readonly plan: StepPlan
  /** stacked outputs */
  readonly outputs: readonly { readonly node: Node; readonly memory: Memory }[]
  readonly packed: ReadonlyMap<Node, PackedProduct>
}

/** Writes one block's initial carries, step and results. */
class StepWriter {
  readonly #parts: StepParts
  readonly #weight: number
  /** where carries wait for the end of the step, as values of their own */
  readonly #waiting = new Map<Node, Node>()

  constructor(parts: StepParts) {
    this.#parts = parts
    this.#weight = topologicalOrder(parts.plan.stages.flatMap(nodesOf)).reduce((sum, node) => sum + weightOf(node), 0)
    const { values, plan } = parts
    for (const holder of values.body.placeholders.slice(0, values.body.carries)) {
      values.held.set(holder, values.reserve('carry', holder))
      if (!plan.late.has(holder)) continue
      const waiting = placeholder(holder.shape, holder.dtype)
      values.held.set(waiting, values.reserve('next', holder))
      this.#waiting.set(holder, waiting)
    }
  }

  /** Carries take the loop's initial values. */
  begin(scope: Scope, inputs: readonly Node[]): void {
    const { values } = this.#parts
    for (const [i, holder] of values.body.placeholders.slice(0, values.body.carries).entries())
      this.#write(scope, [wholeOf(inputs[i])], () => [this.#heldPlace(holder)])
  }

  step(scope: Scope): void {
    for (const stage of this.#parts.plan.stages)
      if (stage.kind === 'aggregate') this.#aggregate(scope, stage.node)
      else this.#pieces(scope, stage.pieces)
    for (const [holder, waiting] of this.#waiting)
      this.#write(scope, [wholeOf(waiting)], () => [this.#heldPlace(holder)])
  }

  /** Stores a value as it is now into memory of all rows. */
  store(scope: Scope, node: Node, memory: Memory): void {
    this.#write(scope, [wholeOf(node)], () => [placeIn(memory, node)])
  }

  #write(scope: Scope, pieces: readonly Piece[], destinationsOf: (node: Node) => readonly Destination[]): void {
    writePieces(this.#parts.values, this.#parts.target, scope, pieces, destinationsOf, this.#weight)
  }

  #aggregate(scope: Scope, node: Node<'contract' | 'reduce'>): void {
    const { values, target, packed } = this.#parts
    const tiled = packed.get(node)
    if (tiled) {
      multiply(values, scope, tiled.product, values.held.get(node.inputs[0])!, tiled.right, tiled.result)
      values.held.set(node, tiled.result)
    } else {
      const held = values.reserve('step', node)
      writeAggregate(values, target, scope, node, held)
      values.held.set(node, held)
    }
  }

  #pieces(scope: Scope, pieces: readonly Piece[]): void {
    const { values, plan } = this.#parts
    const known = new Map<Node, Held>()
    const destinations = new Map(
      [...new Set(pieces.map(({ node }) => node))].map((node) => [node, this.#destinations(node, known)]),
    )
    this.#write(scope, pieces, (node) => destinations.get(node)!)
    for (const [node, held] of known)
      if (isHeld(values.body, plan.operands, node) && !values.held.has(node)) values.held.set(node, held)
  }

  /** Everywhere a value goes; `known` learns where it can be read back. */
  #destinations(node: Node, known: Map<Node, Held>): Destination[] {
    const { values, plan, outputs } = this.#parts
    const { outputs: next, placeholders, carries } = values.body
    const places: Destination[] = []
    const keep = (held: Held): void => {
      places.push({ memory: held.memory, positionOf: (indices) => values.position(held, indices, node) })
      known.set(node, held)
    }
    for (const [i, holder] of placeholders.slice(0, carries).entries())
      if (next[i] === node && holder !== node) keep(values.held.get(this.#waiting.get(holder) ?? holder)!)
    if (plan.operands.has(node)) keep(values.reserve('operand', node))
    for (const output of outputs)
      if (output.node === node) places.push(placeIn(output.memory, node, scale(values.step, sizeOf(node.shape))))
    return places
  }

  #heldPlace(node: Node): Destination {
    const { values } = this.#parts
    const held = values.held.get(node)!
    return { memory: held.memory, positionOf: (indices) => values.position(held, indices, node) }
  }
}

const nodesOf = (stage: Stage): readonly Node[] =>
  stage.kind === 'map' ? stage.pieces.map(({ node }) => node) : [stage.node]

const placeIn = (memory: Memory, { shape }: Node, start: Affine = zero): Destination => ({
  memory,
  positionOf: (indices) => add(start, linearIndex(indices, shape)),
})
