// A compiled call: a trace goes in; it becomes one program that runs again without tracing, as long as its guards hold.
import type { DType } from '../base/dtype.ts'
import type { Shape } from '../base/shape.ts'
import type { Node } from '../graph/node.ts'
import type { DeviceBuffer, Program } from '../runtime/device.ts'
import type { GraphEntry } from '../runtime/graph-entry.ts'
import { type KeyedGraph, keyGraph } from '../runtime/graph-key.ts'
import { literalBuffers } from '../runtime/literals.ts'
import type { OutputPlace } from '../runtime/program-cache.ts'
import type { Session } from '../runtime/session.ts'
import type { Storage } from '../runtime/storage.ts'
import { Holding, newStorageId, StoredValue } from '../runtime/stored-value.ts'
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

/** What the program reads, writes and returns. Nothing here keeps the values of the first call alive. */
interface Layout {
  readonly sources: readonly Source[]
  readonly writes: readonly Write[]
  readonly gradients: readonly GradientResult[]
  readonly computedGradients: readonly GradientResult[]
  readonly results: readonly Result[]
  readonly resultTypes: readonly ValueType[]
}

interface ValueType {
  readonly shape: Shape
  readonly dtype: DType
}

export class CompiledCall {
  readonly program: Program
  readonly #entry: GraphEntry
  readonly #session: Session
  readonly #arguments: ArgumentPattern
  readonly #guards: readonly Guard[]
  readonly #layout: Layout
  /** constants that other calls of the program have other values of */
  readonly #literals: readonly Node[]
  readonly #skeleton: Skeleton

  constructor(trace: Trace, traced: Traced, args: Arguments) {
    const { graph, outputs, layout } = layOut(trace, traced, args)
    this.#session = trace.session
    this.#arguments = argumentPattern(args)
    this.#guards = trace.guards
    this.#layout = layout
    this.#skeleton = traced.skeleton
    this.#entry = this.#session.programs.entryOf(graph)
    this.#entry.pins++
    this.#literals = this.#entry.literals.map((place) => graph.order[place])
    this.program = this.#session.programs.programOf(this.#entry, graph, outputs)
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
    return (
      this.program === other.program &&
      sources(this) === sources(other) &&
      sameSkeleton(this.#skeleton, other.#skeleton)
    )
  }

  run(args: Arguments): unknown {
    const { sources, writes, gradients, computedGradients, results, resultTypes } = this.#layout
    const session = this.#session
    settleSources(session, this.#layout, args)
    const leaves = sources.map((source) => valueAt(source, args).buffer)
    const literals = literalBuffers(session, this.#literals)
    const written = [
      ...writes.map(({ source, target }) => new Update(session, storageAt(source, args)!, target, [])),
      ...computedGradients.map(({ after }) => new Update(session, after!.storage, undefined, leaves)),
    ]
    const values = resultTypes.map((type) => session.allocateFor(type))
    const undo: (() => void)[] = []
    const outputs = [...written.map(({ output }) => output), ...values]
    session.launch(this.program, { leaves: [...leaves, ...literals], outputs }, undo)
    for (const buffer of literals) buffer.release()
    for (const update of written) undo.push(update.commit())
    for (const gradient of gradients) undo.push(setGradient(gradient))
    const made = resultTypes.map((type, i) => holdResult(type, values[i], undo))
    return putTogether(
      this.#skeleton,
      results.map((result) => this.#resultOf(result, args, made)),
    )
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

function settleSources(session: Session, { sources, writes }: Layout, args: Arguments): void {
  const storages: Storage[] = []
  const add = (source: Source) => {
    const storage = storageAt(source, args)
    if (storage) storages.push(storage)
  }
  for (const source of sources) add(source)
  for (const { source } of writes) add(source)
  settleLeaves(session, storages)
}

function setGradient({ of, after }: GradientResult): () => void {
  const before = of.grad
  of.grad = after
  return () => {
    of.grad = before
  }
}

function holdResult({ shape, dtype }: ValueType, buffer: DeviceBuffer, undo: (() => void)[]): StoredValue {
  const value = new StoredValue(shape, dtype, newStorageId(), 0)
  value.hold(new Holding(buffer))
  undo.push(() => value.drop())
  return value
}

/** One storage that the program writes: over its newest version, or else over the one before, where the program does not read that. */
class Update {
  /** undefined: the buffer of a leaf */
  readonly output: DeviceBuffer | undefined
  readonly #storage: Storage
  readonly #buffer: DeviceBuffer
  readonly #old: StoredValue | undefined

  constructor(session: Session, storage: Storage, target: number | undefined, inUse: readonly DeviceBuffer[]) {
    const versions = storage.keepsVersions ? [] : [storage.leaf, storage.twin]
    this.#storage = storage
    this.#old = versions.find((version) => version?.isReady && !inUse.includes(version.buffer))
    this.#buffer = this.#old?.buffer ?? session.allocateFor(storage)
    this.output = target === undefined ? this.#buffer : undefined
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

interface LaidOut {
  readonly graph: KeyedGraph
  readonly outputs: readonly OutputPlace[]
  readonly layout: Layout
}

function layOut(trace: Trace, traced: Traced, args: Arguments): LaidOut {
  const computed = traced.gradients.flatMap(({ node }) => node ?? [])
  const { results, nodes } = sortResults(traced, args)
  // what a pending leaf starts from would else become a part of the program, at every call
  settleLeaves(trace.session, trace.captured)
  const graph = keyGraph([...traced.writes.map(({ node }) => node), ...computed, ...nodes])
  const writes = traced.writes.map(({ storage }) => writeOf(trace, graph, storage))
  const outputs = [
    ...traced.writes.map(({ node }, i) => ({ place: node.place, persistent: true, target: writes[i].target })),
    ...computed.map(({ place }) => ({ place, persistent: true })),
    ...nodes.map(({ place }) => ({ place, persistent: false })),
  ]
  const gradients = traced.gradients
    .filter(({ before, after }) => before !== after || after === null)
    .map(({ of, after, node }) => ({ of, after, isComputed: node !== undefined }))
  const resultTypes = nodes.map(({ shape, dtype }) => ({ shape, dtype }))
  const sources = graph.leaves.map((leaf) => trace.sourceOf(leaf))
  const computedGradients = gradients.filter(({ isComputed }) => isComputed)
  return { graph, outputs, layout: { sources, writes, gradients, computedGradients, results, resultTypes } }
}

/** Results that are computed, and tensors from outside that are handed through. */
function sortResults(traced: Traced, args: Arguments): { results: Result[]; nodes: Node[] } {
  const nodes: Node[] = []
  const results = traced.results.map(({ tensor, node, isNew }): Result => {
    const index = args.tensors.indexOf(tensor)
    if (index >= 0) return { kind: 'argument', index }
    if (!isNew && !args.storages.includes(tensor.storage)) return { kind: 'existing', tensor }
    return { kind: 'output', index: nodes.push(node) - 1, requiresGrad: tensor.requiresGrad }
  })
  return { results, nodes }
}

function writeOf(trace: Trace, graph: KeyedGraph, storage: Storage): Write {
  const leaf = trace.leafOf(storage)
  const slot = storage.keepsVersions ? -1 : graph.leaves.indexOf(leaf)
  return { source: trace.sourceOf(leaf), target: slot < 0 ? undefined : slot }
}
