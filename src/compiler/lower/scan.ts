// Lowers a scan group: one participant steps the body over time. In every step the nodes that need memory (contractions, reductions, results)
// are computed one after the other into buffers of the kernel, and everything else is inlined; then the carries move on.
import { type Shape, sizeOf } from '../../base/shape.ts'
import { isOp, type Node, type ScanBody, topologicalOrder } from '../../graph/node.ts'
import { alu, loadOf, storeTo } from '../../kernel/builders.ts'
import type { Expression, Memory } from '../../kernel/kernel-node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { computeDType, countUses, Evaluation, type Hook, roundTo, toStored, widestBytes } from './evaluate.ts'
import {
  addScaled,
  type Affine,
  axisIndex,
  constantIndex,
  linearIndex,
  makeAxis,
  unravel,
  zero,
} from './index-algebra.ts'
import { isMovement } from './index-map.ts'
import { chooseVectorAxis, lanesFor, nest } from './loops.ts'
import { type LoweredKernel, Lowering, traceIndices } from './lowered-kernel.ts'
import { writeMap } from './map.ts'
import { refine } from './refine.ts'
import { Scope } from './scope.ts'

export function lowerScan(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group, 'readwrite')
  const scans = group.inner.filter((node) => isOp(node, 'scan')) as Node<'scan'>[]
  const results = new Map<Node, Memory>()
  for (const scan of scans)
    results.set(
      scan,
      lowering.outputs.get(scan) ?? lowering.builder.temporary('scanned', scan.dtype, sizeOf(scan.shape)),
    )
  new ScanLowering(lowering, target, scans, results).write()
  const others = group.outputs.filter((node) => !results.has(node))
  for (const node of others) {
    lowering.builder.emit({ op: 'barrier' })
    const stores = [{ node, memory: lowering.outputs.get(node)! }]
    writeMap(lowering, target, stores, new Map<Node, Memory>([...lowering.inputs, ...results]))
  }
  return lowering.finish()
}

/** What is summed, or merely computed, for every element of a node: factors at their indices. */
interface Recipe {
  /** axes summed over */
  readonly reduced: Shape
  readonly factors: (out: readonly Affine[], reduced: readonly Affine[]) => readonly Factor[]
}

interface Factor {
  readonly node: Node
  readonly indices: readonly Affine[]
}

class ScanLowering {
  readonly #lowering: Lowering
  readonly #target: Target
  readonly #scans: readonly Node<'scan'>[]
  readonly #results: ReadonlyMap<Node, Memory>
  readonly #body: ScanBody
  readonly #inputs: readonly Node[]
  readonly #carries: readonly Memory[]
  readonly #time = makeAxis('t', 1)
  readonly #uses: ReadonlyMap<Node, number>
  /** nodes of the body whose values of this step are in memory */
  readonly #held = new Map<Node, Memory>()
  #step: Affine = zero

  constructor(
    lowering: Lowering,
    target: Target,
    scans: readonly Node<'scan'>[],
    results: ReadonlyMap<Node, Memory>,
  ) {
    this.#lowering = lowering
    this.#target = target
    this.#scans = scans
    this.#results = results
    this.#body = scans[0].attrs.body
    this.#inputs = scans[0].inputs
    this.#carries = this.#body.placeholders
      .slice(0, this.#body.carries)
      .map((node) => lowering.builder.temporary('carry', node.dtype, sizeOf(node.shape)))
    this.#time = makeAxis('t', this.#body.length)
    const inner = topologicalOrder(this.#body.outputs)
    this.#uses = new Map([...lowering.uses, ...countUses(inner, this.#body.outputs)])
  }

  write(): void {
    const { builder } = this.#lowering
    const { length, reverse, carries } = this.#body
    const time = axisIndex(this.#time)
    this.#step = reverse ? addScaled(constantIndex(length - 1), time, -1) : time
    builder.loop({ name: 'block', extent: 1, kind: 'parallel' }, () => {
      const scope = new Scope()
      this.#carries.forEach((memory, i) => {
        this.#compute(scope, this.#inputs[i], [(evaluation, inner, at) => this.#put(evaluation, inner, this.#inputs[i], memory, at)])
      })
      nest(builder, scope, [this.#time], undefined, (inner) => this.#writeStep(inner))
      for (const scan of this.#scans)
        if (scan.attrs.result < carries) this.#copy(scope, this.#carries[scan.attrs.result], this.#results.get(scan)!)
    })
  }
}
