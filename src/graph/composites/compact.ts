// The elements that a mask picks, moved to the front in their order: what functions whose results are as long as a mask is true are made of.
// The result is as long as the input, so that one program serves every mask; who knows the count cuts off what is behind, which may be anything.
import { alongAxis, cast, full, indexSelect, max, narrow, scatter, select, sub, sum, where } from '../builders.ts'
import { expectSameShape } from '../infer/elementwise.ts'
import { elementsOf, type Node } from '../node.ts'
import { defineComposite } from './composite-table.ts'
import { runningResult } from './running.ts'

/** How many elements the mask, of one axis, picks up to and with each; int32. */
const picked = (mask: Node): Node =>
  runningResult(cast(mask, 'int32'), { kind: 'sum', axis: 0, reverse: false, result: 'values' })

/** Of each element of one axis, the number of its group, from 0: `starts` says which elements are the first of one. */
export const groupNumbers = (starts: Node): Node => sub(picked(starts), 1)

/**
 * Inputs a mask of one axis and what it picks from, elements [n] or rows [n, width]: the result is what is left of one of these, by number,
 * or how many there are.
 */
interface CompactAttrs {
  readonly result: number | 'count'
}

/** Nodes that differ in `result` only are one kernel, where the compiler has one. */
const compactNode = defineComposite<CompactAttrs>('compact', {
  infer([mask, ...given], { result }) {
    for (const x of given) expectSameShape('compact', mask, x.shape.length === 2 ? select(x, 1, 0) : x)
    return result === 'count' ? { shape: [], dtype: 'int64' } : given[result]
  },
  body([mask, ...given], { result }) {
    if (result === 'count') return sum(mask)
    const x = given[result]
    const [size, ...width] = x.shape
    if (elementsOf(x) === 0) return x
    const place = where(mask, sub(picked(mask), 1), size)
    const nothing = full([size + 1, ...width], x.dtype === 'bool' ? false : 0, x.dtype)
    return narrow(scatter(nothing, 0, alongAxis(place, 0, x.shape), x), 0, 0, size)
  },
  vjp({ inputs: [mask, ...given], attrs: { attrs } }, grad) {
    return [undefined, ...given.map((_, i) => (i === attrs.result ? gradient(mask, grad) : undefined))]
  },
})

/** What was picked has the gradient of where it went. */
function gradient(mask: Node, grad: Node): Node {
  if (elementsOf(grad) === 0) return grad
  const place = max(sub(picked(mask), 1), 0)
  return where(alongAxis(mask, 0, grad.shape), indexSelect(grad, 0, place), 0)
}

export interface Compacted {
  /** how many elements the mask picks; int64 */
  readonly count: Node
  /** of each given node the elements or rows where the mask is true; `count` of them mean something */
  readonly moved: readonly Node[]
}

/** What a mask of one axis picks of elements, or rows. */
export const compact = (mask: Node, given: readonly Node[]): Compacted => ({
  count: compactNode([mask, ...given], { result: 'count' }),
  moved: given.map((_, result) => compactNode([mask, ...given], { result })),
})
