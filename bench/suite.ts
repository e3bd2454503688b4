// What a suite is: a list of cases, each one piece of work that we and the peers can be asked to do. `compare.ts` runs them.
import type { Options } from './arguments.ts'
import type { Sampler } from './timing.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** What only some suites have to say about a case. */
export interface Extras {
  /** a training step: whether it ran through `compile`, and the worst relative difference from the peer's losses */
  readonly compiled?: boolean
  readonly lossDeviation?: number
}

/** Our side of a case, ready to run. */
export interface Prepared {
  readonly sample: Sampler
  readonly extras?: Extras
  /** traffic besides that of the case, where only the call tells what it returns */
  readonly resultBytes?: number
  /** why the figures are worth nothing, if so */
  readonly complaint?: string
}

export interface Case {
  readonly name: string
  /** whose geometric mean it counts in; its suite's, if left out */
  readonly group?: string
  /** all that a peer has to know to do the same */
  readonly work: { readonly [key: string]: Json }
  /** of the products; 0 where there are none worth counting */
  readonly flops: number
  /** compulsory traffic: operands read once, results written once */
  readonly bytes: number
  readonly ours: () => Prepared | Promise<Prepared>
}

export type Suite = (options: Options) => readonly Case[]
