// The shape of one row of the op table: everything the system knows about a primitive stands in its row.
import type { DType } from '../base/dtype.ts'
import type { Shape } from '../base/shape.ts'
import type { HostArray } from './host-array.ts'
import type { Attrs, Node, OpName } from './node.ts'

export type OpFamily = 'leaf' | 'elementwise' | 'movement' | 'aggregate' | 'index' | 'structure'

/** What `infer` finds out about a result. */
export interface ValueType {
  readonly shape: Shape
  readonly dtype: DType
}

/**
 * Gradient of each input given the gradient of the output, as graph; `undefined` where there is none. Inputs whose entry in
 * `wanted` is false may be left undefined, to save building what nobody reads.
 */
export type Vjp<N> = (node: N, grad: Node, wanted: readonly boolean[]) => readonly (Node | undefined)[]

export interface OpRow<K extends OpName> {
  readonly family: OpFamily
  /** Checks inputs and gives the result's shape and dtype; raises ShapeError or DTypeError. */
  infer(inputs: readonly Node[], attrs: Attrs[K]): ValueType
  /** 'body': autograd differentiates what the node contains (a scan's step, a composite's body). */
  readonly vjp: 'none' | 'body' | Vjp<Node<K>>
  /** The meaning of the op on host memory, the oracle for every device. */
  reference(inputs: readonly HostArray[], node: Node<K>): HostArray
}

export type OpTable = { readonly [K in OpName]: OpRow<K> }
