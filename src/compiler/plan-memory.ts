// planMemory: kernel calls with values in, calls with addresses out. Lifetimes in calls, offsets greedy by size, 64-byte aligned.
import { bytesOf } from '../base/dtype.ts'
import { elementsOf, type Node } from '../graph/node.ts'
import type { Graph } from './graph.ts'
import type { BufferReference, KernelCall } from './plan.ts'

/** A value's place before offsets are known: a leaf, an output, an arena buffer that lives from its first to its last call, a constant. */
export type Place =
  | { readonly kind: 'leaf'; readonly slot: number }
  | { readonly kind: 'output'; readonly index: number }
  | { readonly kind: 'arena'; readonly bytes: number }
  | { readonly kind: 'constant'; readonly offset: number }

export interface PlacedCall {
  readonly kernel: number
  /** one per param */
  readonly places: readonly Place[]
  /** bytes of each place that come before what is bound; none if left out */
  readonly offsets?: readonly number[]
  /** which bindings the kernel writes */
  readonly writes: readonly boolean[]
  /** may find a data-dependent index out of range */
  readonly raises: boolean
  readonly label: string
}

export interface MemoryPlan {
  readonly calls: readonly KernelCall[]
  readonly arenaBytes: number
  readonly blocks: readonly ArenaBlock[]
}

export interface ArenaBlock {
  readonly offset: number
  readonly bytes: number
  readonly first: number
  readonly last: number
}

const alignment = 64
const aligned = (bytes: number): number => Math.ceil(Math.max(bytes, 1) / alignment) * alignment

export const nodeBytes = (node: Node): number => elementsOf(node) * bytesOf(node.dtype)

export function planMemory(graph: Graph, calls: readonly PlacedCall[], reuse = true): MemoryPlan {
  const blocks = assignOffsets(reuse ? lifetimesOf(calls) : wholeLifetimes(calls))
  const resolve = (place: Place, offset: number): BufferReference => {
    if (place.kind === 'constant') return place
    if (place.kind !== 'arena') return { ...place, offset }
    return { kind: 'arena', offset: blocks.get(place)!.offset + offset, bytes: place.bytes - offset }
  }
  const resolved = calls.map((call) => {
    const bindings = call.places.map((place, slot) => resolve(place, call.offsets?.[slot] ?? 0))
    const persistent = bindings.some((binding, slot) => call.writes[slot] && isPersistent(binding, graph))
    return { ...call, bindings, persistent }
  })
  const barriers = placeBarriers(resolved)
  const arenaBytes = Math.max(0, ...[...blocks.values()].map((block) => block.offset + aligned(block.bytes)))
  return {
    arenaBytes,
    blocks: [...blocks.values()],
    calls: resolved.map((call, i) => ({
      kernel: call.kernel,
      bindings: call.bindings,
      barrier: barriers[i],
      persistent: call.persistent,
      label: call.label,
    })),
  }
}

function isPersistent(binding: BufferReference, graph: Graph): boolean {
  if (binding.kind === 'leaf') return true
  return binding.kind === 'output' && graph.outputs[binding.index].persistent
}

function lifetimesOf(calls: readonly PlacedCall[]): Map<Place, { bytes: number; first: number; last: number }> {
  const lifetimes = new Map<Place, { bytes: number; first: number; last: number }>()
  calls.forEach((call, at) => {
    for (const place of call.places) {
      if (place.kind !== 'arena') continue
      const known = lifetimes.get(place)
      if (known) known.last = at
      else lifetimes.set(place, { bytes: place.bytes, first: at, last: at })
    }
  })
  return lifetimes
}

/** As if every value lived through the whole program. */
function wholeLifetimes(calls: readonly PlacedCall[]): ReturnType<typeof lifetimesOf> {
  const whole = { first: 0, last: calls.length - 1 }
  return new Map(Array.from(lifetimesOf(calls), ([place, { bytes }]) => [place, { bytes, ...whole }]))
}

/** Largest first; each takes the lowest offset that no live block overlaps. */
function assignOffsets(
  lifetimes: ReadonlyMap<Place, { bytes: number; first: number; last: number }>,
): Map<Place, ArenaBlock> {
  /** by offset */
  const placed: ArenaBlock[] = []
  const result = new Map<Place, ArenaBlock>()
  const bySize = [...lifetimes].sort((a, b) => b[1].bytes - a[1].bytes || a[1].first - b[1].first)
  for (const [place, life] of bySize) {
    const block = { offset: lowestOffset(placed, life), ...life }
    const above = placed.findIndex(({ offset }) => offset > block.offset)
    placed.splice(above < 0 ? placed.length : above, 0, block)
    result.set(place, block)
  }
  return result
}

function lowestOffset(
  placed: readonly ArenaBlock[],
  { bytes, first, last }: { readonly bytes: number; readonly first: number; readonly last: number },
): number {
  const needed = aligned(bytes)
  let offset = 0
  for (const rival of placed) {
    if (rival.first > last || first > rival.last) continue
    if (offset + needed <= rival.offset) break
    offset = Math.max(offset, rival.offset + aligned(rival.bytes))
  }
  return offset
}

interface ResolvedCall {
  readonly bindings: readonly BufferReference[]
  readonly writes: readonly boolean[]
  readonly raises: boolean
  readonly persistent: boolean
}

/**
 * A barrier stands after a call when a later call, before the next barrier, touches memory in conflict with one since the last,
 * or must know whether one has failed.
 */
function placeBarriers(calls: readonly ResolvedCall[]): boolean[] {
  const barriers = calls.map(() => false)
  let since = 0
  for (let at = 1; at < calls.length; at++) {
    let conflict = false
    for (let before = since; before < at && !conflict; before++) conflict = conflicts(calls[before], calls[at])
    if (!conflict) continue
    barriers[at - 1] = true
    since = at
  }
  return barriers
}

const conflicts = (a: ResolvedCall, b: ResolvedCall): boolean =>
  (a.raises && b.persistent) ||
  a.bindings.some((x, i) => b.bindings.some((y, j) => (a.writes[i] || b.writes[j]) && overlaps(x, y)))

function overlaps(a: BufferReference, b: BufferReference): boolean {
  if (a.kind === 'arena' && b.kind === 'arena') return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
  if (a.kind === 'leaf' && b.kind === 'leaf') return a.slot === b.slot
  return a.kind === 'output' && b.kind === 'output' && a.index === b.index
}
