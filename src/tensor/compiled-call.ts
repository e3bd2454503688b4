// A compiled call: a trace goes in; it becomes one program that runs again without tracing, as long as its guards hold.
import type { Node } from '../graph/node.ts'
import type { DeviceBuffer, Program } from '../runtime/device.ts'
import { type KeyedGraph, keyGraph } from '../runtime/graph-key.ts'
import type { GraphEntry, OutputPlace } from '../runtime/program-cache.ts'
import type { Session } from '../runtime/session.ts'
import type { Storage } from '../runtime/storage.ts'
import { newStorageId, StoredValue } from '../runtime/stored-value.ts'
import {
  type ArgumentPattern,
  type Arguments,
  argumentPattern,
  matchesArguments,
  settleLeaves,
} from './compile-arguments.ts'
import { makeTensor, type TensorCore } from './core.ts'
import { putTogether, type Skeleton, sameSkeleton } from './structure.ts'
import type { Tensor } from './tensor.ts'
import type { Guard, Source, Trace, Traced } from './trace.ts'

/** A storage that the program writes: found like a leaf, in place in slot `target` when the program reads it too. */
interface Write {
  readonly source: Source
  readonly node: Node
  readonly target: number | undefined
}

interface GradientResult {
  readonly of: TensorCore
  readonly after: Tensor | null
  /** whether the program computes `after` anew */
  readonly isComputed: boolean
}

type Result =
  | { readonly kind: 'argument'; readonly index: number }
  | { readonly kind: 'existing'; readonly tensor: Tensor }
  | { readonly kind: 'output'; readonly index: number; readonly requiresGrad: boolean }

/** Sorts what a trace found into what the program reads, writes and returns. */
interface Layout {
  readonly graph: KeyedGraph
  readonly sources: readonly Source[]
  readonly writes: readonly Write[]
  readonly gradients: readonly GradientResult[]
  readonly results: readonly Result[]
  readonly resultNodes: readonly Node[]
  readonly outputs: readonly OutputPlace[]
}

export class CompiledCall {
  readonly program: Program
  readonly #entry: GraphEntry
  readonly #session: Session
  readonly #arguments: ArgumentPattern
  readonly #guards: readonly Guard[]
  readonly #layout: Omit<Layout, 'graph'>
  readonly #skeleton: Skeleton

  constructor(trace: Trace, traced: Traced, args: Arguments) {
    const { graph, ...layout } = layOut(trace, traced, args)
    this.#session = trace.session
    this.#arguments = argumentPattern(args)
    this.#guards = trace.guards
    this.#layout = withoutGraph(layout)
    this.#skeleton = traced.skeleton
    this.#entry = this.#session.programs.entryOf(graph)
    this.#entry.pins++
    this.program = this.#session.programs.programOf(this.#entry, graph, layout.outputs)
  }

  /** The call will not be made again. */
  release(): void {
    this.#entry.pins--
  }

  matches(args: Arguments): boolean {
    return (
      args.session === this.#session &&
      matchesArguments(this.#arguments, argumentPattern(args)) &&
      this.#guards.every(({ read, value }) => Object.is(read(), value))
    )
  }

  /** Whether another trace of the same call did the same. */
  isSameAs(other: CompiledCall): boolean {
    const sources = (call: CompiledCall) => call.#layout.sources.map(describeSource).join()
    return this.program === other.program && sources(this) === sources(other) && sameSkeleton(this.#skeleton, other.#skeleton)
  }

  run(args: Arguments): unknown {
    const { sources, writes, gradients, results, resultNodes } = this.#layout
    const session = this.#session
    const storageOf = (source: Source): Storage => storageAt(source, args)!
    settleLeaves(session, [...sources, ...writes.map(({ source }) => source)].flatMap((source) => storageAt(source, args) ?? []))
    const leaves = sources.map((source) => valueAt(source, args).buffer)
    const written = writes.map((write) => new InPlace(session, storageOf(write.source), write.target !== undefined))
    const computed = gradients.filter(({ isComputed }) => isComputed)
    const graded = computed.map(({ after }) => new InPlace(session, after!.storage, false, leaves))
    const values = resultNodes.map((node) => session.allocateFor(node))
    const outputs = [...written.map(({ output }) => output), ...graded.map(({ output }) => output), ...values]
    const undo: (() => void)[] = []
    session.launch(this.program, { leaves, outputs }, undo)
    for (const each of [...written, ...graded]) undo.push(each.commit())
    for (const { of, after } of gradients) {
      const before = of.grad
      of.grad = after
      undo.push(() => {
        of.grad = before
      })
    }
    const made = resultNodes.map((node, i) => valueOf(node, values[i], undo))
    return putTogether(this.#skeleton, results.map((result) => this.#resultOf(result, args, made)))
  }

  #resultOf(result: Result, args: Arguments, made: readonly StoredValue[]): Tensor {
    if (result.kind === 'argument') return args.given[result.index]
    if (result.kind === 'existing') return result.tensor
    const { node } = made[result.index]
    // the gradients of what was computed inside can only be taken inside
    node.isSpent = result.requiresGrad
    return makeTensor(this.#session, node, result.requiresGrad)
  }
}

function valueOf(node: Node, buffer: DeviceBuffer, undo: (() => void)[]): StoredValue {
  const value = new StoredValue(node.shape, node.dtype, newStorageId(), 0)
  value.hold(buffer)
  undo.push(() => value.drop())
  return value
}

/** One storage that the program writes: into the buffer it has, where nobody else needs that. */
class InPlace {
  /** undefined: the buffer of a leaf */
  readonly output: DeviceBuffer | undefined
  readonly #storage: Storage
  readonly #buffer: DeviceBuffer
  readonly #old: StoredValue | undefined

  constructor(session: Session, storage: Storage, isTarget: boolean, inUse: readonly DeviceBuffer[] = []) {
    const { leaf } = storage
    const isOwn = leaf?.isReady && !storage.keepsVersions && !inUse.includes(leaf.buffer)
    this.#storage = storage
    this.#old = isOwn ? leaf : undefined
    this.#buffer = this.#old?.buffer ?? session.allocateFor(storage.node)
    this.output = isTarget ? undefined : this.#buffer
  }

  commit(): () => void {
    return this.#storage.commit(this.#buffer, this.#old)
  }
}

function storageAt(source: Source, args: Arguments): Storage | undefined {
  if (source.kind === 'argument') return args.storages[source.index]
  if (source.kind === 'gradient') return source.of.grad!.storage
  return source.kind === 'storage' ? source.storage : undefined
}

const valueAt = (source: Source, args: Arguments): StoredValue =>
  source.kind === 'value' ? source.value : storageAt(source, args)!.becomeLeaf()

const objectIds = new WeakMap<object, number>()
let nextObjectId = 1
function idOf(object: object): number {
  const id = objectIds.get(object) ?? nextObjectId++
  objectIds.set(object, id)
  return id
}

function describeSource(source: Source): string {
  if (source.kind === 'argument') return `argument ${source.index}`
  if (source.kind === 'gradient') return `gradient ${idOf(source.of)}`
  return source.kind === 'storage' ? `storage ${source.storage.id}` : `value ${source.value.storage}`
}

// --- from a trace to a layout -----------------------------------------------------------------------------------------------

function layOut(trace: Trace, traced: Traced, args: Arguments): Layout & { graph: KeyedGraph } {
  const computed = traced.gradients.filter(({ node }) => node !== undefined)
  const results: Result[] = []
  const resultNodes: Node[] = []
  for (const { tensor, node, isNew } of traced.results) {
    const index = args.tensors.indexOf(tensor)
    if (index >= 0) results.push({ kind: 'argument', index })
    else if (!isNew && !args.storages.includes(tensor.storage)) results.push({ kind: 'existing', tensor })
    else results.push({ kind: 'output', index: resultNodes.push(node) - 1, requiresGrad: tensor.requiresGrad })
  }
  const graph = keyGraph([...traced.writes.map(({ node }) => node), ...computed.map(({ node }) => node!), ...resultNodes])
  const writes = traced.writes.map(({ storage, node }) => writeOf(trace, graph, storage, node))
  const outputs = [
    ...writes.map(({ node, target }) => ({ place: node.place, persistent: true, target })),
    ...computed.map(({ node }) => ({ place: node!.place, persistent: true })),
    ...resultNodes.map(({ place }) => ({ place, persistent: false })),
  ]
  const gradients = traced.gradients
    .filter(({ before, after }) => before !== after || after === null)
    .map(({ of, after, node }) => ({ of, after, isComputed: node !== undefined }))
  return { graph, sources: graph.leaves.map((leaf) => trace.sourceOf(leaf)), writes, gradients, results, resultNodes, outputs }
}

function writeOf(trace: Trace, graph: KeyedGraph, storage: Storage, node: Node): Write {
  const leaf = trace.leafOf(storage)
  const slot = storage.keepsVersions ? -1 : graph.leaves.indexOf(leaf)
  return { source: trace.sourceOf(leaf), node, target: slot < 0 ? undefined : slot }
}

/** Nodes of results and writes stand for shapes only from here on: they must not keep the values of the first call alive. */
function withoutGraph<T extends Omit<Layout, 'graph'>>(layout: T): T {
  return layout
}
