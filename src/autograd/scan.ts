// Gradient of a loop: a loop in the other direction that carries the gradients of the carries and sums those of the constants.
// Nodes that are results of one loop are differentiated together, so that there is one loop back.
import { isFloat } from '../base/dtype.ts'
import { add, makeScanBody, placeholder, scanResult, scanResults, zerosLike } from '../graph/builders.ts'
import { isOp, type Node, type ScanBody, topologicalOrder } from '../graph/node.ts'
import type { Seed } from './backward.ts'

type Backward = (seeds: readonly Seed[], wanted: ReadonlySet<Node>) => Map<Node, Node>

interface Group {
  readonly body: ScanBody
  readonly inputs: readonly Node[]
  /** gradients that arrived, by result */
  readonly grads: Map<number, Node>
  /** nodes of the loop that the walk has still to visit */
  remaining: number
}

/** Gradients of a loop's inputs, by position. */
export type ScanGradients = readonly (Node | undefined)[]

/** The loops below the roots of one backward walk. */
export class ScanGroups {
  readonly #groups = new Map<ScanBody, Group[]>()
  readonly #isActive: (node: Node) => boolean

  constructor(order: readonly Node[], isActive: (node: Node) => boolean) {
    this.#isActive = isActive
    for (const node of order) if (isOp(node, 'scan')) this.#groupOf(node).remaining++
  }

  /** Takes one result's gradient; gives the gradients of the inputs once the last result of the loop has been visited. */
  visit(node: Node<'scan'>, grad: Node | undefined, backward: Backward): ScanGradients {
    const group = this.#groupOf(node)
    if (grad !== undefined) group.grads.set(node.attrs.result, grad)
    group.remaining--
    if (group.remaining > 0 || group.grads.size === 0) return []
    return new ReverseLoop(group, group.inputs.map(this.#isActive)).build(backward)
  }

  #groupOf(node: Node<'scan'>): Group {
    const { body } = node.attrs
    const groups = this.#groups.get(body) ?? []
    const known = groups.find(({ inputs }) => inputs.every((input, i) => input === node.inputs[i]))
    if (known !== undefined) return known
    const group: Group = { body, inputs: node.inputs, grads: new Map(), remaining: 0 }
    this.#groups.set(body, [...groups, group])
    return group
  }
}

/** One value of the reverse loop: its input, the placeholder in the step, and for carries and outputs what the step gives. */
interface Slot {
  readonly input: Node
  readonly holder: Node
}

class ReverseLoop {
  readonly #group: Group
  readonly #active: readonly boolean[]
  /** positions of differentiable carries, and of active sequences and constants */
  readonly #carries: readonly number[]
  readonly #sequences: readonly number[]
  readonly #constants: readonly number[]

  constructor(group: Group, active: readonly boolean[]) {
    const { carries, sequences, placeholders } = group.body
    const positions = placeholders.map((_, position) => position)
    this.#group = group
    this.#active = active
    this.#carries = positions.slice(0, carries).filter((position) => isFloat(placeholders[position].dtype))
    this.#sequences = positions.slice(carries, carries + sequences).filter((position) => active[position])
    this.#constants = positions.slice(carries + sequences).filter((position) => active[position])
  }

  build(backward: Backward): ScanGradients {
    const { body, inputs, grads } = this.#group
    const carried = this.#carries.map((position) => slotOf(grads.get(position) ?? zerosLike(inputs[position])))
    const sums = this.#constants.map((position) => slotOf(zerosLike(inputs[position])))
    const stacked = [...grads].filter(([result]) => result >= body.carries)
    const slices = stacked.map(([result, grad]) => ({ result, input: grad, holder: sliceHolder(body.outputs[result]) }))
    const seeds = [
      ...this.#carries.map((position, i) => ({ root: body.outputs[position], grad: carried[i].holder })),
      ...slices.map(({ result, holder }) => ({ root: body.outputs[result], grad: holder })),
    ]
    const wanted = [...this.#carries, ...this.#sequences, ...this.#constants].map((at) => body.placeholders[at])
    const gradients = backward(seeds, new Set(wanted))
    const gradientAt = (position: number): Node =>
      gradients.get(body.placeholders[position]) ?? zerosLike(body.placeholders[position])
    const sumAt = (position: number, i: number): Node => {
      const grad = gradients.get(body.placeholders[position])
      return grad === undefined ? sums[i].holder : add(sums[i].holder, grad)
    }
    const outputs = [
      ...this.#carries.map(gradientAt),
      ...this.#constants.map(sumAt),
      ...this.#sequences.map(gradientAt),
    ]
    return this.#scatterResults(this.#run([...carried, ...sums], slices, outputs))
  }

  /** The reverse loop over what its step reads: saved carries, sequences and arriving gradients. */
  #run(carries: readonly Slot[], slices: readonly Slot[], outputs: readonly Node[]): Node[] {
    const { body, inputs } = this.#group
    const read = new Set(topologicalOrder(outputs))
    const isRead = ({ holder }: Slot): boolean => read.has(holder)
    const forward = inputs.map((input, position) => ({ input, holder: body.placeholders[position], position }))
    const saved = forward
      .slice(0, body.carries)
      .filter(isRead)
      .map((slot) => ({ ...slot, input: this.#savedCarry(slot.position) }))
    const sequences = [
      ...saved,
      ...forward.slice(body.carries, body.carries + body.sequences).filter(isRead),
      ...slices.filter(isRead),
    ]
    const constants = forward.slice(body.carries + body.sequences).filter(isRead)
    const slots = [...carries, ...sequences, ...constants]
    const reversed = makeScanBody({
      carries: carries.length,
      sequences: sequences.length,
      length: body.length,
      reverse: !body.reverse,
      placeholders: slots.map(({ holder }) => holder),
      outputs,
    })
    return scanResults(
      slots.map(({ input }) => input),
      reversed,
    )
  }

  /** The carry that each step began with, stacked: a result of the loop itself where its body has it. */
  #savedCarry(position: number): Node {
    const { body, inputs } = this.#group
    const holder = body.placeholders[position]
    const result = body.outputs.indexOf(holder, body.carries)
    if (result >= 0) return scanResult(inputs, body, result)
    const extended = makeScanBody({ ...body, outputs: [...body.outputs, holder] })
    return scanResult(inputs, extended, body.outputs.length)
  }

  #scatterResults(results: readonly Node[]): ScanGradients {
    const gradients = new Array<Node | undefined>(this.#group.inputs.length).fill(undefined)
    const order = [...this.#carries, ...this.#constants, ...this.#sequences]
    order.forEach((position, i) => {
      if (this.#active[position]) gradients[position] = results[i]
    })
    return gradients
  }
}

const slotOf = (input: Node): Slot => ({ input, holder: placeholder(input.shape, input.dtype) })
const sliceHolder = ({ shape, dtype }: Node): Node => placeholder(shape, dtype)
