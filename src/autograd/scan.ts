// Gradient of a loop: a loop in the other direction that carries the gradients of the carries. What the step back reads of the step is
// computed again when that is cheap, else stored by the loop; gradients of constants are summed after the loop where they can be.
// Nodes that are results of one loop are differentiated together, so that there is one loop back.
import { isFloat } from '../base/dtype.ts'
import { add, dearNodes, makeScanBody, placeholder, scanResult, scanResults, zerosLike } from '../graph/builders.ts'
import { isOp, type Node, type ScanBody, topologicalOrder } from '../graph/node.ts'
import { substitute } from '../graph/substitute.ts'
import type { Seed } from './backward.ts'
import { isSummable, StepSums } from './sum-over-steps.ts'

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

/** One value of the reverse loop: its input, and the placeholder in the step. */
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
  /** gradients that arrive at the carries and at the stacked outputs, by result */
  readonly #carried: readonly Slot[]
  readonly #arriving: ReadonlyMap<number, Slot>
  /** nodes of the step that are stored rather than computed again */
  readonly #dear: ReadonlySet<Node>
  #extended: ScanBody | undefined

  constructor(group: Group, active: readonly boolean[]) {
    const { body, inputs, grads } = group
    const { carries, sequences, placeholders } = body
    const positions = placeholders.map((_, position) => position)
    this.#group = group
    this.#active = active
    this.#carries = positions.slice(0, carries).filter((position) => isFloat(placeholders[position].dtype))
    this.#sequences = positions.slice(carries, carries + sequences).filter((position) => active[position])
    this.#constants = positions.slice(carries + sequences).filter((position) => active[position])
    this.#carried = this.#carries.map((position) => slotOf(grads.get(position) ?? zerosLike(inputs[position])))
    const stacked = [...grads].filter(([result]) => result >= carries)
    this.#arriving = new Map(
      stacked.map(([result, input]) => [result, { input, holder: sliceHolder(body.outputs[result]) }]),
    )
    this.#dear = new Set(dearNodes(body.outputs, placeholders.slice(0, carries + sequences)))
  }

  build(backward: Backward): ScanGradients {
    const { body, inputs } = this.#group
    const gradients = this.#differentiate(backward)
    const gradientAt = (at: number): Node => gradients.get(at)!
    const sums = new StepSums(body.length)
    const afterwards = this.#constants.filter((at) => isSummable(gradientAt(at)))
    const totals = afterwards.map((at) => sums.sum(gradientAt(at)))
    const inside = this.#constants.filter((at) => !afterwards.includes(at))
    const running = inside.map((at) => slotOf(zerosLike(inputs[at])))
    const stacks = new Map([...sums.stacked].map(([node, holder]) => [holder, this.#stackOf(node)]))
    const missing = [...sums.stacked].filter(([, holder]) => stacks.get(holder) === undefined)
    const outputs = [...new Set([...this.#sequences.map(gradientAt), ...missing.map(([node]) => node)])]
    const results = this.#run(
      [...this.#carried, ...running],
      [...this.#carries.map(gradientAt), ...inside.map((at, i) => add(running[i].holder, gradientAt(at)))],
      outputs,
    )
    const resultOf = (node: Node): Node => results[this.#carries.length + inside.length + outputs.indexOf(node)]
    for (const [node, holder] of missing) stacks.set(holder, resultOf(node))
    const products = substitute(totals, stacks as ReadonlyMap<Node, Node>)
    const slices = this.#sequences.map((at) => resultOf(gradientAt(at)))
    return this.#atInputs(
      [...this.#carries, ...inside, ...this.#sequences, ...afterwards],
      [...results.slice(0, this.#carries.length + inside.length), ...slices, ...products],
    )
  }

  /** Gradients of the step's placeholders by position, over its nodes and the placeholders of what arrives. */
  #differentiate(backward: Backward): Map<number, Node> {
    const { outputs, placeholders } = this.#group.body
    const seeds = [
      ...this.#carries.map((position, i) => ({ root: outputs[position], grad: this.#carried[i].holder })),
      ...[...this.#arriving].map(([result, { holder }]) => ({ root: outputs[result], grad: holder })),
    ]
    const wanted = [...this.#carries, ...this.#sequences, ...this.#constants]
    const gradients = backward(seeds, new Set(wanted.map((position) => placeholders[position])))
    return new Map(wanted.map((at) => [at, gradients.get(placeholders[at]) ?? zerosLike(placeholders[at])]))
  }

  /** The reverse loop over what its step reads: stored values of the forward steps, sequences and arriving gradients. */
  #run(carries: readonly Slot[], next: readonly Node[], outputs: readonly Node[]): Node[] {
    const { body, inputs } = this.#group
    const read = topologicalOrder([...next, ...outputs], (node) => this.#dear.has(node))
    const isRead = ({ holder }: Slot): boolean => read.includes(holder)
    const forward = inputs.map((input, position) => ({ input, holder: body.placeholders[position] }))
    const stored = new Map(read.filter((node) => this.#dear.has(node)).map((node) => [node, sliceHolder(node)]))
    const sequences = [
      ...forward
        .slice(0, body.carries)
        .filter(isRead)
        .map(({ holder }) => ({ input: this.#stored(holder), holder })),
      ...[...stored].map(([node, holder]) => ({ input: this.#stored(node), holder })),
      ...forward.slice(body.carries, body.carries + body.sequences).filter(isRead),
      ...[...this.#arriving.values()].filter(isRead),
    ]
    const constants = forward.slice(body.carries + body.sequences).filter(isRead)
    const slots = [...carries, ...sequences, ...constants]
    const reversed = makeScanBody({
      carries: carries.length,
      sequences: sequences.length,
      length: body.length,
      reverse: !body.reverse,
      placeholders: slots.map(({ holder }) => holder),
      outputs: substitute([...next, ...outputs], stored),
    })
    return scanResults(
      slots.map(({ input }) => input),
      reversed,
    )
  }

  /** The values of all steps of a node, where they exist without the reverse loop. */
  #stackOf(node: Node): Node | undefined {
    const { body, inputs } = this.#group
    const position = body.placeholders.indexOf(node)
    if (position >= body.carries && position < body.carries + body.sequences) return inputs[position]
    if ((position >= 0 && position < body.carries) || this.#dear.has(node)) return this.#stored(node)
    return [...this.#arriving.values()].find(({ holder }) => holder === node)?.input
  }

  /** A carry that each step began with, or a dear node, stacked: a result of the loop itself where its body has it. */
  #stored(node: Node): Node {
    const { body, inputs } = this.#group
    const result = body.outputs.indexOf(node, body.carries)
    if (result >= 0) return scanResult(inputs, body, result)
    const holders = body.placeholders.slice(0, body.carries)
    this.#extended ??= makeScanBody({ ...body, outputs: [...body.outputs, ...holders, ...this.#dear] })
    return scanResult(inputs, this.#extended, this.#extended.outputs.indexOf(node, body.carries))
  }

  #atInputs(positions: readonly number[], results: readonly Node[]): ScanGradients {
    const gradients = new Array<Node | undefined>(this.#group.inputs.length).fill(undefined)
    positions.forEach((position, i) => {
      if (this.#active[position]) gradients[position] = results[i]
    })
    return gradients
  }
}

const slotOf = (input: Node): Slot => ({ input, holder: placeholder(input.shape, input.dtype) })
const sliceHolder = ({ shape, dtype }: Node): Node => placeholder(shape, dtype)
