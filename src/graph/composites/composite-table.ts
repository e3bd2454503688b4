// The composite table: named functions of nodes with a body in primitives. Defining one gives its builder, so a program that
// never calls a composite does not carry it.
import { ArgumentError } from '../../base/errors.ts'
import { type CompositeAttrs, makeNode, type Node } from '../node.ts'
import type { ValueType, Vjp } from '../op-row.ts'

export interface CompositeRow<A extends object> {
  /** Checks inputs and gives the result's shape and dtype. */
  infer(inputs: readonly Node[], attrs: A): ValueType
  /** The same value in primitives and other composites, with exactly the inferred shape and dtype. */
  body(inputs: readonly Node[], attrs: A): Node
  /** Own gradient rule; without one the body is differentiated. */
  readonly vjp?: Vjp<CompositeNode<A>>
}

/** A composite node as its own row sees it: `attrs.attrs` are the row's. */
export type CompositeNode<A extends object = CompositeAttrs> = Node<'composite'> & {
  readonly attrs: { readonly attrs: A }
}

export type CompositeBuilder<A extends object> = (inputs: readonly Node[], attrs: A) => Node

const compositeTable = new Map<string, CompositeRow<CompositeAttrs>>()

/** Puts a row in the table and gives the function that builds its nodes. */
export function defineComposite<A extends object>(name: string, row: CompositeRow<A>): CompositeBuilder<A> {
  if (compositeTable.has(name))
    throw new ArgumentError(`composite: expected a new name, got '${name}', which is defined already.`, { name })
  compositeTable.set(name, row as unknown as CompositeRow<CompositeAttrs>)
  return (inputs, attrs) => {
    const { shape, dtype } = row.infer(inputs, attrs)
    return makeNode('composite', inputs, { name, attrs: attrs as CompositeAttrs, shape, dtype }, shape, dtype)
  }
}

/** The row of a composite by name. */
export function compositeRow(name: string): CompositeRow<CompositeAttrs> {
  const row = compositeTable.get(name)
  if (row === undefined)
    throw new ArgumentError(
      `composite: expected one of ${[...compositeTable.keys()].join(', ')}, got '${name}'. Import the module that defines it.`,
      { name },
    )
  return row
}

/** Names of all composites whose modules are loaded. */
export const compositeNames = (): string[] => [...compositeTable.keys()]

/** One level of a composite's body: a node over the composite's own inputs. */
export const expandComposite = (node: Node<'composite'>): Node =>
  compositeRow(node.attrs.name).body(node.inputs, node.attrs.attrs)
