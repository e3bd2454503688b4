// Reverse accumulation: roots with their gradients and a set of wanted nodes go in, the gradient of each wanted node comes out, as
// graph. Nothing is computed here; what comes out fuses, compiles and differentiates again.
import { isFloat } from '../base/dtype.ts'
import { ShapeError } from '../base/errors.ts'
import { formatShape, sameShape } from '../base/shape.ts'
import { add } from '../graph/builders.ts'
import { type CompositeNode, compositeRow } from '../graph/composites/composite-table.ts'
import { isOp, type Node, topologicalOrder } from '../graph/node.ts'
import type { Vjp } from '../graph/op-row.ts'
import { opTable } from '../graph/op-table.ts'
import { ScanGroups } from './scan.ts'

export interface Seed {
  readonly root: Node
  /** gradient of what is finally differentiated with respect to `root`: of its shape and dtype */
  readonly grad: Node
}

export type Wanted = ReadonlySet<Node> | ((node: Node) => boolean)

/**
 * Gradients of all wanted nodes that the roots reach through differentiable ops. Nodes that no gradient reaches are not in the map.
 * Only the paths between roots and wanted nodes are built, in an order that depends on the graph alone.
 */
export function backward(seeds: readonly Seed[], wanted: Wanted): Map<Node, Node> {
  for (const seed of seeds) checkSeed(seed)
  return new BackwardWalk(seeds, typeof wanted === 'function' ? wanted : (node) => wanted.has(node)).run()
}

class BackwardWalk {
  readonly #isWanted: (node: Node) => boolean
  /** nodes whose inputs belong to somebody else */
  readonly #boundary: ReadonlySet<Node>
  readonly #order: readonly Node[]
  readonly #active: ReadonlySet<Node>
  readonly #sums = new Map<Node, Node>()

  constructor(seeds: readonly Seed[], isWanted: (node: Node) => boolean, boundary: ReadonlySet<Node> = new Set()) {
    this.#isWanted = isWanted
    this.#boundary = boundary
    this.#order = topologicalOrder(
      seeds.map(({ root }) => root),
      (node) => boundary.has(node),
    )
    this.#active = this.#findActive()
    for (const { root, grad } of seeds) this.#accumulate(root, grad)
  }

  run(): Map<Node, Node> {
    const result = new Map<Node, Node>()
    const scans = new ScanGroups(this.#order, (node) => this.#active.has(node))
    for (let i = this.#order.length - 1; i >= 0; i--) {
      const node = this.#order[i]
      const grad = this.#sums.get(node)
      if (grad !== undefined && this.#isWanted(node)) result.set(node, grad)
      if (this.#boundary.has(node)) continue
      // a loop waits for the gradients of all its results
      if (isOp(node, 'scan')) this.#pass(node, scans.visit(node, grad, backward))
      else if (grad !== undefined) this.#differentiate(node, grad)
      this.#sums.delete(node)
    }
    return result
  }

  /** Float nodes that are wanted, or that something wanted flows into. */
  #findActive(): ReadonlySet<Node> {
    const active = new Set<Node>()
    for (const node of this.#order) {
      if (!isFloat(node.dtype)) continue
      const open = !this.#boundary.has(node) && opTable[node.op].vjp !== 'none'
      if (this.#isWanted(node) || (open && node.inputs.some((input) => active.has(input)))) active.add(node)
    }
    return active
  }

  #accumulate(node: Node, grad: Node | undefined): void {
    if (grad === undefined || !this.#active.has(node)) return
    const sum = this.#sums.get(node)
    this.#sums.set(node, sum === undefined ? grad : add(sum, grad))
  }

  #pass(node: Node, grads: readonly (Node | undefined)[]): void {
    for (let i = 0; i < grads.length; i++) this.#accumulate(node.inputs[i], grads[i])
  }

  #differentiate(node: Node, grad: Node): void {
    const needed = node.inputs.map((input) => this.#active.has(input))
    if (!needed.includes(true)) return
    const { vjp } = opTable[node.op]
    if (isOp(node, 'composite')) this.#pass(node, compositeGradients(node, grad, needed))
    else if (typeof vjp !== 'string') this.#pass(node, (vjp as Vjp<Node>)(node, grad, needed))
  }
}

function checkSeed({ root, grad }: Seed): void {
  if (root.dtype === grad.dtype && sameShape(root.shape, grad.shape)) return
  throw new ShapeError(
    `backward: expected a gradient of the root's type, ${root.dtype} ${formatShape(root.shape)}, ` +
      `got ${grad.dtype} ${formatShape(grad.shape)}.`,
    { op: 'backward', root: root.shape, grad: grad.shape },
  )
}

/** By the composite's own rule, else through one level of its body. */
function compositeGradients(
  node: Node<'composite'>,
  grad: Node,
  needed: readonly boolean[],
): readonly (Node | undefined)[] {
  const row = compositeRow(node.attrs.name)
  if (row.vjp) return row.vjp(node as CompositeNode, grad, needed)
  const { inputs } = node
  const root = row.body(inputs, node.attrs.attrs)
  const wanted = new Set(inputs.filter((_, i) => needed[i]))
  const gradients = new BackwardWalk([{ root, grad }], (input) => wanted.has(input), new Set(inputs)).run()
  // an input that is passed twice has one gradient, counted once
  return inputs.map((input, i) => (inputs.indexOf(input) === i ? gradients.get(input) : undefined))
}
