// The graph printer: roots go in, one line per node comes out, inputs before users:
// `%3 = contract(%1, %2) {batch: 0, contracted: 1} : float32 [64, 10]`
import { formatShape } from '../base/shape.ts'
import { isOp, type Node, type ScanBody, topologicalOrder } from './node.ts'

/** Names of nodes by their place in the printed order. */
export type NodeNames = ReadonlyMap<Node, string>

export function formatGraph(roots: readonly Node[]): string {
  const names = new Map<Node, string>()
  const lines = numberedLines(roots, names, '')
  return [...lines, `return ${roots.map((root) => names.get(root)).join(', ')}`].join('\n')
}

function numberedLines(roots: readonly Node[], names: Map<Node, string>, indent: string): string[] {
  const lines: string[] = []
  for (const node of topologicalOrder(roots)) {
    if (names.has(node)) continue
    names.set(node, `%${names.size}`)
    lines.push(`${indent}${formatNode(node, names)}`)
    if (isOp(node, 'scan')) lines.push(...bodyLines(node.attrs.body, `${indent}  `))
  }
  return lines
}

/** A loop's step: its placeholders as arguments, then its own nodes, numbered within. */
function bodyLines(body: ScanBody, indent: string): string[] {
  const names = new Map<Node, string>()
  const parameters = body.placeholders.map((holder, i) => {
    names.set(holder, `%${i}`)
    return `%${i}: ${formatType(holder)}`
  })
  const lines = numberedLines(body.outputs, names, `${indent}  `)
  const outputs = body.outputs.map((output) => names.get(output)).join(', ')
  return [`${indent}step(${parameters.join(', ')})`, ...lines, `${indent}  next ${outputs}`]
}

/** One node as a line. */
export function formatNode(node: Node, names: NodeNames): string {
  const inputs = node.inputs.map((input) => names.get(input) ?? `#${input.id}`).join(', ')
  const op = isOp(node, 'composite') ? `composite ${node.attrs.name}` : node.op
  const attrs = formatAttrs(node)
  return `${names.get(node) ?? `#${node.id}`} = ${op}(${inputs})${attrs} : ${formatType(node)}`
}

const formatType = ({ dtype, shape }: Node): string => `${dtype} ${formatShape(shape)}`

/** Attributes that the type does not show already. */
function formatAttrs(node: Node): string {
  if (isOp(node, 'buffer')) return ` {storage: ${node.attrs.leaf.storage}, version: ${node.attrs.leaf.version}}`
  if (isOp(node, 'scan')) {
    const { length, reverse, carries, sequences } = node.attrs.body
    return ` ${formatFields({ length, reverse, carries, sequences, result: node.attrs.result })}`
  }
  const fields: object = isOp(node, 'composite') ? node.attrs.attrs : node.attrs
  const shown = Object.entries(fields).filter(([key]) => key !== 'shape' && key !== 'dtype')
  return shown.length === 0 ? '' : ` ${formatFields(Object.fromEntries(shown))}`
}

const formatFields = (fields: object): string =>
  `{${Object.entries(fields)
    .map(([key, value]) => `${key}: ${formatValue(value)}`)
    .join(', ')}}`

function formatValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatValue).join(', ')}]`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return value.name || 'function'
  return typeof value === 'object' && value !== null ? formatFields(value) : String(value)
}
