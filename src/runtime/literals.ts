// Literals: graphs that differ only in constants go in, one entry for all of them comes out, in which the constants that were seen to
// change are leaves. So numbers that change from step to step (rates, step counts) do not make new programs.
import { hashSeed, mix } from '../base/hash.ts'
import { encodeHost } from '../graph/host-bytes.ts'
import { isOp, type Node } from '../graph/node.ts'
import { leavesSemantics } from '../graph/semantics/leaves.ts'
import type { DeviceBuffer } from './device.ts'
import { GraphEntry } from './graph-entry.ts'
import { type GraphPattern, type KeyedGraph, matchesPattern, patternOf } from './graph-key.ts'
import type { Session } from './session.ts'

const familyLimit = 256

/** Graphs of one structure that have different constants. */
interface Family {
  readonly pattern: GraphPattern
  /** for graphs whose other constants are the pattern's */
  entry: GraphEntry | undefined
}

export class LiteralFamilies {
  /** in order of their making */
  readonly #families = new Map<number, Family>()

  /** The entry for graphs like this one whatever its changing constants; undefined for a structure that is seen the first time. */
  entryOf(graph: KeyedGraph): GraphEntry | undefined {
    const key = keyWithoutLiterals(graph)
    const family = this.#families.get(key)
    if (family === undefined || !matchesPattern(graph, family.pattern, true)) {
      this.#add(key, { pattern: patternOf(graph), entry: undefined })
      return undefined
    }
    const known = family.entry?.literals ?? []
    const changed = changedLiterals(graph, family.pattern)
    if (family.entry && changed.every((place) => known.includes(place))) return family.entry
    family.entry?.release()
    const literals = [...new Set([...known, ...changed])].sort((a, b) => a - b)
    family.entry = new GraphEntry(key, family.pattern, literals)
    return family.entry
  }

  #add(key: number, family: Family): void {
    this.#families.get(key)?.entry?.release()
    this.#families.delete(key)
    this.#families.set(key, family)
    if (this.#families.size <= familyLimit) return
    const [oldest] = this.#families
    this.#families.delete(oldest[0])
    oldest[1].entry?.release()
  }
}

const literalMark = 0x117e

function keyWithoutLiterals({ order, edges, leaves }: KeyedGraph): number {
  let key = mix(hashSeed, leaves.length)
  for (const node of order) key = mix(key, isOp(node, 'constant') ? literalMark : node.ownHash)
  for (const edge of edges) key = mix(key, edge)
  return key
}

const changedLiterals = ({ order }: KeyedGraph, pattern: GraphPattern): number[] =>
  order.flatMap((node, place) => {
    const before = pattern.nodes[place].attrs as { readonly value?: unknown } | undefined
    return isOp(node, 'constant') && !Object.is(node.attrs.value, before?.value) ? [place] : []
  })

/** Buffers that hold a graph's literals, for the program of `entry`. */
export const literalBuffers = (session: Session, nodes: readonly Node[]): DeviceBuffer[] =>
  nodes.map((node) => {
    const buffer = session.allocateFor(node)
    session.device.write(buffer, encodeHost(leavesSemantics.constant([], node as Node<'constant'>)))
    return buffer
  })
