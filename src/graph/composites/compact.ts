// The elements that a mask picks, moved to the front in their order: what functions whose results are as long as a mask is true are made of.
// The result is as long as the input, so that one program serves every mask; who knows the count cuts off what is behind, zeros.
import { cast, full, gather, max, narrow, scatter, sub, where } from '../builders.ts'
import { expectInputs, expectSameShape } from '../infer/elementwise.ts'
import { elementsOf, type Node } from '../node.ts'
import { defineComposite } from './composite-table.ts'
import { runningResult } from './running.ts'

/** How many elements the mask, of one axis, picks up to and with each; int32. */
const picked = (mask: Node): Node =>
  runningResult(cast(mask, 'int32'), { kind: 'sum', axis: 0, reverse: false, result: 'values' })

/** Of each element of one axis, the number of its group, from 0: `starts` says which elements are the first of one. */
export const groupNumbers = (starts: Node): Node => sub(picked(starts), 1)

const compactNode = defineComposite<Readonly<Record<never, never>>>('compact', {
  infer(inputs) {
    expectInputs('compact', inputs, 2)
    expectSameShape('compact', inputs[0], inputs[1])
    return inputs[1]
  },
  body([mask, x]) {
    const size = elementsOf(x)
    if (size === 0) return x
    const place = where(mask, sub(picked(mask), 1), size)
    const nothing = full([size + 1], x.dtype === 'bool' ? false : 0, x.dtype)
    return narrow(scatter(nothing, 0, place, x), 0, 0, size)
  },
  vjp({ inputs: [mask] }, grad) {
    if (elementsOf(mask) === 0) return [undefined, grad]
    return [undefined, where(mask, gather(grad, 0, max(sub(picked(mask), 1), 0)), 0)]
  },
})

/** Elements of x, of one axis, where the mask of the same shape is true; then zeros. */
export const compact = (mask: Node, x: Node): Node => compactNode([mask, x], {})
