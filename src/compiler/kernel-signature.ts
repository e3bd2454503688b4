// A text that is equal for groups that lower to the same kernel: twelve layers, one body.
import type { Node } from '../graph/node.ts'
import type { KernelGroup } from './schedule-types.ts'

export function kernelSignature(group: KernelGroup): string {
  const numbers = new Map<Node, number>()
  const lines: string[] = [group.anchor]
  group.inputs.forEach((node, i) => {
    numbers.set(node, i)
    lines.push(`${node.dtype}[${node.shape}]`)
  })
  for (const node of group.inner) {
    const inputs = node.inputs.map((input) => numbers.get(input))
    lines.push(`${node.op}(${inputs})${formatAttrs(node.attrs)}:${node.dtype}[${node.shape}]`)
    numbers.set(node, numbers.size)
  }
  lines.push(
    `${group.anchorNode ? numbers.get(group.anchorNode) : ''}>${group.outputs.map((node) => numbers.get(node))}`,
  )
  return lines.join(';')
}

/** Attributes as text; the body of a loop by its structural hash. */
function formatAttrs(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.map(formatAttrs)}]`
  if ('placeholders' in value) return `body${(value as unknown as { hash: number }).hash}/${bodyIdentity(value)}`
  return `{${Object.entries(value).map(([key, item]) => `${key}:${formatAttrs(item)}`)}}`
}

const bodies = new WeakMap<object, number>()
let bodyCount = 0

/** Loops share a kernel only when they share the body object: their hashes alone prove nothing. */
function bodyIdentity(body: object): number {
  let id = bodies.get(body)
  if (id === undefined) bodies.set(body, (id = bodyCount++))
  return id
}
