// Lowers a scatter group: the base is copied, then sources are combined into it in source order, so that results do not depend on timing.
// Participants share the axes other than the scattered one. Ranges of destinations would not pay: each participant would go through all
// updates, and whether one is its own is a branch that nobody can foresee.
import { sizeOf } from '../../base/shape.ts'
import type { Node, ScatterKind } from '../../graph/node.ts'
import { alu, castTo, loadOf, storeTo } from '../../kernel/builders.ts'
import type { AluKind, Memory } from '../../kernel/kernel-node.ts'
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
  /** innermost axis, contiguous in the destination: updates along it meet nowhere */
  readonly vector: Axis | undefined
  /** whether the index differs along it */
  readonly varies: boolean
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
  const vector = axis === index.shape.length - 1 ? undefined : refined.axes.at(-1)?.at(-1)
  const reads = trace([index], refined.roots)
  return {
    indices: refined.roots,
    along: refined.axes[axis],
    others: refined.axes.flatMap((axes, i) => (i === axis ? [] : axes.filter((one) => one !== vector))),
    vector,
    varies: vector !== undefined && reads.some((read) => usesAxis(read, vector)),
  }
}

/** The strips of the contiguous axis that participants share: as wide as there are enough of, since each goes through all updates. */
interface Deal {
  readonly strip: Axis
  /** elements of a strip */
  readonly size: number
  readonly lanes: number
  readonly blocks: number
}

/** Strips, or other rows, for each participant: shares are even then, whatever the number of strips. */
const shares = 4

function dealUpdates(lowering: Lowering, target: Target, scatter: Node<'scatter'>, space: UpdateSpace): Deal {
  const updates = sizeOf(scatter.inputs[1].shape)
  const bytes = widestBytes([...lowering.group.inputs, ...lowering.group.outputs])
  const extent = space.vector?.extent ?? 1
  const lanes = lanesFor(target, bytes, lowering.weight, extent)
  const rows = space.others.reduce((count, other) => count * other.extent, 1)
  const wanted = target.threads === 1 ? 1 : Math.ceil((target.threads * shares) / rows)
  const size = Math.ceil(extent / wanted / lanes) * lanes
  const strip = makeAxis('strip', Math.ceil(extent / size))
  const blocks = Math.min(strip.extent * rows, blocksFor(updates, bytes * 3 + lowering.weight))
  return { strip, size, lanes, blocks }
}

function writeUpdates(lowering: Lowering, target: Target, scatter: Node<'scatter'>, destination: Memory): void {
  const { builder } = lowering
  const { axis } = scatter.attrs
  const limit = scatter.shape[axis]
  const space = updateSpace(lowering, scatter)
  const { strip, size, lanes, blocks } = dealUpdates(lowering, target, scatter, space)
  const dealt = [...space.others, strip].filter((one) => one.extent > 1)
  const rowIn = (scope: Scope) =>
    lowering.evaluation(scope).checkedIndex(scatter.inputs[1], space.indices, limit, scatter.attrs.caller)
  const write = (scope: Scope, row: Affine) =>
    writeUpdate(lowering, scope, scatter, destination, space.indices.with(axis, row), space.indices)
  parallelNest(builder, new Scope(), dealt, blocks, undefined, (scope) =>
    nest(builder, scope, space.along, undefined, (inner) => {
      if (space.vector === undefined) return write(inner, rowIn(inner))
      const vector = { axis: space.vector, lanes }
      const shared = space.varies ? undefined : rowIn(inner)
      loopOverBlock(builder, inner, space.vector, size, axisIndex(strip), vector, (within) =>
        write(within, shared ?? rowIn(within)),
      )
    }),
  )
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
  const position = lowering.builder.bind('to', scope.materialize(linearIndex(to, scatter.shape)))
  const value = lowering.evaluation(scope).evaluate(source, from)
  const old = castTo(loadOf(destination, position), dtype)
  const next = kind === 'set' ? value : roundTo(alu(combineKinds[kind], dtype, old, value), scatter.dtype)
  lowering.builder.emit(storeTo(destination, position, toStored(next, scatter.dtype)))
}
