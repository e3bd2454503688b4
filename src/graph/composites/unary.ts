// How composites of one input are made: a body and a gradient rule go in, a function of a node comes out.
import { bytesOf, isFloat } from '../../base/dtype.ts'
import { cast } from '../builders/promote.ts'
import type { Node } from '../node.ts'
import { type CompositeNode, defineComposite } from './composite-table.ts'

type None = Readonly<Record<never, never>>

export interface UnaryComposite {
  readonly body: (x: Node) => Node
  /** Gradient of the input; undefined for none. */
  readonly vjp: (node: CompositeNode<None>, grad: Node) => Node | undefined
}

/** A composite that keeps its input's shape and dtype. */
export function unaryComposite(name: string, { body, vjp }: UnaryComposite): (x: Node) => Node {
  const build = defineComposite<None>(name, {
    infer: ([x]) => x,
    body: ([x]) => body(x),
    vjp: (node, grad) => [vjp(node, grad)],
  })
  return (x) => build([x], {})
}

/** A unary composite of floats: integers become float32; the 2-byte floats are computed in float32 and rounded once. */
export function floatComposite(name: string, { body, vjp }: UnaryComposite): (x: Node) => Node {
  const build = unaryComposite(name, { body: (x) => inFloat32(x, body), vjp })
  return (x) => build(isFloat(x.dtype) ? x : cast(x, 'float32'))
}

/** `compute` in float32 where x is a 2-byte float. */
export const inFloat32 = (x: Node, compute: (x: Node) => Node): Node =>
  isFloat(x.dtype) && bytesOf(x.dtype) === 2 ? cast(compute(cast(x, 'float32')), x.dtype) : compute(x)
