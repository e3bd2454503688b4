// The pipeline: a program's graph in, a plan out. One list of stages; each prints itself, and what can be left out can be switched off.

import { bytesOf } from '../base/dtype.ts'
import { makeNode, type Node, topologicalOrder } from '../graph/node.ts'
import { formatGraph } from '../graph/print.ts'
import { verifyGraph } from '../graph/verify.ts'
import { printKernel } from '../kernel/print.ts'
import { verifyKernel } from '../kernel/verify.ts'
import type { Graph } from './graph.ts'
import { kernelSignature } from './kernel-signature.ts'
import { lower } from './lower/lower.ts'
import type { LoweredKernel } from './lower/lowered-kernel.ts'
import { optimize } from './optimize/optimize.ts'
import { placeValues } from './place-values.ts'
import type { Plan, PlannedKernel, StageName } from './plan.ts'
import { type MemoryPlan, type Place, type PlacedCall, planMemory } from './plan-memory.ts'
import { schedule } from './schedule/schedule.ts'
import type { KernelGroup, Schedule } from './schedule-types.ts'
import { simplify } from './simplify/simplify.ts'
import type { Target } from './target.ts'
import { verifyMemory, verifySchedule } from './verify-plan.ts'

export interface CompileOptions {
  /** off: composites are expanded, nothing else is rewritten */
  readonly simplify?: boolean
  /** off: every aggregate in a kernel of its own */
  readonly fuse?: boolean
  /** kernel passes to leave out */
  readonly skip?: ReadonlySet<string>
  /** off: no two values of a program share memory, whenever they live */
  readonly reuseMemory?: boolean
  /** puts the kernels in another order, which must respect their dependencies; for tests */
  readonly reorder?: (groups: readonly KernelGroup[]) => readonly KernelGroup[]
  /** verify what every stage gives; on in tests */
  readonly verify?: boolean
}

export function compileGraph(graph: Graph, target: Target, options: CompileOptions = {}): Plan {
  const simple = simplify(graph, options.simplify ?? true)
  if (options.verify) verifyGraph(simple.roots, 'simplify')
  const order = topologicalOrder(simple.roots)
  const first = schedule(order, simple.roots, target, { fuse: options.fuse ?? true })
  const scheduled = options.reorder ? { ...first, groups: options.reorder(first.groups) } : first
  if (options.verify) verifySchedule(scheduled, simple)
  const kernels = new KernelTable(target, options)
  const groups = scheduled.groups
  const uses = groups.map((group) => ({ group, ...kernels.of(group) }))
  const placement = placeValues(graph, simple.leaves, simple.roots, groups)
  const calls = uses.map((use) => placeCall(use, placement.placeOf))
  for (const { from, to } of placement.copies) calls.push(copyCall(from, to, placement.placeOf, kernels))
  const memory = planMemory(graph, persistentLast(calls), options.reuseMemory ?? true)
  if (options.verify) verifyMemory(memory)
  return {
    graph,
    kernels: kernels.planned,
    calls: memory.calls,
    arenaBytes: memory.arenaBytes,
    print: (stage) => printStage(stage, { roots: simple.roots, scheduled, kernels, memory }),
  }
}

interface KernelUse {
  readonly index: number
  readonly lowered: LoweredKernel
}

/** Distinct kernels: groups of one signature share one body. */
class KernelTable {
  readonly planned: PlannedKernel[] = []
  readonly lowered: LoweredKernel[] = []
  readonly #bySignature = new Map<string, number>()
  readonly #target: Target
  readonly #options: CompileOptions

  constructor(target: Target, options: CompileOptions) {
    this.#target = target
    this.#options = options
  }

  of(group: KernelGroup): KernelUse {
    const signature = kernelSignature(group)
    let index = this.#bySignature.get(signature)
    if (index === undefined) {
      index = this.planned.length
      this.#bySignature.set(signature, index)
      this.#make(group)
    }
    return { index, lowered: this.lowered[index] }
  }

  #make(group: KernelGroup): void {
    const lowered = lower(group, this.#target)
    const kernel = optimize(lowered.kernel, this.#options.skip)
    if (this.#options.verify) {
      verifyKernel(lowered.kernel)
      verifyKernel(kernel)
    }
    this.lowered.push(lowered)
    this.planned.push({ kernel, checks: lowered.checks })
  }
}

function placeCall(use: KernelUse & { readonly group: KernelGroup }, placeOf: ReadonlyMap<Node, Place>): PlacedCall {
  const { group, lowered, index } = use
  const own = lowered.temporaries.map(
    ({ dtype, size }): Place => ({ kind: 'arena', bytes: Math.max(1, size) * bytesOf(dtype) }),
  )
  return {
    kernel: index,
    places: [...group.inputs, ...group.outputs].map((node) => placeOf.get(node)!).concat(own),
    writes: lowered.kernel.params.map((param) => param.access !== 'read'),
    raises: lowered.checks.length > 0,
    label: lowered.kernel.name,
  }
}

/** A kernel of its own that moves a value into the leaf it replaces. */
function copyCall(from: Node, to: Place, placeOf: ReadonlyMap<Node, Place>, kernels: KernelTable): PlacedCall {
  const copy = makeNode('copy', [from], {}, from.shape, from.dtype)
  const group: KernelGroup = { anchor: 'map', inputs: [from], inner: [copy], outputs: [copy] }
  const use = { group, ...kernels.of(group) }
  return placeCall(use, new Map([...placeOf, [copy, to]]))
}

/** Writes of persistent state move behind the last call that may fail, where nothing in between reads them. */
function persistentLast(calls: readonly PlacedCall[]): PlacedCall[] {
  const lastRaise = calls.findLastIndex((call) => call.raises)
  if (lastRaise < 0) return [...calls]
  const kept: PlacedCall[] = []
  const moved: PlacedCall[] = []
  calls.forEach((call, at) => {
    const written = call.places.filter((place, slot) => call.writes[slot] && place.kind !== 'arena')
    const isFree =
      at < lastRaise &&
      !call.raises &&
      written.length > 0 &&
      call.places.every((place, slot) => !call.writes[slot] || !isReadLater(place, calls, at)) &&
      call.places.every((place, slot) => call.writes[slot] || !isWrittenLater(place, calls, at))
    if (isFree) moved.push(call)
    else if (at > lastRaise) moved.push(call)
    else kept.push(call)
  })
  return [...kept, ...moved]
}

const isReadLater = (place: Place, calls: readonly PlacedCall[], at: number): boolean =>
  calls.some((call, i) => i > at && call.places.includes(place))

const isWrittenLater = (place: Place, calls: readonly PlacedCall[], at: number): boolean =>
  calls.some((call, i) => i > at && call.places.some((other, slot) => other === place && call.writes[slot]))

interface Stages {
  readonly roots: readonly Node[]
  readonly scheduled: Schedule
  readonly kernels: KernelTable
  readonly memory: MemoryPlan
}

function printStage(stage: StageName, { roots, scheduled, kernels, memory }: Stages): string {
  switch (stage) {
    case 'simplify':
      return formatGraph(roots)
    case 'schedule':
      return scheduled.groups.map(formatGroup).join('\n')
    case 'lower':
      return kernels.lowered.map(({ kernel }) => printKernel(kernel)).join('\n\n')
    case 'optimize':
      return kernels.planned.map(({ kernel }) => printKernel(kernel)).join('\n\n')
    case 'memory':
      return formatMemory(memory)
  }
}

function formatGroup(group: KernelGroup, i: number): string {
  const computed = group.inner.filter((node) => node.op !== 'constant').map((node) => node.op)
  const values = (nodes: readonly Node[]) => nodes.map((node) => `${node.dtype}[${node.shape.join(', ')}]`).join(' ')
  return `K${i + 1} ${group.anchor}: ${computed.join(' ')}\n   reads ${values(group.inputs)}\n   writes ${values(group.outputs)}`
}

function formatMemory({ calls, arenaBytes }: MemoryPlan): string {
  const lines = calls.map((call, i) => {
    const bindings = call.bindings.map((b) =>
      b.kind === 'arena' ? `arena+${b.offset}` : b.kind === 'leaf' ? `leaf${b.slot}` : `output${b.index}`,
    )
    return `call ${i}: kernel ${call.kernel}(${bindings.join(', ')})${call.barrier ? ' barrier' : ''}${call.persistent ? ' persistent' : ''}`
  })
  return [...lines, `arena ${arenaBytes} bytes`].join('\n')
}
