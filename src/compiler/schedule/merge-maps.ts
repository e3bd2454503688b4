// Merges map kernels that run over one shape: siblings that share an operand, and a result with what is computed from it in place.
import { sameShape } from '../../base/shape.ts'
import type { Node } from '../../graph/node.ts'
import { opTable } from '../../graph/op-table.ts'
import type { KernelGroup } from '../schedule-types.ts'
import { collect } from './collect.ts'

const outputLimit = 8

/**
 * Every group has a level: all that it reads is produced at lower levels. Merging keeps levels valid, so no cycle can arise:
 * siblings must share a level, and a map joins the map it reads from when all else that it reads is produced below that one.
 */
export function mergeMaps(groups: readonly KernelGroup[]): KernelGroup[] {
  const producer = new Map<Node, KernelGroup>()
  for (const group of groups) for (const output of group.outputs) producer.set(output, group)
  const levels = levelsOf(groups, producer)
  const merged: KernelGroup[] = []
  const levelOfInput = (node: Node): number => {
    const group = producer.get(node)
    return group ? levels.get(group)! : -1
  }
  const mergedLevels: number[] = []
  const ordered = [...groups].sort((a, b) => levels.get(a)! - levels.get(b)!)
  for (const group of ordered) {
    const level = levels.get(group)!
    const fits = (index: number): boolean => {
      const host = merged[index]
      if (host.anchor !== 'map' || host.outputs.length >= outputLimit) return false
      if (!sameShape(host.outputs[0].shape, group.outputs[0].shape)) return false
      if (mergedLevels[index] === level) return host.inputs.some((input) => group.inputs.includes(input))
      return (
        readsInPlace(group, host) &&
        group.inputs.every((i) => host.outputs.includes(i) || levelOfInput(i) < mergedLevels[index])
      )
    }
    const index = group.anchor === 'map' ? merged.findIndex((_, i) => fits(i)) : -1
    if (index < 0) {
      merged.push(group)
      mergedLevels.push(level)
      continue
    }
    merged[index] = merge(merged[index], group)
    levels.set(group, mergedLevels[index])
  }
  return merged
}

function levelsOf(groups: readonly KernelGroup[], producer: ReadonlyMap<Node, KernelGroup>): Map<KernelGroup, number> {
  const levels = new Map<KernelGroup, number>()
  const levelOf = (group: KernelGroup): number => {
    let level = levels.get(group)
    if (level !== undefined) return level
    level = 0
    for (const input of group.inputs) {
      const before = producer.get(input)
      if (before) level = Math.max(level, levelOf(before) + 1)
    }
    levels.set(group, level)
    return level
  }
  for (const group of groups) levelOf(group)
  return levels
}

/** Whether `group` reads outputs of `host`, and each of them only element by element. */
function readsInPlace(group: KernelGroup, host: KernelGroup): boolean {
  const shape = group.outputs[0].shape
  const leading = new Set<Node>(host.outputs.filter((output) => group.inputs.includes(output)))
  if (leading.size === 0) return false
  for (const node of group.inner) {
    if (!node.inputs.some((input) => leading.has(input))) continue
    if (opTable[node.op].family !== 'elementwise' || !sameShape(node.shape, shape)) return false
    leading.add(node)
  }
  return true
}

function merge(a: KernelGroup, b: KernelGroup): KernelGroup {
  const outputs = [...a.outputs, ...b.outputs]
  const inputs = new Set([...a.inputs, ...b.inputs].filter((input) => !outputs.includes(input)))
  const all = new Set([...a.inner, ...b.inner])
  return { anchor: 'map', outputs, ...collect(outputs, (node) => inputs.has(node) || !all.has(node)) }
}
