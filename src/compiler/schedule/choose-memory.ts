// Decides which nodes get memory: what leaves its cluster, what is shared and dear, what a kernel cannot take inline.
import { elementsOf, type Node } from '../../graph/node.ts'
import { opTable } from '../../graph/op-table.ts'
import { nodeBytes } from '../plan-memory.ts'
import type { Target } from '../target.ts'
import type { Cluster } from './cluster.ts'
import { balanceFor, weightOf } from './cost.ts'
import type { Clusters } from './form-clusters.ts'

/** Inlined work an element may carry into a packing loop, and the most nodes one inlined expression may hold. */
const packingWeight = 8
const expressionLimit = 256
/** How many elements of a shared value one kernel may compute for an element of its own: running sums double it at every step. */
const pathLimit = 16

export interface MemoryChoice {
  /** cluster members that get memory because something outside their cluster reads them */
  readonly exported: ReadonlySet<Node>
  /** virtual nodes that get a map kernel of their own */
  readonly roots: ReadonlySet<Node>
}

export function chooseMemory(
  order: readonly Node[],
  outputs: ReadonlySet<Node>,
  clusters: Clusters,
  target: Target,
): MemoryChoice {
  return new MemoryChooser(order, outputs, clusters, target).choose()
}

/** Whether an expand repeats along the innermost axes only: its value is then computed once, outside the inner loop. */
function repeatsInnermost(node: Node, expand: Node): boolean {
  if (expand.op !== 'expand') return false
  const last = expand.shape.findLastIndex((extent) => extent !== 1)
  return last < 0 || node.shape[last] === 1
}

/** Work and size of what inlining a node brings along. */
interface Expression {
  readonly weight: number
  readonly nodes: number
}

/** Who evaluates a virtual node: a cluster, or the root of a map kernel. */
type Reader = Cluster | Node

class MemoryChooser {
  readonly #order: readonly Node[]
  readonly #outputs: ReadonlySet<Node>
  readonly #clusters: Clusters
  readonly #target: Target
  readonly #users = new Map<Node, Node[]>()
  readonly #readers = new Map<Node, Set<Reader>>()
  /** as trees, shared parts counted again at each use: upper bounds, and all that most decisions need */
  readonly #trees = new Map<Node, Expression>()
  readonly #exact = new Map<Node, Expression>()
  readonly #spreads = new Map<Node, number>()
  readonly #paths = new Map<Node, number>()
  readonly #exported = new Set<Node>()
  readonly #roots = new Set<Node>()

  constructor(order: readonly Node[], outputs: ReadonlySet<Node>, clusters: Clusters, target: Target) {
    this.#order = order
    this.#outputs = outputs
    this.#clusters = clusters
    this.#target = target
    for (const node of order)
      for (const input of new Set(node.inputs)) {
        const users = this.#users.get(input)
        if (users) users.push(node)
        else this.#users.set(input, [node])
      }
  }

  choose(): MemoryChoice {
    for (const node of this.#order) this.#measure(node)
    for (let i = this.#order.length - 1; i >= 0; i--) {
      const node = this.#order[i]
      if (node.op === 'buffer') continue
      const cluster = this.#clusters.of.get(node)
      const readers = this.#readersOf(node)
      if (cluster) {
        readers.delete(cluster)
        if (this.#outputs.has(node) || readers.size > 0) this.#exported.add(node)
      } else if (this.#outputs.has(node) || this.#needsMemory(node, readers)) {
        this.#roots.add(node)
      }
    }
    return { exported: this.#exported, roots: this.#roots }
  }

  #isInlined(node: Node): boolean {
    return node.op !== 'buffer' && !this.#clusters.of.has(node)
  }

  #measure(node: Node): void {
    let weight = weightOf(node)
    let nodes = 1
    for (const input of node.inputs) {
      if (!this.#isInlined(input)) continue
      const below = this.#trees.get(input)!
      weight += below.weight
      nodes += below.nodes
    }
    this.#trees.set(node, { weight, nodes })
  }

  /** What the node brings along when its shared parts count once. */
  #measureExactly(node: Node): Expression {
    let measured = this.#exact.get(node)
    if (measured !== undefined) return measured
    const seen = new Set([node])
    let weight = 0
    for (const one of seen) {
      weight += weightOf(one)
      for (const input of one.inputs) if (this.#isInlined(input)) seen.add(input)
    }
    measured = { weight, nodes: seen.size }
    this.#exact.set(node, measured)
    return measured
  }

  #readersOf(node: Node): Set<Reader> {
    const readers = new Set<Reader>()
    for (const user of this.#users.get(node) ?? []) {
      const cluster = this.#clusters.of.get(user)
      if (cluster) readers.add(cluster)
      else if (this.#roots.has(user)) readers.add(user)
      else for (const reader of this.#readers.get(user) ?? []) readers.add(reader)
    }
    this.#readers.set(node, readers)
    return readers
  }

  #needsMemory(node: Node, readers: ReadonlySet<Reader>): boolean {
    const family = opTable[node.op].family
    if (family === 'leaf' || readers.size === 0) return false
    const tree = this.#trees.get(node)!
    const measure = (): Expression => this.#measureExactly(node)
    if (tree.nodes > expressionLimit && weightOf(node) > 0 && measure().nodes > expressionLimit) return true
    if (tree.weight === 0) return this.#isHardToRead(node)
    if (this.#pathsOf(node) > pathLimit) return true
    if (tree.weight > packingWeight && this.#feedsPacking(node) && measure().weight > packingWeight) return true
    if (this.#isReadAtRandom(node)) return true
    const isCheap = (weight: number): boolean => this.#isCheaperTwice(node, weight, readers.size)
    return !isCheap(tree.weight) && !isCheap(measure().weight)
  }

  /** (evaluations - 1) x weighted flops < bytes saved x balance: then computing again beats memory. */
  #isCheaperTwice(node: Node, weight: number, readers: number): boolean {
    const elements = elementsOf(node)
    const evaluations = readers * this.#spread(node)
    if (evaluations <= 1 || elements <= 1) return true
    const bytes = nodeBytes(node)
    const saved = bytes * (1 + readers)
    return (evaluations - 1) * weight * elements < saved * balanceFor(bytes, this.#target.l3)
  }

  /** How many times readers evaluate each element, through nodes that only move it: taps of a window, copies of an expand. */
  #spread(node: Node): number {
    const known = this.#spreads.get(node)
    if (known !== undefined) return known
    let spread = 1
    for (const user of this.#users.get(node) ?? []) {
      if (weightOf(user) > 0 && user.op !== 'gather') continue
      if (this.#clusters.of.has(user) || repeatsInnermost(node, user)) continue
      const copies = elementsOf(user) / Math.max(1, elementsOf(node))
      spread = Math.max(spread, Math.min(64, copies * this.#spread(user)))
    }
    this.#spreads.set(node, spread)
    return spread
  }

  /** At how many different indices a reader evaluates the node: users that move it ask for another index each. */
  #pathsOf(node: Node): number {
    const known = this.#paths.get(node)
    if (known !== undefined) return known
    let [inPlace, moved] = [0, 0]
    for (const user of this.#users.get(node) ?? []) {
      const paths = this.#clusters.of.has(user) || this.#roots.has(user) ? 1 : this.#pathsOf(user)
      if (opTable[user.op].family === 'movement') moved += paths
      else inPlace = Math.max(inPlace, paths)
    }
    this.#paths.set(node, inPlace + moved)
    return inPlace + moved
  }

  #feedsPacking(node: Node): boolean {
    return (this.#users.get(node) ?? []).some(
      (user) =>
        user.op === 'contract' ||
        user.op === 'composite' ||
        (weightOf(user) === 0 && !this.#clusters.of.has(user) && this.#feedsPacking(user)),
    )
  }

  /** A gather from a computed source would compute the source again for every index. */
  #isReadAtRandom(node: Node): boolean {
    return (this.#users.get(node) ?? []).some(
      (user) => user.op === 'gather' && user.inputs[0] === node && elementsOf(user) * 4 > elementsOf(node),
    )
  }

  /** Concatenations nest a choice per element into every reader. */
  #isHardToRead(node: Node): boolean {
    return node.op === 'concat' && this.#feedsPacking(node)
  }
}
