// schedule: graph of primitives -> kernel groups in an order that respects every dependency (design section 5).
import { CompileError } from '../../base/errors.ts'
import type { Node } from '../../graph/node.ts'
import type { KernelGroup, Schedule } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { chooseMemory, type MemoryChoice } from './choose-memory.ts'
import type { Cluster } from './cluster.ts'
import { collect } from './collect.ts'
import { type Clusters, formClusters } from './form-clusters.ts'
import { mergeMaps } from './merge-maps.ts'

export interface ScheduleOptions {
  /** off: every aggregate alone in its kernel, every elementwise result in memory only where it must be */
  readonly fuse: boolean
}

export function schedule(
  order: readonly Node[],
  outputs: readonly Node[],
  target: Target,
  options: ScheduleOptions = { fuse: true },
): Schedule {
  const wanted = new Set(outputs.filter((node) => node.op !== 'buffer'))
  const clusters = formClusters(order, wanted, options.fuse)
  const memory = chooseMemory(order, wanted, clusters, target)
  const groups = [
    ...clusters.list.map((cluster) => groupOfCluster(cluster, clusters, memory)),
    ...mapGroups(order, clusters, memory),
  ].filter((group) => group.outputs.length > 0)
  return { groups: sortGroups(options.fuse ? mergeMaps(groups, wanted) : groups) }
}

function groupOfCluster(cluster: Cluster, clusters: Clusters, memory: MemoryChoice): KernelGroup {
  const outputs = [...cluster.members].filter((node) => memory.exported.has(node))
  const leads = leadsTo(cluster)
  const isOutside = (node: Node): boolean => {
    const own = clusters.of.get(node)
    if (own) return own !== cluster
    return node.op === 'buffer' || (memory.roots.has(node) && !leads(node))
  }
  return { anchor: cluster.anchor, anchorNode: cluster.anchorNode, outputs, ...collect(outputs, isOutside) }
}

/** Whether a virtual node reads members of the cluster: such nodes are computed inside, whatever else wants them. */
function leadsTo(cluster: Cluster): (node: Node) => boolean {
  const known = new Map<Node, boolean>()
  const oldest = Math.min(...[...cluster.members].map((node) => node.id))
  const leads = (node: Node): boolean => {
    if (cluster.members.has(node)) return true
    if (node.id < oldest) return false
    let answer = known.get(node)
    if (answer === undefined) {
      answer = node.inputs.some(leads)
      known.set(node, answer)
    }
    return answer
  }
  return leads
}

/** A map kernel for each root. */
function mapGroups(order: readonly Node[], clusters: Clusters, memory: MemoryChoice): KernelGroup[] {
  const inMemory = (node: Node): boolean => node.op === 'buffer' || clusters.of.has(node) || memory.roots.has(node)
  return order
    .filter((node) => memory.roots.has(node))
    .map((root) => ({ anchor: 'map', outputs: [root], ...collect([root], (node) => node !== root && inMemory(node)) }))
}

const producersOf = (groups: readonly KernelGroup[]): Map<Node, KernelGroup> =>
  new Map(groups.flatMap((group) => group.outputs.map((output) => [output, group] as const)))

/** Producers before consumers; among those that are ready, the order in which their last output was built. */
function sortGroups(groups: readonly KernelGroup[]): KernelGroup[] {
  const producer = producersOf(groups)
  const sorted: KernelGroup[] = []
  const state = new Map<KernelGroup, 'open' | 'done'>()
  const visit = (group: KernelGroup): void => {
    const mark = state.get(group)
    if (mark === 'done') return
    if (mark === 'open') throw new CompileError(`schedule: kernels wait for each other around ${group.outputs[0].op}`)
    state.set(group, 'open')
    for (const input of group.inputs) {
      const before = producer.get(input)
      if (before) visit(before)
    }
    state.set(group, 'done')
    sorted.push(group)
  }
  // updates of parameters are built last: so they come after the kernels that read the old values
  const lastId = (group: KernelGroup): number => Math.max(...group.outputs.map((node) => node.id))
  for (const group of [...groups].sort((a, b) => lastId(a) - lastId(b))) visit(group)
  return sorted
}
