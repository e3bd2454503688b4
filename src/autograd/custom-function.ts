// Functions with a gradient of the user's own: a forward and a backward over nodes go in, a composite that carries both comes out.
import { ArgumentError, GradientError } from '../base/errors.ts'
import { defineComposite } from '../graph/composites/composite-table.ts'
import type { Node } from '../graph/node.ts'

export interface CustomFunction {
  forward(...inputs: readonly Node[]): Node
  /** One gradient per input, undefined for none. */
  backward(grad: Node, output: Node, inputs: readonly Node[]): readonly (Node | undefined)[]
}

/** The definition with a number of its own, which keys compare instead of code. */
interface Definition extends CustomFunction {
  readonly hash: number
}

const customComposite = defineComposite<{ readonly definition: Definition }>('custom', {
  infer(inputs, { definition }) {
    const { shape, dtype } = definition.forward(...inputs)
    return { shape, dtype }
  },
  body: (inputs, { definition }) => definition.forward(...inputs),
  vjp(node, grad) {
    const grads = node.attrs.attrs.definition.backward(grad, node, node.inputs)
    if (grads.length !== node.inputs.length)
      throw new ArgumentError(
        `custom function: expected backward to give ${node.inputs.length} gradients, one per input, got ${grads.length}. ` +
          'Give undefined where there is none.',
        { expected: node.inputs.length, got: grads.length },
      )
    return grads
  },
})

let definitions = 0

/** A function of nodes whose gradient is `backward`; both must build graph only, the same one for the same inputs. */
export function customFunction(functions: CustomFunction): (...inputs: readonly Node[]) => Node {
  const definition: Definition = {
    hash: ++definitions,
    forward: (...inputs) => functions.forward(...inputs),
    backward: (grad, output, inputs) => functions.backward(grad, output, inputs),
  }
  return (...inputs) => customComposite(inputs, { definition })
}

/** Gradients of the inputs for the gradient of the output; undefined for none. */
export type GradientRule = (grad: Node, output: Node) => readonly (Node | undefined)[]

/** By the node that has it: a rule may hold values, which neither keys nor cached programs must keep alive. */
const rules = new WeakMap<Node, GradientRule>()

const ownGradient = defineComposite<{ readonly name: string }>('ownGradient', {
  infer: ([output]) => output,
  body: ([output]) => output,
  vjp(node, grad) {
    const rule = rules.get(node as Node)
    if (rule === undefined)
      throw new GradientError(
        `${node.attrs.attrs.name}: expected a function that is called outside loops, got one whose call was copied into a loop's step. ` +
          'Its gradient is lost there.',
      )
    return [undefined, ...rule(grad, node as Node)]
  },
})

/** `output` again, with a gradient of the user's own with respect to `inputs`, whatever it was computed from. */
export function withGradient(name: string, output: Node, inputs: readonly Node[], rule: GradientRule): Node {
  const node = ownGradient([output, ...inputs], { name })
  rules.set(node, rule)
  return node
}
