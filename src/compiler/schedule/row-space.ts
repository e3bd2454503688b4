// Alignment of nodes with a row cluster's space: each non-1 axis of a node carries the number of the space axis that it runs along.
import type { Node } from '../../graph/node.ts'
import { opTable } from '../../graph/op-table.ts'
import type { Cluster, RowSpace } from './cluster.ts'

/** Space axis of each axis of a node; -1 for axes of size 1. Undefined when the node is neither a whole row block nor a kept value. */
export type AxisTags = readonly number[] | undefined

/** Tags of a node that is to join the space: all axes in order (whole), or the kept axes in order (one value a row). */
export function axisTags(node: Node, space: RowSpace): AxisTags {
  const all = space.full.map((_, axis) => axis)
  return (
    tagsAlong(node, all, space) ??
    tagsAlong(
      node,
      all.filter((axis) => !space.reduced[axis]),
      space,
    )
  )
}

function tagsAlong(node: Node, spaceAxes: readonly number[], space: RowSpace): AxisTags {
  let next = 0
  const tags: number[] = []
  for (const extent of node.shape) {
    if (extent === 1) tags.push(-1)
    else if (next < spaceAxes.length && space.full[spaceAxes[next]] === extent) tags.push(spaceAxes[next++])
    else return undefined
  }
  return next === spaceAxes.length ? tags : undefined
}

/** Whether each path from `node` up into the cluster reaches a member at the same row. */
export function followsRow(node: Node, tags: AxisTags, cluster: Cluster, leads: (node: Node) => boolean): boolean {
  if (!tags) return false
  for (let i = 0; i < node.inputs.length; i++) {
    const input = node.inputs[i]
    if (!cluster.members.has(input) && !leads(input)) continue
    const inputTags = tagsOfInput(node, i, tags, cluster)
    if (!inputTags) return false
    if (cluster.members.has(input)) {
      if (!matchesMember(input, inputTags, cluster)) return false
    } else if (opTable[input.op].family === 'elementwise' || !followsRow(input, inputTags, cluster, leads)) return false
  }
  return true
}

/** Tags of input `position` of `node` at the point where `node` has `tags`, or undefined when the row is left. */
function tagsOfInput(node: Node, position: number, tags: readonly number[], cluster: Cluster): AxisTags {
  const input = node.inputs[position]
  switch (node.op) {
    case 'expand':
      return tags.map((tag, axis) => (input.shape[axis] === 1 ? -1 : tag))
    case 'reshape':
      return retag(
        tags.filter((tag) => tag >= 0),
        input,
      )
    case 'reduce':
      return axisTags(input, cluster.row!)
    case 'gather': {
      if (position !== 0) return tags
      const space = cluster.row!
      const whole = axisTags(input, space)
      const tag = whole?.[node.attrs.axis]
      return tag !== undefined && tag >= 0 && space.reduced[tag] ? whole : undefined
    }
    case 'permute':
    case 'slice':
    case 'pad':
    case 'window':
    case 'concat':
    case 'scatter':
    case 'scan':
    case 'contract':
      return undefined
    default:
      return tags
  }
}

function retag(kept: readonly number[], input: Node): AxisTags {
  let next = 0
  const tags = input.shape.map((extent) => (extent === 1 ? -1 : (kept[next++] ?? -2)))
  return next === kept.length && !tags.includes(-2) ? tags : undefined
}

function matchesMember(member: Node, tags: readonly number[], cluster: Cluster): boolean {
  if (cluster.across.has(member)) return false
  const own = axisTags(member, cluster.row!)
  return own?.every((tag, axis) => tag === tags[axis]) ?? false
}
