// Interning: equal nodes become one, so that composites that expand to the same work share it.
import { sameShape } from '../../base/shape.ts'
import type { Node } from '../../graph/node.ts'

/** Gives, for every node, the first one seen with the same op, attributes and inputs. */
export function makeIntern(): (node: Node) => Node {
  const known = new Map<number, Node[]>()
  return (node) => {
    if (node.op === 'buffer') return node
    const bucket = known.get(node.hash)
    if (!bucket) {
      known.set(node.hash, [node])
      return node
    }
    const same = bucket.find((other) => equalNodes(other, node))
    if (same) return same
    bucket.push(node)
    return node
  }
}

const equalNodes = (a: Node, b: Node): boolean =>
  a.op === b.op &&
  a.dtype === b.dtype &&
  a.inputs.length === b.inputs.length &&
  a.inputs.every((input, i) => input === b.inputs[i]) &&
  sameShape(a.shape, b.shape) &&
  sameData(a.attrs, b.attrs)

/** Structural equality of plain data; objects that are not plain (bodies of loops) by identity. */
export function sameData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameData(item, b[i]))
  if (!isPlain(a) || !isPlain(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => sameData(a[key], b[key]))
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !('placeholders' in value)
