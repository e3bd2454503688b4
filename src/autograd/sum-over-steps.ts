// Sums over all steps of a loop, taken after the loop: a product of values of one step, summed over the steps, is one product of the
// stacked values. Nodes of a step go in; what comes out reads placeholders for the stacked values of nodes that the loop has to give.
import { contract, permute, placeholder, reduce, reshape } from '../graph/builders.ts'
import { isOp, type Node } from '../graph/node.ts'
import { withInputs } from '../graph/substitute.ts'

/** Movement that puts elements elsewhere, or beside zeros: it may as well move their sum. */
const movesOnly = (node: Node): boolean =>
  isOp(node, 'reshape') || isOp(node, 'permute') || isOp(node, 'slice') || isOp(node, 'expand') || isZeroPad(node)

const isZeroPad = (node: Node): boolean => isOp(node, 'pad') && Number(node.attrs.value) === 0

/** Whether the sum over the steps is a product or a reduction of stacked values, or movement and sums of such. */
export function isSummable(node: Node): boolean {
  if (isOp(node, 'contract')) return true
  if (isOp(node, 'reduce')) return node.attrs.kind === 'sum'
  return (movesOnly(node) || isOp(node, 'add')) && node.inputs.every(isSummable)
}

export class StepSums {
  readonly #length: number
  /** the placeholder of the values of all steps, by node of the step */
  readonly stacked = new Map<Node, Node>()

  constructor(length: number) {
    this.#length = length
  }

  /** The sum over the steps of a summable node. */
  sum(node: Node): Node {
    if (isOp(node, 'contract')) return this.#product(node)
    if (isOp(node, 'reduce')) return this.#reduction(node)
    return withInputs(
      node,
      node.inputs.map((input) => this.sum(input)),
    )
  }

  #product(node: Node<'contract'>): Node {
    const { batch, contracted } = node.attrs
    const [a, b] = node.inputs.map((input) => stepsBefore(this.#stack(input), contracted))
    return contract(a, b, batch, contracted + 1)
  }

  #reduction({ inputs: [input], attrs, shape }: Node<'reduce'>): Node {
    const axes = [0, ...attrs.axes.map((axis) => axis + 1)]
    return reshape(reduce('sum', this.#stack(input), axes), shape)
  }

  /** All steps' values along a new axis 0; movement is done after stacking, so that what is behind it is stacked once. */
  #stack(node: Node): Node {
    if (isOp(node, 'permute'))
      return permute(this.#stack(node.inputs[0]), [0, ...node.attrs.axes.map((axis) => axis + 1)])
    if (isOp(node, 'reshape')) return reshape(this.#stack(node.inputs[0]), [this.#length, ...node.shape])
    const known = this.stacked.get(node)
    if (known !== undefined) return known
    const holder = placeholder([this.#length, ...node.shape], node.dtype)
    this.stacked.set(node, holder)
    return holder
  }
}

/** Axis 0 becomes the first of the contracted ones. */
function stepsBefore(x: Node, contracted: number): Node {
  const axes = x.shape.map((_, axis) => axis).slice(1)
  return permute(x, axes.toSpliced(axes.length - contracted, 0, 0))
}
