// Composites that have kernels of their own: which ones, for what shapes, and how they are lowered. `simplify` leaves these whole; with
// the option `composites` off it expands them too, which tests compare.
import type { Node } from '../../graph/node.ts'
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { lowerAttentionBackward } from './attention/backward.ts'
import { suitsAttention } from './attention/context.ts'
import { lowerAttentionForward } from './attention/forward.ts'
import { lowerCompact, suitsCompact } from './compact.ts'
import type { LoweredKernel } from './lowered-kernel.ts'
import { lowerSearch, suitsSearch } from './order/search.ts'
import { lowerSelect, suitsSelect } from './order/select.ts'
import { lowerSort, suitsSort } from './order/sort.ts'
import { lowerTop, suitsTop } from './order/top.ts'
import { lowerRunning, suitsRunning } from './running/running.ts'

type CompositeNode = Node<'composite'>

interface CompositeLowering {
  readonly suits: (node: CompositeNode, target: Target) => boolean
  readonly lower: (group: KernelGroup, target: Target) => LoweredKernel
}

const running: CompositeLowering = { suits: suitsRunning, lower: lowerRunning }

const loweringTable: ReadonlyMap<string, CompositeLowering> = new Map([
  ['scaledDotProductAttention', { suits: suitsAttention, lower: lowerAttentionForward }],
  ['attentionGradient', { suits: suitsAttention, lower: lowerAttentionBackward }],
  ['compact', { suits: suitsCompact, lower: lowerCompact }],
  ...['cumsum', 'cumprod', 'logcumsumexp', 'cumextremum'].map((name) => [name, running] as const),
  ['sortRows', { suits: suitsSort, lower: lowerSort }],
  ['topPositions', { suits: suitsTop, lower: lowerTop }],
  ['searchRows', { suits: suitsSearch, lower: lowerSearch }],
  ['rankedPositions', { suits: suitsSelect, lower: lowerSelect }],
])

export const hasLowering = (node: CompositeNode, target: Target): boolean =>
  loweringTable.get(node.attrs.name)?.suits(node, target) ?? false

export const lowerComposite = (group: KernelGroup, target: Target): LoweredKernel =>
  loweringTable.get((group.anchorNode as CompositeNode).attrs.name)!.lower(group, target)
