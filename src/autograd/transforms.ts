// Gradients as transformations of graphs: outputs and inputs go in; grad and vjp give input gradients, jvp gives output tangents.
import { ArgumentError, GradientError } from '../base/errors.ts'
import { formatShape } from '../base/shape.ts'
import { onesLike, placeholder, zerosLike } from '../graph/builders.ts'
import type { Node } from '../graph/node.ts'
import { substitute } from '../graph/substitute.ts'
import { backward } from './backward.ts'

/** Gradients of a 0-d output (or of the sum of several) with respect to `inputs`; undefined where nothing flows. */
export function grad(outputs: Node | readonly Node[], inputs: readonly Node[]): (Node | undefined)[] {
  const roots: readonly Node[] = Array.isArray(outputs) ? outputs : [outputs as Node]
  for (const root of roots)
    if (root.shape.length > 0)
      throw new GradientError(
        `grad: expected outputs of 0 dimensions, got ${formatShape(root.shape)}. Reduce it first, e.g. loss.mean().`,
        { shape: root.shape },
      )
  return vjp(roots, inputs)(roots.map(onesLike))
}

/** The function from gradients of the outputs to gradients of the inputs. */
export function vjp(outputs: readonly Node[], inputs: readonly Node[]) {
  return (grads: readonly Node[]): (Node | undefined)[] => {
    expectCount('vjp', 'gradient', outputs, grads)
    const gradients = backward(
      outputs.map((root, i) => ({ root, grad: grads[i] })),
      new Set(inputs),
    )
    return inputs.map((input) => gradients.get(input))
  }
}

/**
 * Tangents of the outputs for tangents of the inputs. The vjp is linear in its gradient u; its own vjp at any u is the jvp.
 * https://j-towns.github.io/2017/06/12/A-new-trick.html
 */
export function jvp(outputs: readonly Node[], inputs: readonly Node[], tangents: readonly Node[]): Node[] {
  expectCount('jvp', 'tangent', inputs, tangents)
  const points = outputs.map(({ shape, dtype }) => placeholder(shape, dtype))
  const pulled = vjp(outputs, inputs)(points)
  const reached = pulled.flatMap((pull, i) => (pull === undefined ? [] : [{ root: pull, grad: tangents[i] }]))
  const pushed = backward(reached, new Set<Node>(points))
  const results = points.map((point, i) => pushed.get(point) ?? zerosLike(outputs[i]))
  // the value of u does not matter, but what is left of it must not be an unbound buffer
  return substitute(results, new Map<Node, Node>(points.map((point) => [point, zerosLike(point)])))
}

function expectCount(op: string, what: string, expected: readonly Node[], got: readonly Node[]): void {
  if (expected.length === got.length) return
  throw new ArgumentError(`${op}: expected ${expected.length} ${what}s, one each, got ${got.length}.`, { op })
}
