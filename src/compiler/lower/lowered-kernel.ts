// What `lower` returns, and the bookkeeping that every anchor shares: parameters in order, values stored.
import { sizeOf } from '../../base/shape.ts'
import { isOp, type Node } from '../../graph/node.ts'
import { storeTo } from '../../kernel/builders.ts'
import type { Expression, Kernel, Memory, Param } from '../../kernel/kernel-node.ts'
import type { CheckSite } from '../plan.ts'
import type { KernelGroup } from '../schedule-types.ts'
import { countUses, Evaluation, type Hook, toStored, weightOf } from './evaluate.ts'
import { type Affine, linearIndex } from './index-algebra.ts'
import type { Bound } from './index-map.ts'
import { KernelBuilder, type Temporary } from './kernel-builder.ts'
import type { Scope } from './scope.ts'

/** Params are bound in the order inputs, outputs, temporaries; `checks` is indexed by the kernel's own check ids. */
export interface LoweredKernel {
  readonly kernel: Kernel
  readonly temporaries: readonly Temporary[]
  readonly checks: readonly CheckSite[]
}

/** An element of a node, and where it goes unless to the output of that name. */
export interface ElementStore {
  readonly node: Node
  readonly indices: readonly Affine[]
  readonly memory?: Memory
}

const isPlain = ({ op }: Expression): boolean => op === 'literal' || op === 'reference'

/** What a node computes, in the names of kernels. */
export const nameOf = (node: Node): string => (isOp(node, 'composite') ? node.attrs.name : node.op)

/** The output of a group that stands for a result of the composite, if it is wanted. */
export const resultOf = ({ outputs }: KernelGroup, result: string | number): Node | undefined =>
  outputs.find((node) => isOp(node, 'composite') && node.attrs.attrs.result === result)

/** A group on its way to a kernel. */
export class Lowering {
  readonly group: KernelGroup
  readonly builder = new KernelBuilder()
  readonly inputs: ReadonlyMap<Node, Param>
  readonly outputs: ReadonlyMap<Node, Param>
  readonly uses: ReadonlyMap<Node, number>
  /** additions' worth of work per element of the iteration space */
  readonly weight: number

  constructor(group: KernelGroup, outputAccess: Param['access'] = 'write') {
    this.group = group
    const { builder } = this
    this.inputs = new Map(
      group.inputs.map((node, i) => [node, builder.param(`in${i}`, node.dtype, sizeOf(node.shape), 'read')]),
    )
    this.outputs = new Map(
      group.outputs.map((node, i) => {
        const isStreamed = outputAccess === 'write' && (group.streamed?.includes(node) ?? false)
        return [node, builder.param(`out${i}`, node.dtype, sizeOf(node.shape), outputAccess, isStreamed)]
      }),
    )
    this.uses = countUses(group.inner, group.outputs)
    this.weight = group.inner.reduce((sum, node) => sum + weightOf(node), 0)
  }

  /** An evaluation that writes to the statement list that is open now. */
  evaluation(scope: Scope, hook?: Hook, memory: ReadonlyMap<Node, Memory> = this.inputs): Evaluation {
    return new Evaluation({ builder: this.builder, memory, materialize: scope.materialize, uses: this.uses, hook })
  }

  /**
   * Stores one element each of several outputs. All are computed before the first is stored: an output may take the place of an input
   * that another one reads.
   */
  storeAll(scope: Scope, evaluation: Evaluation, stores: readonly ElementStore[]): void {
    const values = stores.map(({ node, indices }) => toStored(evaluation.evaluate(node, indices), node.dtype))
    const named = values.map((value, i) => (i === 0 || isPlain(value) ? value : this.builder.bind('out', value)))
    stores.forEach(({ node, indices, memory }, i) => {
      const position = scope.materialize(linearIndex(indices, node.shape))
      this.builder.emit(storeTo(memory ?? this.outputs.get(node)!, position, named[i]))
    })
  }

  finish(): LoweredKernel {
    const { builder, group } = this
    const ops = [...new Set(group.inner.map(nameOf))].filter((op) => op !== 'constant')
    const shape = (group.anchorNode ?? group.outputs[0]).shape
    const kernel = builder.finish(`${group.anchor} ${ops.slice(0, 8).join('+')} ${shape.join('x') || 'scalar'}`)
    return { kernel, temporaries: builder.temporaries, checks: builder.checks }
  }
}

type TracedRoots = readonly {
  readonly node: Node
  readonly indices: readonly Affine[]
  readonly stored: boolean
}[]

/** Every index that evaluating would ask for, without writing anything. */
export function traceIndices(
  group: KernelGroup,
  memory: ReadonlyMap<Node, Memory>,
  uses: ReadonlyMap<Node, number>,
  hook: Hook | undefined,
  roots: TracedRoots,
): Affine[] {
  const { positions, bounds } = traceAccesses(group, memory, uses, hook, roots)
  return [...positions, ...bounds.map(({ index }) => index)]
}

/** The same, positions in memory apart from what is only compared with bounds. */
export function traceAccesses(
  group: KernelGroup,
  memory: ReadonlyMap<Node, Memory>,
  uses: ReadonlyMap<Node, number>,
  hook: Hook | undefined,
  roots: TracedRoots,
): { readonly positions: readonly Affine[]; readonly bounds: readonly Bound[] } {
  const positions: Affine[] = []
  const bounds: Bound[] = []
  const builder = new KernelBuilder()
  const variable = builder.variable('traced')
  const traced = { op: 'index', dtype: 'index', variable } as const
  const materialize = (index: Affine) => {
    positions.push(index)
    return traced
  }
  const materializeBound = (index: Affine, limit: number) => {
    bounds.push({ index, limit })
    return traced
  }
  const evaluation = new Evaluation({ builder, memory, materialize, materializeBound, uses, hook })
  for (const { node, indices, stored } of roots) {
    evaluation.evaluate(node, indices)
    if (stored) positions.push(linearIndex(indices, node.shape))
  }
  return group.inner.length > 0 ? { positions, bounds } : { positions: [], bounds: [] }
}
