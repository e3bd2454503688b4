// Meaning of the movement ops: each is a strided view of its input, or a strided write into its output.
import { stridesOf } from '../../base/shape.ts'
import { type HostArray, hostZeros } from '../host-array.ts'
import type { Node } from '../node.ts'
import { filled, type Semantics, withShape } from './semantics.ts'
import { readView, writeView } from './strided.ts'

function viewed(x: HostArray, node: Node, strides: readonly number[], offset = 0): HostArray {
  const result = hostZeros(x.dtype, node.shape)
  readView(x.data, result.data, node.shape, { offset, strides })
  return result
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i], 0)

export const movementSemantics: Semantics<'reshape' | 'permute' | 'expand' | 'pad' | 'slice' | 'window' | 'concat'> = {
  reshape: ([x], node) => withShape(x, node.shape),
  permute: ([x], node) => {
    const strides = stridesOf(x.shape)
    return viewed(
      x,
      node,
      node.attrs.axes.map((axis) => strides[axis]),
    )
  },
  expand: ([x], node) =>
    viewed(
      x,
      node,
      stridesOf(x.shape).map((stride, axis) => (x.shape[axis] === 1 ? 0 : stride)),
    ),
  pad: ([x], node) => {
    const result = filled(x.dtype, node.shape, node.attrs.value)
    const strides = stridesOf(node.shape)
    writeView(x.data, result.data, x.shape, { offset: dot(node.attrs.before, strides), strides })
    return result
  },
  slice: ([x], node) => {
    const strides = stridesOf(x.shape)
    const { starts, steps } = node.attrs
    return viewed(
      x,
      node,
      strides.map((stride, axis) => stride * steps[axis]),
      dot(starts, strides),
    )
  },
  window: ([x], node) => {
    const { axis, stride, dilation } = node.attrs
    const strides = stridesOf(x.shape)
    const tap = strides[axis] * dilation
    strides[axis] *= stride
    return viewed(x, node, [...strides, tap])
  },
  concat: (inputs, node) => {
    const result = hostZeros(node.dtype, node.shape)
    const strides = stridesOf(node.shape)
    let start = 0
    for (const input of inputs) {
      const offset = start * strides[node.attrs.axis]
      writeView(input.data, result.data, input.shape, { offset, strides })
      start += input.shape[node.attrs.axis]
    }
    return result
  },
}
