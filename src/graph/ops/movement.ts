// Rows of the movement primitives: each gradient moves elements back, none needs a scatter.
import { narrow, permute, reduce, reshape, slice, unslice } from '../builders.ts'
import { windowGrad } from '../composites/window-grad.ts'
import { inferMovement } from '../infer/movement.ts'
import type { Node } from '../node.ts'
import type { OpTable } from '../op-row.ts'
import { movementSemantics } from '../semantics/movement.ts'

function inversePermutation(axes: readonly number[]): number[] {
  const inverse = new Array<number>(axes.length)
  axes.forEach((axis, i) => {
    inverse[axis] = i
  })
  return inverse
}

function concatGradients({ inputs, attrs: { axis } }: Node<'concat'>, grad: Node, wanted: readonly boolean[]) {
  let start = 0
  return inputs.map(({ shape }, i) => {
    const part = wanted[i] ? narrow(grad, axis, start, shape[axis]) : undefined
    start += shape[axis]
    return part
  })
}

export const movementOps = {
  reshape: {
    family: 'movement',
    infer: inferMovement.reshape,
    vjp: (node, grad) => [reshape(grad, node.inputs[0].shape)],
    reference: movementSemantics.reshape,
  },
  permute: {
    family: 'movement',
    infer: inferMovement.permute,
    vjp: (node, grad) => [permute(grad, inversePermutation(node.attrs.axes))],
    reference: movementSemantics.permute,
  },
  expand: {
    family: 'movement',
    infer: inferMovement.expand,
    vjp: ({ inputs: [x], shape }, grad) => [
      reduce(
        'sum',
        grad,
        shape.flatMap((extent, axis) => (extent === x.shape[axis] ? [] : [axis])),
      ),
    ],
    reference: movementSemantics.expand,
  },
  pad: {
    family: 'movement',
    infer: inferMovement.pad,
    vjp: (node, grad) => [slice(grad, node.attrs.before, node.inputs[0].shape)],
    reference: movementSemantics.pad,
  },
  slice: {
    family: 'movement',
    infer: inferMovement.slice,
    vjp: (node, grad) => [unslice(grad, node.inputs[0].shape, node.attrs.starts, node.attrs.steps)],
    reference: movementSemantics.slice,
  },
  window: {
    family: 'movement',
    infer: inferMovement.window,
    vjp: ({ inputs: [x], attrs }, grad) => [windowGrad([grad], { ...attrs, extent: x.shape[attrs.axis] })],
    reference: movementSemantics.window,
  },
  concat: {
    family: 'movement',
    infer: inferMovement.concat,
    vjp: concatGradients,
    reference: movementSemantics.concat,
  },
} satisfies Partial<OpTable>
