// The pipeline: a program's graph in, a plan out. One list of stages; each prints itself, and what can be left out can be switched off.

import { bytesOf } from '../base/dtype.ts'
import { isOp, makeNode, type Node, topologicalOrder } from '../graph/node.ts'
import { formatGraph } from '../graph/print.ts'
import { printKernel } from '../kernel/print.ts'
import { ConstantPool } from './constant-pool.ts'
import type { Graph } from './graph.ts'
import { raisingGroups, testFirst, testsWithin } from './index-tests.ts'
import { hasLowering } from './lower/composite.ts'
import { lower } from './lower/lower.ts'
import { type LoweredKernel, nameOf } from './lower/lowered-kernel.ts'
import { optimize } from './optimize/optimize.ts'
import { placeValues } from './place-values.ts'
import type { Plan, PlannedKernel, StageName } from './plan.ts'
import { type MemoryPlan, type Place, type PlacedCall, planMemory } from './plan-memory.ts'
import { schedule } from './schedule/schedule.ts'
import type { KernelGroup, Schedule } from './schedule-types.ts'
import { type KernelClass, shareKernels } from './share-kernels.ts'
import { simplify } from './simplify/simplify.ts'
import { streamOutputs } from './stream-outputs.ts'
import type { Target } from './target.ts'
import type { Verifier } from './verifier.ts'

export interface CompileOptions {
  /** off: composites are expanded, nothing else is rewritten */
  readonly simplify?: boolean
  /** off: every aggregate in a kernel of its own */
  readonly fuse?: boolean
  /** off: composites that have kernels of their own are expanded like all others */
  readonly composites?: boolean
  /** kernel passes to leave out */
  readonly skip?: ReadonlySet<string>
  /** off: no two values of a program share memory, whenever they live */
  readonly reuseMemory?: boolean
  /** puts the kernels in another order, which must respect their dependencies; for tests */
  readonly reorder?: (groups: readonly KernelGroup[]) => readonly KernelGroup[]
  /** checks what every stage gives; in tests, and in checked mode */
  readonly verifier?: Verifier
}

export function compileGraph(graph: Graph, target: Target, options: CompileOptions = {}): Plan {
  const clock = new StageClock()
  const keeps = (node: Node<'composite'>) => (options.composites ?? true) && hasLowering(node, target)
  const simple = clock.time('simplify', () => simplify(graph, options.simplify ?? true, keeps))
  options.verifier?.graph(simple.roots, 'simplify')
  const first = clock.time('schedule', () =>
    schedule(topologicalOrder(simple.roots), simple.roots, target, { fuse: options.fuse ?? true }),
  )
  const lasting = new Set(simple.roots.filter((_, i) => graph.outputs[i].persistent))
  const scheduled = { groups: testFirst(options.reorder?.(first.groups) ?? first.groups, lasting) }
  options.verifier?.schedule(scheduled, simple)
  const raising = raisingGroups(scheduled.groups)
  const placement = placeValues(graph, simple.leaves, simple.roots, scheduled.groups, raising)
  const copies = placement.copies.map(copyGroup)
  const placeOf = new Map([
    ...placement.placeOf,
    ...copies.map(({ outputs: [copy] }, i) => [copy, placement.copies[i].to] as const),
  ])
  const groups = streamOutputs([...scheduled.groups, ...copies], placeOf, target)
  const shared = clock.time('share', () => shareKernels(groups))
  const kernels = shared.classes.map((one) => makeKernel(one, target, options, clock))
  const constants = new ConstantPool()
  const memory = clock.time('memory', () => {
    const calls = groups.map((group, i) => {
      const mayRaise = testsWithin(group) || raising.has(scheduled.groups[i])
      return placeCall(group, mayRaise, kernels, shared.classOf[i], placeOf, constants)
    })
    return planMemory(graph, persistentLast(calls), options.reuseMemory ?? true)
  })
  options.verifier?.memory(memory)
  return {
    graph,
    kernels: kernels.map(({ planned }) => planned),
    constants: constants.bytes,
    calls: memory.calls,
    arenaBytes: memory.arenaBytes,
    milliseconds: clock.milliseconds,
    print: (stage) => printStage(stage, { roots: simple.roots, scheduled, kernels, memory }),
  }
}

/** Adds up the time that each stage takes, over all kernels. */
class StageClock {
  readonly milliseconds: Record<string, number> = {}

  time<T>(stage: string, run: () => T): T {
    const start = performance.now()
    const result = run()
    this.milliseconds[stage] = (this.milliseconds[stage] ?? 0) + performance.now() - start
    return result
  }
}

interface MadeKernel {
  readonly holes: readonly number[]
  readonly lowered: LoweredKernel
  readonly planned: PlannedKernel
}

function makeKernel(
  { group, holes }: KernelClass,
  target: Target,
  options: CompileOptions,
  clock: StageClock,
): MadeKernel {
  const lowered = clock.time('lower', () => lower(group, target))
  const kernel = clock.time('optimize', () => optimize(lowered.kernel, options.skip))
  options.verifier?.kernel(lowered.kernel)
  options.verifier?.kernel(kernel)
  return { holes, lowered, planned: { kernel, checks: lowered.checks } }
}

function placeCall(
  group: KernelGroup,
  mayRaise: boolean,
  kernels: readonly MadeKernel[],
  kernel: number,
  placeOf: ReadonlyMap<Node, Place>,
  constants: ConstantPool,
): PlacedCall {
  const { lowered, holes } = kernels[kernel]
  const own = lowered.temporaries.map(
    ({ dtype, size }): Place => ({ kind: 'arena', bytes: Math.max(1, size) * bytesOf(dtype) }),
  )
  const fillers = holes.map((position) => fillHole(group.inner[position], placeOf, constants))
  const find = (node: Node): Place => placeOf.get(node)!
  return {
    kernel,
    places: [...group.inputs.map(find), ...fillers.map(({ place }) => place), ...group.outputs.map(find), ...own],
    offsets: [...group.inputs.map(() => 0), ...fillers.map(({ offset }) => offset)],
    writes: lowered.kernel.params.map((param) => param.access !== 'read'),
    raises: mayRaise && lowered.checks.length > 0,
    label: lowered.kernel.name,
  }
}

interface Filler {
  readonly place: Place
  readonly offset: number
}

/** What a call binds for a constant, or for one element of a value in memory. */
function fillHole(node: Node, placeOf: ReadonlyMap<Node, Place>, constants: ConstantPool): Filler {
  if (isOp(node, 'constant')) return { place: { kind: 'constant', offset: constants.offsetOf(node) }, offset: 0 }
  const [source] = node.inputs
  const { starts } = (node as Node<'slice'>).attrs
  const element = starts.reduce((position, start, axis) => position * source.shape[axis] + start, 0)
  return { place: placeOf.get(source)!, offset: element * bytesOf(source.dtype) }
}

/** A kernel of its own that moves a value into the leaf it replaces. */
function copyGroup({ from }: { readonly from: Node }): KernelGroup {
  const copy = makeNode('copy', [from], {}, from.shape, from.dtype)
  return { anchor: 'map', inputs: [from], inner: [copy], outputs: [copy] }
}

/** Writes of persistent state move behind the last call that may fail, where nothing in between reads them. */
function persistentLast(calls: readonly PlacedCall[]): PlacedCall[] {
  const lastRaise = calls.findLastIndex((call) => call.raises)
  if (lastRaise < 0) return [...calls]
  const { lastUse, lastWrite } = lastTouches(calls)
  const kept: PlacedCall[] = []
  const moved: PlacedCall[] = []
  calls.forEach((call, at) => {
    const isPersistent = call.places.some((place, slot) => call.writes[slot] && place.kind !== 'arena')
    const isAlone = call.places.every((place, slot) => (call.writes[slot] ? lastUse : lastWrite).get(place)! <= at)
    const isFree = at < lastRaise && !call.raises && isPersistent && isAlone
    if (isFree || at > lastRaise) moved.push(call)
    else kept.push(call)
  })
  return [...kept, ...moved]
}

/** The last call that touches each place, and the last that writes it, -1 for none. */
function lastTouches(calls: readonly PlacedCall[]) {
  const lastUse = new Map<Place, number>()
  const lastWrite = new Map<Place, number>()
  calls.forEach((call, at) => {
    call.places.forEach((place, slot) => {
      lastUse.set(place, at)
      lastWrite.set(place, call.writes[slot] ? at : (lastWrite.get(place) ?? -1))
    })
  })
  return { lastUse, lastWrite }
}

interface Stages {
  readonly roots: readonly Node[]
  readonly scheduled: Schedule
  readonly kernels: readonly MadeKernel[]
  readonly memory: MemoryPlan
}

function printStage(stage: StageName, { roots, scheduled, kernels, memory }: Stages): string {
  switch (stage) {
    case 'simplify':
      return formatGraph(roots)
    case 'schedule':
      return scheduled.groups.map(formatGroup).join('\n')
    case 'lower':
      return kernels.map(({ lowered }) => printKernel(lowered.kernel)).join('\n\n')
    case 'optimize':
      return kernels.map(({ planned }) => printKernel(planned.kernel)).join('\n\n')
    case 'memory':
      return formatMemory(memory)
  }
}

function formatGroup(group: KernelGroup, i: number): string {
  const computed = group.inner.filter((node) => node.op !== 'constant').map(nameOf)
  const values = (nodes: readonly Node[]) => nodes.map((node) => `${node.dtype}[${node.shape.join(', ')}]`).join(' ')
  return `K${i + 1} ${group.anchor}: ${computed.join(' ')}\n   reads ${values(group.inputs)}\n   writes ${values(group.outputs)}`
}

function formatMemory({ calls, arenaBytes }: MemoryPlan): string {
  const lines = calls.map((call, i) => {
    const bindings = call.bindings.map((b) => {
      const from = b.offset > 0 || b.kind === 'arena' ? `+${b.offset}` : ''
      return `${b.kind}${b.kind === 'leaf' ? b.slot : b.kind === 'output' ? b.index : ''}${from}`
    })
    return `call ${i}: kernel ${call.kernel}(${bindings.join(', ')})${call.barrier ? ' barrier' : ''}${call.persistent ? ' persistent' : ''}`
  })
  return [...lines, `arena ${arenaBytes} bytes`].join('\n')
}
