// What a suite gets to run with; each file of a suite exports one function of this type.
import type { Options } from './arguments.ts'
import type { Peers } from './peers.ts'
import type { Report } from './report.ts'

export interface Surroundings {
  readonly options: Options
  readonly report: Report
  readonly peers: Peers
  /** least milliseconds that this machine needs for so many flops and bytes of compulsory traffic */
  readonly floorOf: (flops: number, bytes: number) => number | null
}

/** Resolves to complaints: results that were measured but are wrong. */
export type Suite = (surroundings: Surroundings) => Promise<readonly string[]>
