// The plan: distinct kernels, the calls of them in order, and where every binding lives. Devices turn it into a program.
import type { Kernel } from '../kernel/kernel-node.ts'
import type { Graph } from './graph.ts'
import type { IndexTest } from './schedule-types.ts'

/** `offset` is in bytes. */
export type BufferReference =
  | { readonly kind: 'leaf'; readonly slot: number; readonly offset: number }
  | { readonly kind: 'output'; readonly index: number; readonly offset: number }
  | { readonly kind: 'arena'; readonly offset: number; readonly bytes: number }
  /** in the plan's own constants */
  | { readonly kind: 'constant'; readonly offset: number }

export interface KernelCall {
  /** index into `kernels` */
  readonly kernel: number
  /** one per param of the kernel, by slot */
  readonly bindings: readonly BufferReference[]
  /** all participants wait after this call */
  readonly barrier: boolean
  /** skipped when the error word is set */
  readonly persistent: boolean
  /** what it computes, for profiles */
  readonly label: string
}

/** What the error word's code stands for. */
export type CheckSite = IndexTest

export interface PlannedKernel {
  readonly kernel: Kernel
  /** by the kernel's own check ids */
  readonly checks: readonly CheckSite[]
}

export interface Plan {
  readonly graph: Graph
  readonly kernels: readonly PlannedKernel[]
  readonly calls: readonly KernelCall[]
  readonly arenaBytes: number
  /** numbers that calls of one kernel differ in */
  readonly constants: Uint8Array
  /** what each stage took to compile */
  readonly milliseconds: Readonly<Record<string, number>>
  /** text of a stage: simplify, schedule, lower, optimize, memory */
  print(stage: StageName): string
}

export const stageNames = ['simplify', 'schedule', 'lower', 'optimize', 'memory'] as const
export type StageName = (typeof stageNames)[number]
