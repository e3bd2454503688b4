// Walks the graph once, inputs first, and lets each node found a cluster (contract, reduce, scatter, scan, composite), join one, or stay virtual.
import { sizeOf } from '../../base/shape.ts'
import { elementsOf, isOp, type Node } from '../../graph/node.ts'
import { sameData } from '../simplify/intern.ts'
import { Cluster, rowSpaceOf, sameRowSpace, staysInSpace, sumsAcross } from './cluster.ts'
import { weightOf } from './cost.ts'

/** More operands than this in one kernel stop paying: registers and pages run out. */
const memberLimit = 160

export interface Clusters {
  readonly list: Cluster[]
  readonly of: ReadonlyMap<Node, Cluster>
}

export function formClusters(order: readonly Node[], outputs: ReadonlySet<Node>, fuse: boolean): Clusters {
  return new ClusterBuilder(outputs, fuse).build(order)
}

class ClusterBuilder {
  readonly #outputs: ReadonlySet<Node>
  readonly #fuse: boolean
  readonly #list: Cluster[] = []
  readonly #of = new Map<Node, Cluster>()
  /** clusters that a virtual node reads from, through virtual nodes */
  readonly #reads = new Map<Node, ReadonlySet<Cluster>>()

  constructor(outputs: ReadonlySet<Node>, fuse: boolean) {
    this.#outputs = outputs
    this.#fuse = fuse
  }

  build(order: readonly Node[]): Clusters {
    for (const node of order) {
      if (this.#founds(node)) continue
      if (this.#fuse && this.#mayBeMember(node) && this.#joinsInput(node)) continue
      this.#reads.set(node, this.#clustersBelow(node))
    }
    return { list: this.#list, of: this.#of }
  }

  /** Elementwise work, and results that a program wants in another shape or order: the kernel can store them so. */
  #mayBeMember(node: Node): boolean {
    if (weightOf(node) > 0) return true
    return this.#outputs.has(node) && (node.op === 'reshape' || node.op === 'permute')
  }

  /** Anchors open a cluster of their own, unless a reduce or a sibling scan fits one that is open. */
  #founds(node: Node): boolean {
    switch (node.op) {
      case 'contract':
        this.#open(new Cluster(this.#list.length, 'tile', node))
        return true
      case 'scatter':
        this.#open(new Cluster(this.#list.length, 'scatter', node))
        return true
      case 'scan':
      case 'composite': {
        const sibling = this.#list.find((c) => areResultsOfOne(c.anchorNode, node))
        if (sibling) this.#add(sibling, node)
        else this.#open(new Cluster(this.#list.length, node.op, node))
        return true
      }
      case 'reduce': {
        if (!this.#fuse || !(this.#joinsRow(node) || this.#joinsAcross(node)))
          this.#open(new Cluster(this.#list.length, 'row', node, rowSpaceOf(node)))
        return true
      }
      default:
        return false
    }
  }

  #open(cluster: Cluster): void {
    this.#list.push(cluster)
    this.#of.set(cluster.anchorNode, cluster)
    for (const below of this.#clustersBelow(cluster.anchorNode)) this.#runAfter(cluster, below)
  }

  #add(cluster: Cluster, node: Node): void {
    cluster.members.add(node)
    if (isPartOfAcross(node, cluster)) cluster.across.add(node)
    this.#of.set(node, cluster)
    for (const below of this.#clustersBelow(node)) if (below !== cluster) this.#runAfter(cluster, below)
  }

  /** `cluster`, and all that come after it, come after `first` and all before that. */
  #runAfter(cluster: Cluster, first: Cluster): void {
    if (cluster.before.has(first.id)) return
    const added = [first.id, ...first.before]
    for (const other of this.#list)
      if (other === cluster || other.before.has(cluster.id)) for (const id of added) other.before.add(id)
  }

  #clustersBelow(node: Node): ReadonlySet<Cluster> {
    const result = new Set<Cluster>()
    for (const input of node.inputs) {
      const own = this.#of.get(input)
      if (own) result.add(own)
      else for (const cluster of this.#reads.get(input) ?? []) result.add(cluster)
    }
    return result
  }

  /** Adding `node` must not make the cluster wait for something that waits for it, and must keep to its space. */
  #mayJoin(node: Node, cluster: Cluster): boolean {
    if (this.#isTooLate(node, cluster)) return false
    return (
      isPartOfAcross(node, cluster) ||
      isRowReshaped(node, cluster) ||
      staysInSpace(node, cluster, this.#leadsInto(cluster))
    )
  }

  #isTooLate(node: Node, cluster: Cluster): boolean {
    if (cluster.members.size >= memberLimit || elementsOf(node) === 0) return true
    for (const below of this.#clustersBelow(node)) if (below !== cluster && below.before.has(cluster.id)) return true
    return false
  }

  #leadsInto(cluster: Cluster): (node: Node) => boolean {
    return (below) => this.#reads.get(below)?.has(cluster) ?? false
  }

  #joinsInput(node: Node): boolean {
    const below = [...this.#clustersBelow(node)].sort((a, b) => b.id - a.id)
    for (const cluster of below)
      if (this.#mayJoin(node, cluster)) {
        this.#add(cluster, node)
        return true
      }
    return false
  }

  /** A reduce joins a row cluster of the same space that it reads from, or that reads what it reads. */
  #joinsRow(node: Extract<Node, { readonly op: 'reduce' }>): boolean {
    const space = rowSpaceOf(node)
    const below = this.#clustersBelow(node)
    for (let i = this.#list.length - 1; i >= 0; i--) {
      const cluster = this.#list[i]
      if (!cluster.row || !sameRowSpace(cluster.row, space)) continue
      if (!below.has(cluster) && !sharesInput(node, cluster)) continue
      if (!this.#mayJoin(node, cluster)) continue
      this.#add(cluster, node)
      return true
    }
    return false
  }

  /** A sum over rows joins the cluster that passes over them: gradients of a norm's weight and bias, of a bias. */
  #joinsAcross(node: Extract<Node, { readonly op: 'reduce' }>): boolean {
    const below = this.#clustersBelow(node)
    for (let i = this.#list.length - 1; i >= 0; i--) {
      const cluster = this.#list[i]
      if (!cluster.row || !(below.has(cluster) || sharesInput(node, cluster)) || this.#isTooLate(node, cluster))
        continue
      if (!sumsAcross(node, cluster, this.#leadsInto(cluster))) continue
      cluster.across.add(node)
      this.#add(cluster, node)
      return true
    }
    return false
  }
}

/** A reshape of what a row cluster sums over its rows. */
const isPartOfAcross = (node: Node, cluster: Cluster): boolean =>
  node.op === 'reshape' && cluster.across.has(node.inputs[0])

/** What a row cluster computes for each element, as a program wants it: axes may be cut and joined anywhere. */
function isRowReshaped(node: Node, { row, members, across }: Cluster): boolean {
  if (!row || node.op !== 'reshape') return false
  const [input] = node.inputs
  return members.has(input) && !across.has(input) && elementsOf(input) === sizeOf(row.full)
}

/** Loops and composites that differ in the result they name only are computed together. */
function areResultsOfOne(a: Node, b: Node): boolean {
  if (a.inputs.length !== b.inputs.length || !a.inputs.every((input, i) => input === b.inputs[i])) return false
  if (isOp(a, 'scan') && isOp(b, 'scan')) return a.attrs.body === b.attrs.body
  if (!isOp(a, 'composite') || !isOp(b, 'composite') || a.attrs.name !== b.attrs.name) return false
  return sameData({ ...a.attrs.attrs, result: 0 }, { ...b.attrs.attrs, result: 0 })
}

function sharesInput(node: Node, cluster: Cluster): boolean {
  const sources = sourcesOf(node)
  for (const member of cluster.members)
    if (member.op === 'reduce') for (const source of sourcesOf(member)) if (sources.has(source)) return true
  return false
}

/** Nodes that a reduce reads directly, or one elementwise step above. */
function sourcesOf(node: Node): Set<Node> {
  const result = new Set<Node>()
  for (const input of node.inputs) {
    result.add(input)
    for (const above of input.inputs) if (elementsOf(above) === elementsOf(input)) result.add(above)
  }
  return result
}
