// Functions of tensors with a gradient of the user's own, as torch.autograd.Function: a forward and a backward go in, a function comes out.
// https://docs.pytorch.org/docs/stable/notes/extending.html
import { withGradient } from '../autograd/custom-function.ts'
import { isFloat } from '../base/dtype.ts'
import { ArgumentError, ShapeError } from '../base/errors.ts'
import { formatShape, sameShape } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import type { Node } from '../graph/node.ts'
import { makeTensor, TensorCore } from './core.ts'
import { enableGrad, isGradEnabled, noGrad, refusePromise } from './grad-mode.ts'
import { sameDevice } from './operands.ts'
import type { Tensor } from './tensor.ts'

/** What one call of forward leaves for its backward. Anything else may be set as a field of it. */
export interface FunctionContext {
  /** Keeps tensors for backward: inputs and outputs as what they are outside, so that they differentiate again. */
  saveForBackward(...tensors: readonly Tensor[]): void
  readonly savedTensors: readonly Tensor[]
  /** by argument: whether backward's gradient for it is of use */
  readonly needsInputGrad: readonly boolean[]
  [field: string]: unknown
}

type Gradient = Tensor | null | undefined

export interface FunctionDefinition<A extends readonly unknown[], R extends Tensor | readonly Tensor[]> {
  /** for errors and printed graphs */
  readonly name: string
  /** Computes the result; nothing in it is differentiated. Arguments may be anything, tensors among them. */
  forward(ctx: FunctionContext, ...args: A): R
  /** Gradients of the arguments, one each, null where there is none, from those of the results. Differentiable if asked for. */
  backward(ctx: FunctionContext, ...grads: Tensor[]): Gradient | readonly Gradient[]
}

/**
 * A function whose gradient is `backward`. It is made of tensor operations, so it fuses and compiles like any other, on every device.
 * @throws ShapeError or ArgumentError during backward when the gradients do not fit the arguments
 */
export function defineFunction<A extends readonly unknown[], R extends Tensor | readonly Tensor[]>(
  definition: FunctionDefinition<A, R>,
): (...args: A) => R {
  const apply = (...args: A): R => new Call(definition, args).run() as R
  return Object.defineProperty(apply, 'name', { value: definition.name })
}

type AnyDefinition = FunctionDefinition<never, Tensor | readonly Tensor[]>

class Call {
  readonly #definition: AnyDefinition
  readonly #args: readonly unknown[]
  readonly #tensors: readonly Tensor[]
  readonly #context: FunctionContext
  #saved: readonly Tensor[] = []
  /** what forward returned, and what stands for it outside */
  #inner: readonly Tensor[] = []
  #outer: readonly Tensor[] = []

  constructor(definition: unknown, args: readonly unknown[]) {
    this.#definition = definition as AnyDefinition
    this.#args = args
    this.#tensors = args.filter((arg): arg is Tensor => arg instanceof TensorCore)
    sameDevice(this.#definition.name, this.#tensors)
    const call = this
    this.#context = {
      saveForBackward(...tensors) {
        call.#saved = tensors
      },
      get savedTensors() {
        return call.#saved.map((tensor) => call.#outer[call.#inner.indexOf(tensor)] ?? tensor)
      },
      needsInputGrad: args.map((arg) => arg instanceof TensorCore && arg.requiresGrad),
    }
  }

  run(): Tensor | readonly Tensor[] {
    const { name } = this.#definition
    const result = refusePromise(
      name,
      noGrad(() => this.#definition.forward(this.#context, ...(this.#args as never))),
    )
    const list = (Array.isArray(result) ? result : [result]) as readonly Tensor[]
    for (const output of list)
      if (!(output instanceof TensorCore))
        throw new ArgumentError(`${name}: expected forward to return tensors, got ${typeof output}.`, { name })
    this.#inner = list
    this.#outer = list.map((output, i) => this.#wrap(output, i))
    return Array.isArray(result) ? this.#outer : this.#outer[0]
  }

  #wrap(output: Tensor, position: number): Tensor {
    const { session, node } = output
    const tracks = isGradEnabled() && isFloat(node.dtype) && this.#context.needsInputGrad.includes(true)
    const inputs = this.#tensors.map((tensor) => tensor.node)
    const rule = (grad: Node): (Node | undefined)[] => this.#gradients(grad, position)
    return makeTensor(session, withGradient(this.#definition.name, node, inputs, rule), tracks)
  }

  /** Gradients of the tensors among the arguments for that of one output; backward is linear, so the other outputs' may be zero. */
  #gradients(grad: Node, position: number): (Node | undefined)[] {
    const { session } = this.#tensors[0]
    const grads = this.#outer.map(({ node }, i) =>
      makeTensor(session, i === position ? grad : build.zerosLike(node), true),
    )
    const given = enableGrad(() => this.#definition.backward(this.#context, ...grads))
    const list = (Array.isArray(given) ? given : [given]) as readonly Gradient[]
    if (list.length !== this.#args.length)
      throw new ArgumentError(
        `${this.#definition.name}: expected backward to give ${this.#args.length} gradients, one for each argument of forward, ` +
          `got ${list.length}. Give null where there is none.`,
        { expected: this.#args.length, got: list.length },
      )
    return this.#args.flatMap((arg, i) => (arg instanceof TensorCore ? [this.#gradientNode(arg, list[i], i)] : []))
  }

  #gradientNode(input: TensorCore, gradient: Gradient, position: number): Node | undefined {
    if (gradient === null || gradient === undefined || !isFloat(input.dtype)) return undefined
    if (!sameShape(gradient.shape, input.shape))
      throw new ShapeError(
        `${this.#definition.name}: expected backward to give argument ${position} a gradient of its shape ${formatShape(input.shape)}, ` +
          `got ${formatShape(gradient.shape)}.`,
        { expected: input.shape, got: gradient.shape },
      )
    return build.cast(gradient.node, input.dtype)
  }
}
