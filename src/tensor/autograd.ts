// vjp and jvp: a function of tensors and a point go in, its value and a product with its Jacobian there come out.
// https://docs.pytorch.org/docs/stable/autograd.html#functional-higher-level-api
import { backward } from '../autograd/backward.ts'
import { jvp as pushForward } from '../autograd/transforms.ts'
import { ArgumentError, ShapeError } from '../base/errors.ts'
import { formatShape, sameShape } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import { detach } from '../graph/composites/basics.ts'
import type { Node } from '../graph/node.ts'
import { makeTensor, TensorCore } from './core.ts'
import { enableGrad, refusePromise } from './grad-mode.ts'
import { sameDevice } from './operands.ts'
import type { Tensor } from './tensor.ts'

/** One tensor, or several. */
export type Tensors = Tensor | readonly Tensor[]

export interface ProductOptions {
  /** record how value and product were computed, so that they can be differentiated */
  readonly createGraph?: boolean
}

/** The same number of tensors, one or several, as what they belong to. */
type Like<T extends Tensors> = T extends Tensor ? Tensor : Tensor[]

/**
 * The value of `fn` at `inputs`, and vᵀJ: the gradients of (v · value) with respect to each input, zeros where `fn` does not depend on it.
 * @param v of the shape of the value; 1 for a value of one element if left out
 * @throws ShapeError when `v` does not fit, GradientError when `fn` returns a Promise
 */
export function vjp<I extends Tensors, O extends Tensors>(
  fn: (...inputs: Tensor[]) => O,
  inputs: I,
  v?: Tensors,
  options: ProductOptions = {},
): [Like<O>, Like<I>] {
  const run = evaluate('vjp', fn, inputs)
  const grads = expectLike('vjp', 'v', run.outputs, v ?? onesFor('vjp', run.outputs))
  const found = backward(
    run.outputs.map(({ node }, i) => ({ root: node, grad: build.cast(grads[i].node, node.dtype) })),
    new Set(run.points),
  )
  const products = run.points.map((point) => found.get(point) ?? build.zerosLike(point))
  return [run.finish(run.value, options), run.finish(inputs, options, products)]
}

/**
 * The value of `fn` at `inputs`, and Jv: how the value changes when the inputs move along `v`. Computed as the vjp of a vjp.
 * @param v of the shapes of the inputs; 1 for an input of one element if left out
 * @throws ShapeError when `v` does not fit, GradientError when `fn` returns a Promise
 */
export function jvp<I extends Tensors, O extends Tensors>(
  fn: (...inputs: Tensor[]) => O,
  inputs: I,
  v?: Tensors,
  options: ProductOptions = {},
): [Like<O>, Like<O>] {
  const tangents = expectLike('jvp', 'v', listOf(inputs), v ?? onesFor('jvp', listOf(inputs)))
  const run = evaluate('jvp', fn, inputs)
  const products = pushForward(
    run.outputs.map(({ node }) => node),
    run.points,
    tangents.map(({ node }, i) => build.cast(node, run.points[i].dtype)),
  )
  return [run.finish(run.value, options), run.finish(run.value, options, products)]
}

interface Run<O> {
  readonly value: O
  readonly outputs: readonly Tensor[]
  /** nodes of the inputs that `fn` saw */
  readonly points: readonly Node[]
  /** tensors that are one or several as `like`, of the given nodes or its own */
  finish<L extends Tensors>(like: L, options: ProductOptions, nodes?: readonly Node[]): Like<L>
}

/** Runs `fn` on copies of its inputs that nothing else depends on. */
function evaluate<O extends Tensors>(op: string, fn: (...inputs: Tensor[]) => O, inputs: Tensors): Run<O> {
  const given = listOf(inputs)
  const points = sameDevice(op, given).map((node) => build.copy(node))
  const { session } = given[0]
  const value = enableGrad(() => refusePromise(op, fn(...points.map((point) => makeTensor(session, point, true)))))
  const outputs = listOf(value)
  for (const output of outputs)
    if (!(output instanceof TensorCore))
      throw new ArgumentError(`${op}: expected a function that returns tensors, got ${typeof output}.`, { op })
  const finish = <L extends Tensors>(like: L, { createGraph = false }: ProductOptions, nodes?: readonly Node[]) => {
    const made = listOf(like).map((tensor, i) => {
      const node = nodes?.[i] ?? tensor.node
      return makeTensor(session, createGraph ? node : detach(node), createGraph)
    })
    return (Array.isArray(like) ? made : made[0]) as Like<L>
  }
  return { value, outputs, points, finish }
}

const listOf = (tensors: Tensors): readonly Tensor[] =>
  Array.isArray(tensors) ? (tensors as readonly Tensor[]) : [tensors as Tensor]

function onesFor(op: string, tensors: readonly Tensor[]): Tensor[] {
  return tensors.map((tensor) => {
    if (tensor.numel() !== 1)
      throw new ShapeError(
        `${op}: expected v for a tensor of more than one element, got none for shape ${formatShape(tensor.shape)}.`,
        { op, shape: tensor.shape },
      )
    return makeTensor(tensor.session, build.onesLike(tensor.node))
  })
}

function expectLike(op: string, what: string, expected: readonly Tensor[], given: Tensors): readonly Tensor[] {
  const tensors = listOf(given)
  if (tensors.length !== expected.length)
    throw new ArgumentError(`${op}: expected ${expected.length} tensors in ${what}, one each, got ${tensors.length}.`, {
      op,
    })
  sameDevice(op, [...expected, ...tensors])
  tensors.forEach((tensor, i) => {
    if (!sameShape(tensor.shape, expected[i].shape))
      throw new ShapeError(
        `${op}: expected tensor ${i} of ${what} to have shape ${formatShape(expected[i].shape)}, got ${formatShape(tensor.shape)}.`,
        { op, expected: expected[i].shape, got: tensor.shape },
      )
  })
  return tensors
}
