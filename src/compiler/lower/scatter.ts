// Lowers a scatter group: the base is copied, then sources are combined into it in source order, so that results do not depend on timing.
// Participants share the axes other than the scattered one, and ranges of destination rows where those are too few.
import { sizeOf } from '../../base/shape.ts'
import type { Node, ScatterKind } from '../../graph/node.ts'
import { alu, both, castTo, indexLiteral, lessThan, loadOf, storeTo } from '../../kernel/builders.ts'
import type { AluKind, Expression, Memory } from '../../kernel/kernel-node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { computeDType, roundTo, toStored, widestBytes } from './evaluate.ts'
import { type Affine, type Axis, axisIndex, linearIndex, makeAxis, usesAxis } from './index-algebra.ts'
import { blocksFor, lanesFor, loopOverBlock, nest, parallelNest } from './loops.ts'
import { type LoweredKernel, Lowering, traceIndices } from './lowered-kernel.ts'
import { writeMap } from './map.ts'
import { refine } from './refine.ts'
import { Scope } from './scope.ts'

const combineKinds: Record<Exclude<ScatterKind, 'set'>, AluKind> = { sum: 'add', prod: 'mul', max: 'max', min: 'min' }

/** Fewer updates than this are done by whoever has the destination, without dealing rows out. */
const rangedUpdates = 16384

export function lowerScatter(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group, 'readwrite')
  const scatter = group.anchorNode as Node<'scatter'>
  const [base, index] = scatter.inputs
  const own = lowering.outputs.get(scatter)
  const destination = own ?? lowering.builder.temporary('scattered', scatter.dtype, sizeOf(scatter.shape))
  const others = group.outputs.filter((node) => node !== scatter)
  writeMap(lowering, target, [{ node: base, memory: destination }], lowering.inputs)
  if (sizeOf(index.shape) > 0) {
    lowering.builder.emit({ op: 'barrier' })
    writeUpdates(lowering, target, scatter, destination)
  }
  if (others.length > 0) {
    lowering.builder.emit({ op: 'barrier' })
    const stores = others.map((node) => ({ node, memory: lowering.outputs.get(node)! }))
    writeMap(lowering, target, stores, new Map<Node, Memory>([...lowering.inputs, [scatter, destination]]))
  }
  return lowering.finish()
}

interface UpdateSpace {
  /** index vector of the updates */
  readonly indices: readonly Affine[]
  readonly along: readonly Axis[]
  readonly others: readonly Axis[]
  /** innermost axis, contiguous in the destination, along which the index is the same */
  readonly vector: Axis | undefined
}

function updateSpace(lowering: Lowering, scatter: Node<'scatter'>): UpdateSpace {
  const { group, inputs, uses } = lowering
  const [, index, source] = scatter.inputs
  const { axis } = scatter.attrs
  const roots = index.shape.map((extent, i) => makeAxis(`u${i}`, extent))
  const trace = (nodes: readonly Node[], indices: readonly Affine[]) =>
    traceIndices(
      group,
      inputs,
      uses,
      undefined,
      nodes.map((node) => ({ node, indices, stored: false })),
    )
  const refined = refine(roots, (indices) => trace([index, source], indices))
  const last = refined.axes.at(-1)?.at(-1)
  const reads = trace([index], refined.roots)
  const inner = axis !== index.shape.length - 1 && last !== undefined && !reads.some((read) => usesAxis(read, last))
  const vector = inner ? last : undefined
  return {
    indices: refined.roots,
    along: refined.axes[axis],
    others: refined.axes.flatMap((axes, i) => (i === axis ? [] : axes.filter((one) => one !== vector))),
    vector,
  }
}

/** How the updates are dealt out: strips of the contiguous axis, and ranges of destination rows where there is little else to share. */
interface Deal {
  readonly strip: Axis
  readonly range: Axis
  readonly lanes: number
  readonly blocks: number
}

function dealUpdates(lowering: Lowering, target: Target, scatter: Node<'scatter'>, space: UpdateSpace): Deal {
  const updates = sizeOf(scatter.inputs[1].shape)
  const bytes = widestBytes([...lowering.group.inputs, ...lowering.group.outputs])
  const extent = space.vector?.extent ?? 1
  const lanes = lanesFor(target, bytes, lowering.weight, extent)
  const strip = makeAxis('strip', Math.ceil(extent / lanes))
  const units = strip.extent * space.others.reduce((count, other) => count * other.extent, 1)
  // every range reads all updates: no more of them than there are participants
  const few = updates >= rangedUpdates && units < target.threads
  const ranges = few ? Math.min(scatter.shape[scatter.attrs.axis], Math.ceil(target.threads / units)) : 1
  const blocks = few ? units * ranges : Math.min(units, blocksFor(updates, bytes * 3 + lowering.weight))
  return { strip, range: makeAxis('range', ranges), lanes, blocks }
}

function writeUpdates(lowering: Lowering, target: Target, scatter: Node<'scatter'>, destination: Memory): void {
  const { builder } = lowering
  const { axis } = scatter.attrs
  const limit = scatter.shape[axis]
  const space = updateSpace(lowering, scatter)
  const { strip, range, lanes, blocks } = dealUpdates(lowering, target, scatter, space)
  const dealt = [...space.others, strip, range].filter((one) => one.extent > 1)
  const write = (scope: Scope, row: Affine) =>
    writeUpdate(lowering, scope, scatter, destination, space.indices.with(axis, row), space.indices)
  const writeStrip = (scope: Scope, row: Affine) => {
    if (space.vector === undefined) return write(scope, row)
    const vector = { axis: space.vector, lanes }
    loopOverBlock(builder, scope, space.vector, lanes, axisIndex(strip), vector, (inner) => write(inner, row))
  }
  parallelNest(builder, new Scope(), dealt, blocks, undefined, (scope) =>
    nest(builder, scope, space.along, undefined, (inner) => {
      const row = lowering.evaluation(inner).checkedIndex(scatter.inputs[1], space.indices, limit, scatter.attrs.caller)
      if (range.extent === 1) return writeStrip(inner, row)
      const size = Math.ceil(limit / range.extent)
      const condition = inRange(inner.materialize(row), inner.materialize(axisIndex(range)), size)
      builder.emit({ op: 'if', condition, body: builder.collect(() => writeStrip(inner, row)) })
    }),
  )
}

/** range * size <= row < (range + 1) * size */
function inRange(row: Expression, range: Expression, size: number): Expression {
  const start = alu('mul', 'index', range, indexLiteral(size))
  const end = alu('add', 'index', start, indexLiteral(size))
  return both(alu('lessEqual', 'bool', start, row), lessThan(row, end))!
}

function writeUpdate(
  lowering: Lowering,
  scope: Scope,
  scatter: Node<'scatter'>,
  destination: Memory,
  to: readonly Affine[],
  from: readonly Affine[],
): void {
  const [, , source] = scatter.inputs
  const { kind } = scatter.attrs
  const dtype = computeDType(scatter.dtype)
  const position = scope.materialize(linearIndex(to, scatter.shape))
  const value = lowering.evaluation(scope).evaluate(source, from)
  const old = castTo(loadOf(destination, position), dtype)
  const next = kind === 'set' ? value : roundTo(alu(combineKinds[kind], dtype, old, value), scatter.dtype)
  lowering.builder.emit(storeTo(destination, position, toStored(next, scatter.dtype)))
}
