// What the program cache knows of all graphs of one structure: programs by their outputs, and which nodes are worth keeping.
import type { Program } from './device.ts'
import type { GraphPattern } from './graph-key.ts'

export class GraphEntry {
  readonly key: number
  readonly pattern: GraphPattern
  /** places of constants that are leaves, after the graph's own leaves */
  readonly literals: readonly number[]
  /** by signature of their outputs */
  readonly programs = new Map<string, Program>()
  /** places of nodes that a later program needed again: output from then on */
  readonly kept = new Set<number>()
  lastUse = 0
  /** compiled functions that run its programs */
  pins = 0

  constructor(key: number, pattern: GraphPattern, literals: readonly number[] = []) {
    this.key = key
    this.pattern = pattern
    this.literals = literals
  }

  /** Lets its programs go, unless compiled functions run them. */
  release(): void {
    if (this.pins > 0) return
    for (const program of this.programs.values()) program.release()
    this.programs.clear()
  }
}
