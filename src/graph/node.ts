// The tensor graph: immutable nodes with inferred shape and dtype and a structural hash; built by `makeNode`, described by the op table.
import type { DType } from '../base/dtype.ts'
import { hashSeed, mix, mixString, mixValue } from '../base/hash.ts'
import type { ReduceKind, Scalar } from '../base/scalar.ts'
import { type Shape, sizeOf } from '../base/shape.ts'

export type { ReduceKind, Scalar }

export type ScatterKind = 'set' | ReduceKind
type None = Readonly<Record<never, never>>

/** Names one version of one storage. Its identity, not its fields, is what two graphs share. */
export interface Leaf {
  readonly storage: number
  readonly version: number
}

/**
 * Attributes of each primitive. Elementwise primitives take inputs of one shape and one dtype (`where`: a bool first, `cast`: any);
 * broadcasting and promotion are explicit `expand` and `cast` nodes, put there by the builders.
 */
export interface Attrs {
  // leaves
  /** a 0-d value */
  constant: { readonly value: Scalar; readonly dtype: DType }
  buffer: { readonly leaf: Leaf; readonly shape: Shape; readonly dtype: DType }
  /** 0, 1, … size-1, one-dimensional */
  iota: { readonly size: number; readonly dtype: DType }
  // elementwise
  sqrt: None
  exp: None
  log: None
  sin: None
  cos: None
  floor: None
  cast: { readonly dtype: DType }
  /** same bytes per element */
  bitcast: { readonly dtype: DType }
  add: None
  mul: None
  /** a * b + c of floats, rounded once where the processor can: for the polynomials of functions; sums and products of users stay apart */
  multiplyAdd: None
  /** floats: IEEE; integers: truncating, and 0 for a divisor of 0 */
  div: None
  /** remainder with the divisor's sign; integers: 0 for a divisor of 0 */
  mod: None
  pow: None
  max: None
  less: None
  equal: None
  and: None
  or: None
  xor: None
  shiftLeft: None
  /** arithmetic for signed dtypes */
  shiftRight: None
  /** condition, then, otherwise */
  where: None
  // movement
  reshape: { readonly shape: Shape }
  permute: { readonly axes: readonly number[] }
  /** same rank; axes of size 1 grow */
  expand: { readonly shape: Shape }
  pad: { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: Scalar }
  /** output i along an axis reads start + i * step; steps may be negative; sizes are the output's */
  slice: { readonly starts: readonly number[]; readonly sizes: readonly number[]; readonly steps: readonly number[] }
  /** axis of n becomes count = floor((n - dilation*(size-1) - 1)/stride) + 1, and a new last axis holds the `size` taps */
  window: { readonly axis: number; readonly size: number; readonly stride: number; readonly dilation: number }
  concat: { readonly axis: number }
  // aggregate
  /** keeps the reduced axes, with size 1; max and min propagate NaN */
  reduce: { readonly kind: ReduceKind; readonly axes: readonly number[] }
  /** a [batch…, m…, k…] with b [batch…, n…, k…] gives [batch…, m…, n…]: `batch` leading and `contracted` trailing axes are shared */
  contract: { readonly batch: number; readonly contracted: number }
  // index
  /** torch.gather: inputs x, index (int32 or int64, same rank); out has index's shape; negative or too large is an IndexError in the name of `caller`, see `indexOutOfRange` */
  gather: { readonly axis: number; readonly caller: string }
  /** torch.scatter on (base, index, source); index and source have one shape; `kind` combines in source order */
  scatter: { readonly axis: number; readonly kind: ScatterKind; readonly caller: string }
  // structure
  /** steps a body over axis 0 of the sequences; see ops/structure.ts */
  scan: { readonly body: ScanBody; readonly result: number }
  /** a named function of its inputs whose body, in primitives, is in the composite table */
  composite: { readonly name: string; readonly attrs: CompositeAttrs; readonly shape: Shape; readonly dtype: DType }
  /** inputs (target buffer, value); only at program boundaries */
  assign: None
  /** a contiguous, materialised copy */
  copy: None
  collective: { readonly kind: 'sum'; readonly group: string }
}

export type CompositeAttrs = Readonly<Record<string, unknown>>

/**
 * Body of a scan, over placeholder buffers: carries then slices of sequences (axis 0 removed) then constants go in,
 * next carries then stacked outputs come out. Node inputs are [carries…, sequences…, constants…]; `result` picks an output:
 * r < carries is the final carry r, otherwise the stacked output r - carries. Nodes that differ in `result` only are one loop.
 */
export interface ScanBody {
  readonly carries: number
  readonly sequences: number
  readonly length: number
  readonly reverse: boolean
  readonly placeholders: readonly Node[]
  readonly outputs: readonly Node[]
  readonly hash: number
}

export type OpName = keyof Attrs

export interface NodeFields<K extends OpName> {
  readonly op: K
  readonly inputs: readonly Node[]
  readonly attrs: Attrs[K]
  readonly shape: Shape
  readonly dtype: DType
  /** order of creation; inputs always have smaller ids */
  readonly id: number
  /** structural: equal for equal graphs, whatever storages their leaves name */
  readonly hash: number
  /** longest path to a leaf or to a node that already had its value */
  readonly depth: number
  /** of op, attrs, shape and dtype, whatever the inputs */
  readonly ownHash: number
  /** where the value is, once a program has written it; set by the runtime, invisible to structure */
  value: Leaf | undefined
  /** a backward pass has used up its graph: nobody may differentiate it again, and its history is not needed once it has a value */
  isSpent: boolean
  /** marks of the runtime's walks: which walk came here last, and the place it gave this node */
  walk: number
  place: number
  /** which program's graph computed this node without outputting it, and its place there */
  origin: object | undefined
  originPlace: number
}

export type Node<K extends OpName = OpName> = { [P in K]: NodeFields<P> }[K]

const opHashes = new Map<string, number>()
function opHash(op: string): number {
  let hash = opHashes.get(op)
  if (hash === undefined) {
    hash = mixString(hashSeed, op)
    opHashes.set(op, hash)
  }
  return hash
}

const dtypeHashes = new Map<DType, number>()
function dtypeHash(dtype: DType): number {
  let hash = dtypeHashes.get(dtype)
  if (hash === undefined) {
    hash = mixString(hashSeed, dtype)
    dtypeHashes.set(dtype, hash)
  }
  return hash
}

class GraphNode {
  readonly op: OpName
  readonly inputs: readonly Node[]
  readonly attrs: unknown
  readonly shape: Shape
  readonly dtype: DType
  readonly id: number
  readonly hash: number
  readonly depth: number
  readonly ownHash: number
  value: Leaf | undefined
  isSpent: boolean
  walk: number
  place: number
  origin: object | undefined
  originPlace: number

  constructor(op: OpName, inputs: readonly Node[], attrs: unknown, shape: Shape, dtype: DType) {
    let hash = mix(opHash(op), dtypeHash(dtype))
    let depth = 0
    for (const extent of shape) hash = mix(hash, extent)
    // a buffer's leaf is identity, not structure: keys add the pattern of identities
    if (op !== 'buffer') hash = mixValue(hash, attrs)
    this.ownHash = hash
    for (const input of inputs) {
      hash = mix(hash, input.hash)
      if (input.value === undefined && input.depth >= depth) depth = input.depth + 1
    }
    this.hash = hash
    this.op = op
    this.inputs = inputs
    this.attrs = attrs
    this.shape = shape
    this.dtype = dtype
    this.depth = depth
    this.id = nextId++
    this.value = undefined
    this.isSpent = false
    this.walk = 0
    this.place = 0
    this.origin = undefined
    this.originPlace = 0
  }
}

let nextId = 0

/** Makes a node of known shape and dtype. Builders call this after the op row's `infer` accepted the inputs. */
export function makeNode<K extends OpName>(
  op: K,
  inputs: readonly Node[],
  attrs: Attrs[K],
  shape: Shape,
  dtype: DType,
): Node<K> {
  return new GraphNode(op, inputs, attrs, shape, dtype) as unknown as Node<K>
}

export const isOp = <K extends OpName>(node: Node, op: K): node is Extract<Node, { readonly op: K }> => node.op === op
export const elementsOf = (node: Node): number => sizeOf(node.shape)

/** Every node that `roots` reach, inputs before users; `stop` cuts the walk below a node. */
export function topologicalOrder(roots: readonly Node[], stop?: (node: Node) => boolean): Node[] {
  const order: Node[] = []
  const seen = new Set<Node>()
  const stack: Node[] = []
  for (const root of roots) {
    stack.push(root)
    while (stack.length > 0) {
      const node = stack[stack.length - 1]
      if (seen.has(node)) {
        stack.pop()
        continue
      }
      const before = stack.length
      if (!stop?.(node)) for (const input of node.inputs) if (!seen.has(input)) stack.push(input)
      if (stack.length === before) {
        stack.pop()
        seen.add(node)
        order.push(node)
      }
    }
  }
  return order
}
