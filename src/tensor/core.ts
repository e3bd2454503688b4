// TensorCore: what every tensor is: a storage and a view of it, gradient state, and reading. The families of methods build on it.
import type { DType } from '../base/dtype.ts'
import { isFloat } from '../base/dtype.ts'
import { ArgumentError, DeviceError, DTypeError, GradientError, ShapeError } from '../base/errors.ts'
import { broadcastShapes, formatShape, type Shape, sameShape, sizeOf } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import { detach } from '../graph/composites/basics.ts'
import type { Node } from '../graph/node.ts'
import type { Session } from '../runtime/session.ts'
import { Storage } from '../runtime/storage.ts'
import { type BackwardOptions, runBackward } from './backward.ts'
import { isGradEnabled } from './grad-mode.ts'
import { type TypedArray, valuesOf } from './host-values.ts'
import { elementOf, type NestedArray, nest } from './nested-array.ts'
import type { Tensor } from './tensor.ts'
import { tracer } from './tracing.ts'
import { closeGraph, valueNode } from './used-graphs.ts'
import { readThrough, type ViewStep, writeThrough } from './view.ts'

/** A longer chain of unread results is computed at this fixed depth, so that graphs stay bounded. */
const pendingWriteLimit = 256
const chainDepthLimit = 2048

type TensorConstructor = new (storage: Storage, view: readonly ViewStep[], tracks: boolean) => Tensor

export abstract class TensorCore {
  #storage: Storage
  #viewSteps: readonly ViewStep[]
  #tracks: boolean
  #isLeafWithGrad = false
  #cachedBase: Node | undefined
  #cachedNode: Node | undefined
  /** what this is a view of, if that is a view or the tensor itself */
  #below: TensorCore | undefined
  #grad: Tensor | null = null
  /** set by retainGrad */
  retainsGrad = false

  constructor(storage: Storage, viewSteps: readonly ViewStep[], tracks: boolean) {
    this.#storage = storage
    this.#viewSteps = viewSteps
    this.#tracks = tracks
  }

  get storage(): Storage {
    return this.#storage
  }

  get viewSteps(): readonly ViewStep[] {
    return this.#viewSteps
  }

  get session(): Session {
    return this.storage.session
  }

  /** Name of the device that holds and computes this tensor. */
  get device(): string {
    return this.session.device.name
  }

  get shape(): Shape {
    return this.node.shape
  }

  get dtype(): DType {
    return this.storage.dtype
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length
  }

  /** Number of elements (torch.Tensor.numel). */
  numel(): number {
    return sizeOf(this.shape)
  }

  size(axis?: number): Shape | number {
    if (axis === undefined) return this.shape
    return this.shape[axis < 0 ? axis + this.ndim : axis]
  }

  dim(): number {
    return this.ndim
  }

  /** The graph node of this tensor's value now. */
  get node(): Node {
    const base = this.#baseNode()
    if (base !== this.#cachedBase) {
      this.#cachedBase = base
      this.#cachedNode = this.#readFrom(base)
    }
    return this.#cachedNode!
  }

  #baseNode(): Node {
    const tracing = tracer()
    if (tracing?.session === this.session) {
      const differentiates = this.requiresGrad && !this.#isLeafWithGrad
      return tracing.nodeOf(this.storage, this.#isLeafWithGrad, differentiates)
    }
    return this.#isLeafWithGrad ? this.storage.becomeLeaf().node : valueNode(this.storage, this.requiresGrad)
  }

  // --- gradient state ---------------------------------------------------------------------------------------------------

  get requiresGrad(): boolean {
    return this.#isLeafWithGrad || this.#tracks || (this.storage.tracksGradient && this.#isAttachedView)
  }

  get #isAttachedView(): boolean {
    return this.viewSteps.length > 0 && !this.viewSteps.includes(detachStep)
  }

  set requiresGrad(wanted: boolean) {
    this.requiresGrad_(wanted)
  }

  /** True for tensors made by the user rather than by a differentiable operation. */
  get isLeaf(): boolean {
    return this.#isLeafWithGrad || !this.requiresGrad
  }

  /** Starts or stops recording gradients for this leaf (torch.Tensor.requires_grad_). */
  requiresGrad_(wanted = true): this {
    if (wanted === this.requiresGrad) return this
    if (!this.isLeaf)
      throw new GradientError(
        'requiresGrad: expected a leaf tensor, got the result of an operation. Use detach() to get a tensor that no longer requires grad.',
      )
    if (wanted && !isFloat(this.dtype))
      throw new DTypeError(
        `requiresGrad: expected a floating point tensor, got ${this.dtype}. Only floating point tensors can require gradients.`,
        { dtype: this.dtype },
      )
    // a view has no gradient of its own: as a leaf it stands for itself
    if (wanted && this.viewSteps.length > 0) this.#moveTo(new Storage(this.session, this.node))
    this.#isLeafWithGrad = wanted
    this.storage.leafTensor = wanted ? this : undefined
    if (wanted) this.storage.becomeLeaf()
    return this
  }

  #moveTo(storage: Storage): void {
    this.#storage = storage
    this.#viewSteps = []
    this.#cachedBase = undefined
  }

  /** Gradient accumulated by `backward`, or null. Only leaves that require grad, and tensors with `retainGrad`, get one. */
  get grad(): Tensor | null {
    tracer()?.beforeGradientRead(this, this.#grad)
    return this.#grad
  }

  set grad(gradient: Tensor | null) {
    tracer()?.beforeGradientWrite(this, this.#grad)
    this.#grad = gradient
  }

  /** Keeps the gradient of this non-leaf tensor in `grad` when `backward` passes through it. */
  retainGrad(): void {
    if (!this.requiresGrad)
      throw new GradientError('retainGrad: expected a tensor that requires grad, got one that does not.')
    if (!this.isLeaf) this.retainsGrad = true
    if (this.retainsGrad) retained.set(this.node, this as unknown as Tensor)
  }

  /** The same values, cut off from the graph of gradients; shares storage. */
  detach(): Tensor {
    return this.#sibling(this.viewSteps, false)
  }

  /**
   * Computes the gradients of this tensor with respect to the leaves that require grad, and adds them to their `grad`.
   * @param gradient gradient of this tensor; needed unless it has one element
   * @throws GradientError when it does not require grad, or its graph was already used (pass `{ retainGraph: true }` the first time)
   */
  backward(gradient?: Tensor | null, options: BackwardOptions = {}): void {
    runBackward([this as unknown as Tensor], [gradient ?? undefined], options)
  }

  // --- making tensors ---------------------------------------------------------------------------------------------------

  /** A tensor of `node`, a result of an operation on `inputs`. */
  protected result(node: Node, ...inputs: readonly TensorCore[]): Tensor {
    return resultOf(this.session, node, [this, ...inputs])
  }

  /** Another view of the same storage. */
  protected viewBy(step: ViewStep): Tensor {
    const view = this.#sibling([...this.viewSteps, step], this.requiresGrad && isGradEnabled())
    view.#below = this
    return view
  }

  /** Views of views read each other's nodes: a gradient that one of them retains passes through it. */
  #readFrom(base: Node): Node {
    const below = this.#below
    const { length } = this.viewSteps
    if (below === undefined || below.viewSteps.length !== length - 1 || below.#baseNode() !== base)
      return readThrough(this.viewSteps, base)
    return this.viewSteps[length - 1].apply(below.node)
  }

  #sibling(view: readonly ViewStep[], tracks: boolean): Tensor {
    const Constructor = this.constructor as unknown as TensorConstructor
    if (tracks || !this.requiresGrad) return new Constructor(this.storage, view, tracks)
    return new Constructor(this.storage, [...view, detachStep], false)
  }

  /** An operand on this tensor's device: a tensor's node, or the scalar itself. */
  protected operand(op: string, other: Tensor | number | bigint | boolean): Node | number | bigint | boolean {
    if (typeof other === 'number' || typeof other === 'bigint' || typeof other === 'boolean') return other
    return this.nodeOf(op, other, 'a tensor or a number')
  }

  protected nodeOf(op: string, other: TensorCore, expected = 'a tensor'): Node {
    if (!(other instanceof TensorCore))
      throw new ArgumentError(`${op}: expected ${expected}, got ${other === null ? 'null' : typeof other}.`, { op })
    if (other.session !== this.session)
      throw new DeviceError(
        `${op}: expected tensors on one device, got ${this.device} and ${other.device}. Move one with to('${this.device}').`,
        { op },
      )
    return other.node
  }

  /** Writes `value` (broadcast, cast) into this tensor in place; every view of the storage sees it. */
  protected writeNode(op: string, value: Node, tracks: boolean): this {
    if (this.#isLeafWithGrad && isGradEnabled())
      throw new GradientError(
        `${op}: expected a tensor that may change in place, got a leaf that requires grad. Wrap the update in noGrad(() => …).`,
        { op },
      )
    if (this.storage.leafTensor && this.#isAttachedView && isGradEnabled())
      throw new GradientError(
        `${op}: expected a tensor that may change in place, got a view of a leaf that requires grad. Wrap the update in noGrad(() => …).`,
        { op },
      )
    const { shape } = this
    if (!sameShape(broadcastShapes(op, shape, value.shape), shape))
      throw new ShapeError(
        `${op}: expected a value that broadcasts to ${formatShape(shape)}, got ${formatShape(value.shape)}.`,
        { op },
      )
    const full = build.broadcastTo(build.cast(value, this.dtype), shape)
    const steps = this.viewSteps.filter((step) => step !== detachStep)
    const { storage } = this
    if (tracks && isGradEnabled()) {
      this.#tracks = true
      storage.tracksGradient = true
      storage.needsHistory = true
    }
    const written = writeThrough(steps, this.#writeBase(), full)
    storage.write(tracks && !isGradEnabled() ? detach(written) : written)
    if (storage.pendingWrites > pendingWriteLimit && !this.session.isTracing) this.session.submit()
    return this
  }

  /** What a write replaces, or replaces a part of. */
  #writeBase(): Node {
    const { storage } = this
    const tracing = tracer()
    if (tracing?.session === this.session) {
      const isGradLeaf = storage.leafTensor !== undefined
      return tracing.nodeOf(storage, isGradLeaf, this.requiresGrad && !isGradLeaf)
    }
    return storage.leafTensor ? storage.becomeLeaf().node : valueNode(storage, true)
  }

  // --- reading ---------------------------------------------------------------------------------------------------------------

  /** The only element, as a number (a BigInt when an int64 is not a safe integer, a boolean for bool). */
  item(): Promise<number> {
    this.#refuseInTrace('item')
    return this.#readItem()
  }

  async #readItem(): Promise<number> {
    if (this.numel() !== 1)
      throw new ShapeError(
        `item: expected a tensor with one element, got shape ${formatShape(this.shape)}. Use data() or toArray().`,
      )
    return elementOf((await this.data())[0], this.dtype) as number
  }

  /** A copy of the values, row-major, as the typed array of the dtype (Float32Array for float16 and bfloat16, Uint8Array for bool). */
  data(): Promise<TypedArray> {
    this.#refuseInTrace('data')
    return this.#readData()
  }

  async #readData(): Promise<TypedArray> {
    const { node } = this
    return valuesOf(await this.session.read(node), node.dtype)
  }

  /** The values as nested arrays, of elements as `item` gives them; a bare value when the tensor has no dimensions. */
  async toArray(): Promise<NestedArray> {
    const { shape, dtype } = this
    return nest(await this.data(), shape, dtype)
  }

  #refuseInTrace(op: string): void {
    if (this.session.isTracing)
      throw new GradientError(
        `${op}: expected no reads inside compile(), got one. A compiled function describes work; return the tensor and read it outside.`,
        { op },
      )
  }
}

const detachStep: ViewStep = { name: 'detach', apply: (base) => detach(base), place: (_, value) => value }

/** Nodes whose gradients their tensors asked for. */
export const retained = new WeakMap<Node, Tensor>()

let tensorConstructor: TensorConstructor | undefined
/** The last class of the chain of families registers itself here: results are of that class. */
export const registerTensor = (tensor: TensorConstructor): void => {
  tensorConstructor = tensor
}

/** A tensor with a storage of its own, holding `node`. */
export function makeTensor(session: Session, node: Node, tracks = false): Tensor {
  const storage = new Storage(session, node)
  storage.needsHistory = tracks
  return new tensorConstructor!(storage, [], tracks)
}

/** A tensor of all of a storage. */
export const tensorOf = (storage: Storage): Tensor => new tensorConstructor!(storage, [], false)

/** The result of an operation: it requires grad when grad mode is on and an input does. */
export function resultOf(session: Session, node: Node, inputs: readonly TensorCore[]): Tensor {
  const needs = isFloat(node.dtype) && inputs.some((input) => input.requiresGrad)
  const tracks = needs && isGradEnabled()
  if (node.depth > chainDepthLimit && !session.isTracing) {
    session.submit([node])
    if (tracks) closeGraph(node)
  }
  return makeTensor(session, needs && !tracks ? detach(node) : node, tracks)
}
