// The space of a tile kernel: one axis per dimension of its contract. Values computed from the result, element by element, are indexed by it;
// `schedule` asks whether a node fits, `lower` where its elements are.

import type { Node } from '../graph/node.ts'
import { opTable } from '../graph/op-table.ts'
import { type Affine, linearIndex, sameIndex, unravel } from './lower/index-algebra.ts'
import { isMovement, moveIndices } from './lower/index-map.ts'
import type { KernelGroup } from './schedule-types.ts'

/** Index vectors of nodes over the contract's own indices. */
export class TileSpace {
  readonly #indices = new Map<Node, readonly Affine[]>()

  constructor(contract: Node, indices: readonly Affine[]) {
    this.#indices.set(contract, indices)
  }

  indicesOf(node: Node): readonly Affine[] | undefined {
    return this.#indices.get(node)
  }

  /**
   * Adds a node computed from members and from memory, if it has one element for each element of the contract and reads every member there.
   * `leads` tells nodes without memory through which members are read.
   */
  admit(node: Node, leads: (node: Node) => boolean): boolean {
    const indices = this.#forward(node, leads)
    if (!indices || !this.#agrees(node, indices, leads)) return false
    this.#indices.set(node, indices)
    return true
  }

  /** The node's indices, following the first input that comes from the contract. */
  #forward(node: Node, leads: (node: Node) => boolean): readonly Affine[] | undefined {
    const known = this.#indices.get(node)
    if (known) return known
    const input = node.inputs.find((one) => this.#indices.has(one) || leads(one))
    const below = input && this.#forward(input, leads)
    if (!below) return undefined
    switch (node.op) {
      case 'reshape':
        return unravel(linearIndex(below, input.shape), node.shape)
      case 'permute':
        return node.attrs.axes.map((axis) => below[axis])
      default:
        return opTable[node.op].family === 'elementwise' ? below : undefined
    }
  }

  #agrees(node: Node, indices: readonly Affine[], leads: (node: Node) => boolean): boolean {
    const sources = isMovement(node) ? moveIndices(node, indices) : node.inputs.map((input) => ({ input, indices }))
    return sources.every(({ input, indices: moved }) => {
      const member = this.#indices.get(input)
      if (member) return member.every((index, axis) => sameIndex(index, moved[axis]))
      if (!leads(input)) return true
      return (input.op === 'reshape' || input.op === 'permute') && this.#agrees(input, moved, leads)
    })
  }
}

/** The space of a tile group over given indices of its contract, with every node computed from the result admitted. */
export function spaceOfGroup(group: KernelGroup, indices: readonly Affine[]): TileSpace {
  const contract = group.anchorNode!
  const space = new TileSpace(contract, indices)
  const reading = new Set<Node>([contract])
  for (const node of group.inner) if (node.inputs.some((input) => reading.has(input))) reading.add(node)
  for (const node of group.inner)
    if (node !== contract && reading.has(node)) space.admit(node, (below) => reading.has(below))
  return space
}
