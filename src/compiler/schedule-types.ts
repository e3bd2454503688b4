// The schedule: which nodes get memory, and which kernel computes them. `schedule` writes it, `lower` and `planMemory` read it.
import type { Node } from '../graph/node.ts'

export type Anchor = 'map' | 'row' | 'tile' | 'scatter' | 'scan' | 'composite' | 'test'

/** 0 <= index < limit for every element of an index of `op`. */
export interface IndexTest {
  readonly op: string
  readonly limit: number
}

/**
 * One kernel to be. `inner` is every node computed inside it, inputs before users, outputs included; values of `inputs` and `outputs` are
 * in memory, contiguous, row-major; all other inner nodes are inlined through their index maps or held in scratch.
 */
export interface KernelGroup {
  readonly anchor: Anchor
  /** the contract, scatter, scan or composite of a tile, scatter, scan or composite group; the index of a test, which has no outputs */
  readonly anchorNode?: Node
  /** of a test group */
  readonly test?: IndexTest
  readonly inputs: readonly Node[]
  readonly inner: readonly Node[]
  readonly outputs: readonly Node[]
  /** outputs that are stored past the caches */
  readonly streamed?: readonly Node[]
}

export interface Schedule {
  readonly groups: readonly KernelGroup[]
}
