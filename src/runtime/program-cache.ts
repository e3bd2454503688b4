// The program cache: a graph's key -> what is known of such graphs, verified by pattern: the programs compiled for them, by output, and
// which of their nodes are worth keeping. Least recently used first out.
import type { Graph } from '../compiler/graph.ts'
import type { Node } from '../graph/node.ts'
import { printStages } from './debug.ts'
import type { Device, Program } from './device.ts'
import { GraphEntry } from './graph-entry.ts'
import { detachedCopy, type KeyedGraph, matchesPattern, patternOf } from './graph-key.ts'
import { LiteralFamilies } from './literals.ts'

/** An output by its place in the graph's order. */
export interface OutputPlace {
  readonly place: number
  readonly persistent: boolean
  /** slot of the leaf that it is written to in place */
  readonly target?: number
}

const graphLimit = 256
const keptLimit = 256

export class ProgramCache {
  readonly #device: Device
  readonly #entries = new Map<number, GraphEntry[]>()
  readonly #families = new LiteralFamilies()
  #size = 0
  #clock = 0
  /** programs compiled since the start */
  compiles = 0

  constructor(device: Device) {
    this.#device = device
  }

  /** Every program that is remembered; each prints its stages. */
  list(): Program[] {
    return [...this.#entries.values()].flat().flatMap(({ programs }) => [...programs.values()])
  }

  entryOf(graph: KeyedGraph): GraphEntry {
    const bucket = this.#entries.get(graph.key)
    let entry = bucket?.find(({ pattern }) => matchesPattern(graph, pattern)) ?? this.#families.entryOf(graph)
    if (entry === undefined) {
      entry = new GraphEntry(graph.key, patternOf(graph))
      if (bucket) bucket.push(entry)
      else this.#entries.set(graph.key, [entry])
      if (++this.#size > graphLimit) this.#dropOldest()
    }
    entry.lastUse = ++this.#clock
    return entry
  }

  /** The program that computes `outputs`, in the order given. */
  programOf(entry: GraphEntry, graph: KeyedGraph, outputs: readonly OutputPlace[]): Program {
    const signature = outputs.map(signatureOf).join(' ')
    let program = entry.programs.get(signature)
    if (program === undefined) {
      program = this.#device.compile(graphOf(entry, graph, outputs))
      this.compiles++
      printStages(this.#device.name, program)
      entry.programs.set(signature, program)
    }
    return program
  }

  #dropOldest(): void {
    let oldest: GraphEntry | undefined
    for (const bucket of this.#entries.values())
      for (const entry of bucket)
        if (entry.lastUse > 0 && entry.pins === 0 && (!oldest || entry.lastUse < oldest.lastUse)) oldest = entry
    if (!oldest) return
    const rest = this.#entries.get(oldest.key)!.filter((entry) => entry !== oldest)
    if (rest.length > 0) this.#entries.set(oldest.key, rest)
    else this.#entries.delete(oldest.key)
    oldest.release()
    this.#size--
  }
}

const signatureOf = ({ place, persistent, target }: OutputPlace): string =>
  `${place}${persistent ? 'p' : ''}${target === undefined ? '' : `>${target}`}`

function graphOf(entry: GraphEntry, graph: KeyedGraph, outputs: readonly OutputPlace[]): Graph {
  const nodes = detachedCopy(graph, new Set(entry.literals))
  const places = [...graph.leaves.map((leaf) => graph.order.indexOf(leaf)), ...entry.literals]
  return {
    leaves: places.map((place) => nodes[place]),
    outputs: outputs.map(({ place, persistent, target }) => ({ node: nodes[place], persistent, target })),
  }
}

const movements = new Set<Node['op']>(['reshape', 'permute', 'expand', 'pad', 'slice', 'window'])
const sources = new Set<Node['op']>(['constant', 'iota', 'buffer'])

/** Nodes that an earlier program computed and `graph` computes again are kept by programs like the earlier one from now on. */
export function noteRecomputed(graph: KeyedGraph, entry: GraphEntry, roots: readonly Node[]): void {
  for (const root of roots) keepIfRecomputed(root)
  for (const node of graph.order) {
    if (node.value !== undefined || node.op === 'buffer') continue
    if (node.origin === undefined) for (const input of node.inputs) keepIfRecomputed(input)
  }
  graph.order.forEach((node, place) => {
    if (node.value !== undefined || node.op === 'buffer') return
    node.origin = entry
    node.originPlace = place
  })
}

function keepIfRecomputed(node: Node): void {
  // a movement costs nothing to do again; what it moves may
  while (movements.has(node.op) && node.value === undefined) node = node.inputs[0]
  const earlier = node.origin as GraphEntry | undefined
  if (earlier === undefined || node.value !== undefined || sources.has(node.op)) return
  if (earlier.kept.size < keptLimit) earlier.kept.add(node.originPlace)
}
