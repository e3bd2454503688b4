// What the next submission has to compute besides what it is asked for: written storages, live gradients, copies, and results that
// someone is likely to read. All lists are ordered and bounded; garbage collection has no say in what a program computes.
import type { Node } from '../graph/node.ts'
import type { Storage } from './storage.ts'
import { storedValueOf } from './stored-value.ts'

/** Results of modules that nobody read: the oldest are forgotten, and computed if they are read after all. */
const resultLimit = 16
/** Copies and effects must be computed; more than these are submitted at once. */
const owedLimit = 4096

interface Gradient {
  readonly node: Node
  readonly isLive: () => boolean
}

export interface Work {
  readonly effects: readonly Storage[]
  readonly wanted: readonly Node[]
}

const isKnown = (node: Node): boolean => storedValueOf(node)?.isReady ?? false

export class PendingWork {
  readonly #effects = new Set<Storage>()
  #gradients: Gradient[] = []
  #copies: Node[] = []
  #results: Node[] = []

  get effects(): ReadonlySet<Storage> {
    return this.#effects
  }

  get hasGradients(): boolean {
    return this.#gradients.some(({ node, isLive }) => !isKnown(node) && isLive())
  }

  get isFull(): boolean {
    return this.#effects.size + this.#copies.length > owedLimit
  }

  get #isEmpty(): boolean {
    return this.#effects.size + this.#gradients.length + this.#copies.length + this.#results.length === 0
  }

  addEffect(storage: Storage): void {
    this.#effects.add(storage)
  }

  addGradient(node: Node, isLive: () => boolean): void {
    this.#gradients.push({ node, isLive })
  }

  addCopy(node: Node): void {
    this.#copies.push(node)
  }

  addResult(node: Node): void {
    this.#results.push(node)
    if (this.#results.length > resultLimit) this.#results.shift()
  }

  /** Everything pending, and `roots`; nothing is pending afterwards. */
  take(roots: readonly Node[]): Work {
    if (this.#isEmpty) return { effects: [], wanted: roots.filter((node) => !isKnown(node)) }
    const live = this.#gradients.filter(({ isLive }) => isLive())
    const nodes = new Set([...roots, ...this.#results, ...live.map(({ node }) => node), ...this.#copies])
    const work = {
      effects: [...this.#effects].filter((storage) => !storage.leaf?.isReady),
      wanted: [...nodes].filter((node) => !isKnown(node)),
    }
    this.#clear()
    return work
  }

  /** Puts the effects back that a failed attempt took. */
  restore({ effects }: Work): void {
    for (const storage of effects) this.#effects.add(storage)
  }

  /** Forgets everything pending and takes pending writes back. */
  rollBack(): void {
    for (const storage of this.#effects) storage.rollBack()
    this.#clear()
  }

  #clear(): void {
    if (this.#isEmpty) return
    this.#effects.clear()
    this.#gradients = []
    this.#copies = []
    this.#results = []
  }
}
