// A cluster: the nodes that one kernel will compute around its anchor, and which clusters must have run before it.
import type { Shape } from '../../base/shape.ts'
import { elementsOf, type Node } from '../../graph/node.ts'
import { axisIndex, makeAxis } from '../lower/index-algebra.ts'
import type { Anchor } from '../schedule-types.ts'
import { TileSpace } from '../tile-space.ts'
import { axisTags, followsRow } from './row-space.ts'

export interface RowSpace {
  /** the full iteration shape, without axes of size 1 */
  readonly full: Shape
  /** which of those axes are reduced */
  readonly reduced: readonly boolean[]
}

export class Cluster {
  readonly id: number
  readonly anchor: Anchor
  readonly anchorNode: Node
  readonly row: RowSpace | undefined
  readonly tile: TileSpace | undefined
  readonly members = new Set<Node>()
  /** members of a row cluster that sum over its rows instead of along them, and reshapes of these: nothing inside reads them */
  readonly across = new Set<Node>()
  /** ids of the clusters that must run before this one, transitively */
  readonly before = new Set<number>()

  constructor(id: number, anchor: Anchor, anchorNode: Node, row?: RowSpace) {
    this.id = id
    this.anchor = anchor
    this.anchorNode = anchorNode
    this.row = row
    this.tile = anchor === 'tile' ? new TileSpace(anchorNode, freshIndices(anchorNode)) : undefined
    this.members.add(anchorNode)
  }
}

const freshIndices = (node: Node) => node.shape.map((extent, axis) => axisIndex(makeAxis(`x${axis}`, extent)))

/** Row space of a reduce: its input's shape and which axes it folds, both without axes of size 1. */
export function rowSpaceOf(reduce: Extract<Node, { readonly op: 'reduce' }>): RowSpace {
  const shape = reduce.inputs[0].shape
  const axes = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1)
  return { full: axes.map((axis) => shape[axis]), reduced: axes.map((axis) => reduce.attrs.axes.includes(axis)) }
}

export const sameRowSpace = (a: RowSpace, b: RowSpace): boolean =>
  a.full.length === b.full.length && a.full.every((n, i) => n === b.full[i] && a.reduced[i] === b.reduced[i])

/** Sums over fewer rows, or of fewer elements in all, are quick by themselves; wider ones would not stay in a block's own cache. */
const fewestRows = 64
const fewestElements = 32768
const widestRow = 8192

const isOrthogonal = (a: RowSpace, b: RowSpace): boolean =>
  a.full.length === b.full.length && a.full.every((n, i) => n === b.full[i] && a.reduced[i] !== b.reduced[i])

/** Whether a sum over the rows of a cluster reads it along the same rows, so that blocks of rows can add it up while they pass. */
export function sumsAcross(
  node: Extract<Node, { readonly op: 'reduce' }>,
  cluster: Cluster,
  leads: (node: Node) => boolean,
): boolean {
  const { row } = cluster
  if (!row || node.attrs.kind !== 'sum' || !row.reduced.at(-1) || !isOrthogonal(rowSpaceOf(node), row)) return false
  const width = row.full.reduce((size, extent, i) => (row.reduced[i] ? size * extent : size), 1)
  if (width > widestRow || elementsOf(node.inputs[0]) < Math.max(fewestElements, fewestRows * width)) return false
  return followsRow(node, [], cluster, leads)
}

/**
 * Whether every path from `node` into the cluster keeps to its iteration space: a bijection for tiles; for rows the same row, whole or
 * broadcast. `leads` tells nodes without memory through which members are read. A tile's space remembers what it admits.
 */
export function staysInSpace(node: Node, cluster: Cluster, leads: (node: Node) => boolean): boolean {
  if (cluster.row) return followsRow(node, axisTags(node, cluster.row), cluster, leads)
  return (
    cluster.tile !== undefined && elementsOf(node) === elementsOf(cluster.anchorNode) && cluster.tile.admit(node, leads)
  )
}
