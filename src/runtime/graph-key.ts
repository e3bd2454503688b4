// keyGraph: roots -> the graph below them, flattened, with a key. Nodes that have a value are leaves, numbered in the order of the
// walk; leaves that are still pending are walked through, so that one program computes them along.
import type { DType } from '../base/dtype.ts'
import { hashSeed, mix } from '../base/hash.ts'
import { type Shape, sameShape } from '../base/shape.ts'
import { placeholder } from '../graph/builders.ts'
import type { Node, OpName } from '../graph/node.ts'
import { withInputs } from '../graph/substitute.ts'
import { type StoredValue, storedValueOf } from './stored-value.ts'

export interface KeyedGraph {
  readonly key: number
  /** number of the walk: nodes of this graph carry it until the next walk */
  readonly walk: number
  /** inputs before users; leaves included */
  readonly order: readonly Node[]
  /** for each node in order, its inputs' places; leaves have none, pending leaves have their expression's */
  readonly edges: readonly number[]
  /** buffers, in order of first visit */
  readonly leaves: readonly Node[]
  /** leaves that the program has to compute, in order */
  readonly pending: readonly StoredValue[]
}

interface Draft {
  key: number
  readonly walk: number
  readonly order: Node[]
  readonly edges: number[]
  readonly leaves: Node[]
  readonly pending: StoredValue[]
}

const leafMark = 0x1eaf
const pendingMark = 0x9e4d
const none: readonly Node[] = []
let walks = 0

export function keyGraph(roots: readonly Node[]): KeyedGraph {
  const draft: Draft = { key: hashSeed, walk: ++walks, order: [], edges: [], leaves: [], pending: [] }
  for (const root of roots) visit(draft, root)
  return draft
}

function visit(draft: Draft, root: Node): void {
  const { walk } = draft
  const stack = [root]
  while (stack.length > 0) {
    const node = stack[stack.length - 1]
    if (node.walk === walk) {
      stack.pop()
      continue
    }
    const value = storedValueOf(node)
    const below = inputsOf(node, value)
    const depth = stack.length
    for (let i = 0; i < below.length; i++) if (below[i].walk !== walk) stack.push(below[i])
    if (stack.length > depth) continue
    stack.pop()
    if (value === undefined || value.pending !== undefined) placeInner(draft, node, value, below)
    else placeLeaf(draft, node, value)
  }
}

/** What has to be known before the node: nothing for a value in memory. */
export const inputsOf = (node: Node, value: StoredValue | undefined): readonly Node[] =>
  value === undefined ? node.inputs : value.pending === undefined ? none : [value.pending]

function placeInner(draft: Draft, node: Node, value: StoredValue | undefined, below: readonly Node[]): void {
  node.walk = draft.walk
  node.place = draft.order.length
  draft.order.push(node)
  let key = mix(draft.key, value === undefined ? node.ownHash : pendingMark)
  for (let i = 0; i < below.length; i++) {
    const { place } = below[i]
    draft.edges.push(place)
    key = mix(key, place)
  }
  draft.key = key
  if (value !== undefined) draft.pending.push(value)
}

/** A value is one leaf, whether a node above it or its own buffer node names it. */
function placeLeaf(draft: Draft, node: Node, value: StoredValue): void {
  const leaf = value.node ?? node
  if (leaf.walk !== draft.walk) {
    leaf.walk = draft.walk
    leaf.place = draft.order.length
    draft.order.push(leaf)
    draft.leaves.push(leaf)
    draft.key = mix(mix(draft.key, leafMark), leaf.ownHash)
  }
  node.walk = draft.walk
  node.place = leaf.place
}

type PatternKind = 'leaf' | 'pending' | 'node'

interface PatternNode {
  readonly kind: PatternKind
  readonly op: OpName
  /** undefined for leaves */
  readonly attrs: unknown
  readonly shape: Shape
  readonly dtype: DType
}

/** What a cached program remembers of its graph: enough to be compared, nothing that keeps a value alive. */
export interface GraphPattern {
  readonly nodes: readonly PatternNode[]
  readonly edges: readonly number[]
}

const kindOf = (node: Node): PatternKind => {
  if (node.op !== 'buffer') return 'node'
  return storedValueOf(node)?.pending === undefined ? 'leaf' : 'pending'
}

export const patternOf = (graph: KeyedGraph): GraphPattern => ({
  edges: graph.edges,
  nodes: graph.order.map((node) => {
    const { op, shape, dtype } = node
    return { kind: kindOf(node), op, attrs: op === 'buffer' ? undefined : node.attrs, shape, dtype }
  }),
})

export function matchesPattern(graph: KeyedGraph, pattern: GraphPattern, exceptLiterals = false): boolean {
  if (graph.order.length !== pattern.nodes.length || !sameShape(graph.edges, pattern.edges)) return false
  for (let i = 0; i < graph.order.length; i++)
    if (!matchesNode(graph.order[i], pattern.nodes[i], exceptLiterals)) return false
  return true
}

function matchesNode(node: Node, pattern: PatternNode, exceptLiterals: boolean): boolean {
  if (node.op !== pattern.op || node.dtype !== pattern.dtype || !sameShape(node.shape, pattern.shape)) return false
  if (exceptLiterals && node.op === 'constant') return true
  return node.op === 'buffer' ? kindOf(node) === pattern.kind : sameValue(node.attrs, pattern.attrs)
}

/** Structural equality of attributes. */
function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && sameItems(a, b)
  if ('placeholders' in a || 'placeholders' in b) return sameBody(a as ScanBodyLike, b as ScanBodyLike)
  return sameFields(a as Record<string, unknown>, b as Record<string, unknown>)
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!sameValue(a[i], b[i])) return false
  return true
}

/** Every step of a plain loop compares all its nodes, so this makes no lists of keys. */
function sameFields(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  let missing = 0
  for (const key in a) {
    missing++
    if (!sameValue(a[key], b[key])) return false
  }
  for (const _ in b) missing--
  return missing === 0
}

interface ScanBodyLike {
  readonly hash?: number
  readonly placeholders?: readonly Node[]
  readonly outputs?: readonly Node[]
}

/** Bodies of loops are graphs of their own. */
function sameBody(a: ScanBodyLike, b: ScanBodyLike): boolean {
  if (a.hash !== b.hash || a.outputs === undefined || b.outputs === undefined) return false
  return matchesPattern(keyGraph(a.outputs), patternOf(keyGraph(b.outputs)))
}

/** The graph again, over placeholders: what a compiler may keep without keeping values alive. By place; constants at `literals` are leaves. */
export function detachedCopy(graph: KeyedGraph, literals: ReadonlySet<number>): Node[] {
  const copy: Node[] = []
  let edge = 0
  for (const node of graph.order) {
    const kind = kindOf(node)
    if (kind === 'leaf' || literals.has(copy.length)) copy.push(placeholder(node.shape, node.dtype))
    else if (kind === 'pending') copy.push(copy[graph.edges[edge++]])
    else
      copy.push(
        withInputs(
          node,
          Array.from(node.inputs, () => copy[graph.edges[edge++]]),
        ),
      )
  }
  return copy
}
