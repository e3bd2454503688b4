// Ops of the user's own: a name and a body of tensor functions go in, an op comes out that stands in graphs under its name, runs on
// every device, fuses, and differentiates by its own rule or through its body.
import { ArgumentError } from '../base/errors.ts'
import { type CompositeNode, defineComposite } from '../graph/composites/composite-table.ts'
import type { Node } from '../graph/node.ts'
import { makeTensor, resultOf, TensorCore } from './core.ts'
import { refusePromise } from './grad-mode.ts'
import { sameDevice } from './operands.ts'
import { currentSession } from './sessions.ts'
import type { Tensor } from './tensor.ts'

/** `O`: its options, plain values, since they are part of what a compiled program is known by. */
export interface OpDefinition<T extends readonly Tensor[], O extends object> {
  /** what printed graphs and profiles call it; each name once */
  readonly name: string
  /** The value, in tensor functions; it may run at any time, so it draws no random numbers and changes nothing. */
  forward(inputs: T, options: Partial<O>): Tensor
  /**
   * Gradients of the inputs from that of the output, in tensor functions, null where there is none; so it can be differentiated again.
   * Left out, the op is differentiated through `forward`.
   */
  backward?(grad: Tensor, call: OpCall<T, O>): Tensor | null | readonly (Tensor | null)[]
}

/** What one use of an op was. */
export interface OpCall<T extends readonly Tensor[], O extends object> {
  readonly inputs: T
  readonly output: Tensor
  readonly options: Partial<O>
}

/** Called with its inputs and, if it has any, its options. */
export interface Op<T extends readonly Tensor[], O extends object> {
  (...args: [...inputs: T, options: Partial<O>]): Tensor
  (...inputs: T): Tensor
}

/**
 * Defines an op of the tensors `T`, which come one by one when it is called and as a list in `forward`.
 * @throws ArgumentError for a name that is taken
 */
export function defineOp<T extends readonly Tensor[], O extends object = object>(
  definition: OpDefinition<T, O>,
): Op<T, O> {
  const { name, forward, backward } = definition
  const body = (nodes: readonly Node[], options: Partial<O>): Node =>
    onTensors(() => forward(nodes.map(wrap) as unknown as T, options).node)
  const build = defineComposite<Partial<O>>(name, {
    infer: body,
    body,
    ...(backward && {
      vjp: (node: CompositeNode<Partial<O>>, grad: Node) =>
        onTensors(() => {
          const inputs = node.inputs.map(wrap) as unknown as T
          const gradients = backward(wrap(grad), { inputs, output: wrap(node), options: node.attrs.attrs })
          return checkGradients(name, inputs.length, gradients)
        }),
    }),
  })
  return (...args: readonly unknown[]) => {
    const hasOptions = !(args.at(-1) instanceof TensorCore)
    const tensors = (hasOptions ? args.slice(0, -1) : args) as Tensor[]
    const options = checkOptions(name, (hasOptions ? args.at(-1) : {}) as Partial<O>)
    const node = build(sameDevice(name, tensors), options)
    return resultOf(tensors[0].session, node, tensors)
  }
}

const wrap = (node: Node): Tensor => makeTensor(currentSession(), node)

/** Runs a body that builds graph and nothing else: no chain in it, however deep, may be submitted. */
function onTensors<R>(body: () => R): R {
  const session = currentSession()
  const before = session.isTracing
  session.isTracing = true
  try {
    return refusePromise('defineOp', body())
  } finally {
    session.isTracing = before
  }
}

function checkGradients(op: string, count: number, given: Tensor | null | readonly (Tensor | null)[]) {
  const gradients = Array.isArray(given) ? (given as readonly (Tensor | null)[]) : [given as Tensor | null]
  if (gradients.length !== count)
    throw new ArgumentError(`${op}: expected backward to give ${count} gradients, got ${gradients.length}.`, { op })
  return gradients.map((gradient) => gradient?.node)
}

function checkOptions<O extends object>(op: string, options: O): O {
  if (options === null || typeof options !== 'object')
    throw new ArgumentError(`${op}: expected tensors and then options, got ${String(options)}.`, { op })
  for (const [key, value] of Object.entries(options))
    if (typeof value === 'function' || typeof value === 'symbol')
      throw new ArgumentError(`${op}: expected options to be plain values, got a ${typeof value} for ${key}.`, {
        op,
        key,
      })
  return options
}
