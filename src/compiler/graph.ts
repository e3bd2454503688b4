// A program's graph: what `realize` hands to the compiler. Leaves are slots; what is written where is said, nothing else has effects.
import type { Node } from '../graph/node.ts'

export interface Graph {
  /** In slot order: buffers, and nodes whose value is known; nothing above a leaf is computed. The caller binds one device buffer to each. */
  readonly leaves: readonly Node[]
  readonly outputs: readonly Output[]
}

export interface Output {
  readonly node: Node
  /** slot of the leaf whose buffer receives the value at the program's end (in place), or undefined: a buffer of its own */
  readonly target?: number
  /** persistent state (parameters, running statistics): not written when the program has found an error */
  readonly persistent: boolean
}
