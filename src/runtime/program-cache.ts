// The program cache: structural key -> compiled programs, verified by pattern, least recently used dropped first.
import type { Graph } from '../compiler/graph.ts'
import type { Device, Program } from './device.ts'
import { type GraphPattern, type KeyedGraph, matchesPattern, patternOf } from './graph-key.ts'

interface Entry {
  readonly pattern: GraphPattern
  readonly effects: string
  readonly program: Program
  lastUse: number
}

const programLimit = 256

export class ProgramCache {
  readonly #device: Device
  readonly #entries = new Map<number, Entry[]>()
  #size = 0
  #clock = 0
  /** programs compiled since the start */
  compiles = 0

  constructor(device: Device) {
    this.#device = device
  }

  /** `effects` says which roots persist: it is part of what a program does, though not of its structure. */
  get(keyed: KeyedGraph, effects: string, graph: () => Graph): Program {
    const bucket = this.#entries.get(keyed.key) ?? []
    const known = bucket.find((entry) => entry.effects === effects && matchesPattern(keyed, entry.pattern))
    if (known) {
      known.lastUse = ++this.#clock
      return known.program
    }
    const program = this.#device.compile(graph())
    this.compiles++
    bucket.push({ pattern: patternOf(keyed), effects, program, lastUse: ++this.#clock })
    this.#entries.set(keyed.key, bucket)
    if (++this.#size > programLimit) this.#dropOldest()
    return program
  }

  #dropOldest(): void {
    let oldest: { key: number; entry: Entry } | undefined
    for (const [key, bucket] of this.#entries)
      for (const entry of bucket) if (!oldest || entry.lastUse < oldest.entry.lastUse) oldest = { key, entry }
    if (!oldest) return
    const rest = this.#entries.get(oldest.key)!.filter((entry) => entry !== oldest.entry)
    if (rest.length > 0) this.#entries.set(oldest.key, rest)
    else this.#entries.delete(oldest.key)
    oldest.entry.program.release()
    this.#size--
  }
}
