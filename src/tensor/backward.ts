// Tensor-level backward: finds the leaves, builds their gradients as graph, and adds them to `grad`.

import { backward, type Seed } from '../autograd/backward.ts'
import { DeviceError, GradientError, ShapeError } from '../base/errors.ts'
import { formatShape, sameShape } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import { detach } from '../graph/composites/basics.ts'
import type { Node } from '../graph/node.ts'
import { makeTensor, retained } from './core.ts'
import type { Tensor } from './tensor.ts'
import { leafTensorOf, refuseSpent, spend } from './used-graphs.ts'

export interface BackwardOptions {
  /** keep the graph, so that backward may run through it again */
  readonly retainGraph?: boolean
  /** record how the gradients were computed, so that they can be differentiated */
  readonly createGraph?: boolean
}

export function runBackward(
  roots: readonly Tensor[],
  gradients: readonly (Tensor | undefined)[],
  options: BackwardOptions,
): void {
  const { session } = roots[0]
  // gradients from an earlier pass are computed first, so that graphs of accumulation stay one step long
  if (!session.isTracing && session.hasPendingGradient()) session.submit()
  const seeds = roots.map((root, i) => seedOf('backward', root, gradients[i]))
  const found = backward(seeds, (node) => {
    refuseSpent('backward', node)
    return leafTensorOf(node) !== undefined || retained.has(node)
  })
  for (const { root } of seeds) {
    session.keepResult(root)
    if (!options.retainGraph && !options.createGraph) spend(root)
  }
  for (const [node, gradient] of found) {
    const owner = leafTensorOf(node) ?? retained.get(node)!
    accumulate(owner, options.createGraph ? gradient : detach(gradient), options.createGraph ?? false)
  }
}

function accumulate(owner: Tensor, gradient: Node, tracks: boolean): void {
  const before = owner.grad
  const node = before ? build.add(before.node, gradient) : gradient
  const sum = makeTensor(owner.session, node, tracks)
  owner.grad = sum
  owner.session.keepGradient(node, () => owner.grad === sum && sum.storage.node === node)
}

/** The gradient that differentiation starts from: given, or 1 for a single element. */
export function seedOf(op: string, root: Tensor, gradient: Tensor | undefined): Seed {
  if (!root.requiresGrad)
    throw new GradientError(
      `${op}: expected a tensor that requires grad, got one that does not. Was it computed inside noGrad, or from tensors without requiresGrad?`,
    )
  refuseSpent(op, root.node)
  if (gradient === undefined) {
    if (root.numel() !== 1)
      throw new ShapeError(
        `${op}: expected one element (a loss) or a gradient argument, got shape ${formatShape(root.shape)}. Reduce it first: loss.mean().`,
        { op, shape: root.shape },
      )
    return { root: root.node, grad: build.onesLike(root.node) }
  }
  if (gradient.session !== root.session)
    throw new DeviceError(
      `${op}: expected a gradient on ${root.device}, got one on ${gradient.device}. Move it with to('${root.device}').`,
      { op },
    )
  if (!sameShape(gradient.shape, root.shape))
    throw new ShapeError(
      `${op}: expected a gradient of shape ${formatShape(root.shape)}, got ${formatShape(gradient.shape)}.`,
      { op, expected: root.shape, got: gradient.shape },
    )
  return { root: root.node, grad: build.cast(gradient.node, root.dtype) }
}

/** Gradients of `outputs` with respect to `inputs`, as tensors; null for inputs that they do not depend on (torch.autograd.grad). */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: BackwardOptions & { readonly gradOutputs?: readonly Tensor[]; readonly allowUnused?: boolean } = {},
): Tensor[] {
  const roots = Array.isArray(outputs) ? (outputs as readonly Tensor[]) : [outputs as Tensor]
  const targets = Array.isArray(inputs) ? (inputs as readonly Tensor[]) : [inputs as Tensor]
  const seeds = roots.map((root, i) => seedOf('grad', root, options.gradOutputs?.[i]))
  const nodes = targets.map((target) => target.node)
  const wanted = new Set(nodes)
  const found = backward(seeds, (node) => {
    refuseSpent('grad', node)
    return wanted.has(node)
  })
  if (!options.retainGraph && !options.createGraph) for (const { root } of seeds) spend(root)
  return targets.map((target, i) => {
    const gradient = found.get(nodes[i])
    if (!gradient) {
      if (!target.requiresGrad || !options.allowUnused)
        throw new GradientError(
          `grad: expected outputs that depend on input ${i} (shape ${formatShape(target.shape)}), got outputs that do not` +
            `${target.requiresGrad ? '' : ', because it does not require grad'}. Pass { allowUnused: true } to get zeros for it.`,
        )
      return makeTensor(target.session, build.zerosLike(nodes[i]))
    }
    const tracks = options.createGraph ?? false
    return makeTensor(target.session, tracks ? gradient : detach(gradient), tracks)
  })
}
