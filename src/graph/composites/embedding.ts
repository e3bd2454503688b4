// Rows of a table by index, and indices as rows of zeros and a one.
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, sizeOf } from '../../base/shape.ts'
import {
  add,
  cast,
  div,
  equal,
  full,
  indexSelect,
  iota,
  less,
  logicalAnd,
  mul,
  reshape,
  scatter,
  unsqueeze,
  where,
} from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { defineComposite } from './composite-table.ts'
import { vectorNorm } from './norms.ts'

/**
 * weight [rows, width] and indices of any shape give [...indices, width]. The row `paddingIdx` gets no gradient. An index outside
 * the table is an IndexError when the program runs. https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
 */
export function embedding(indices: Node, weight: Node, paddingIdx?: number, scaleGradByFreq = false): Node {
  expectCategory('embedding', indices.dtype, ['int'])
  if (weight.shape.length !== 2)
    throw new ShapeError(`embedding: expected a weight of [rows, width], got ${formatShape(weight.shape)}.`, {
      op: 'embedding',
      weight: weight.shape,
    })
  const [rows, width] = weight.shape
  const flat = reshape(indices, [sizeOf(indices.shape)])
  const index = flat.dtype === 'int32' ? flat : cast(flat, 'int64')
  const picked = indexSelect(withoutGradientOf(paddingIdx, weight, rows), 0, index, 'embedding')
  const shared = scaleGradByFreq ? sharedGradient([picked, frequencyOf(index, rows)], {}) : picked
  return reshape(shared, [...indices.shape, width])
}

/** How often the row that each index picks is picked. */
const frequencyOf = (index: Node, rows: number): Node => {
  const counts = scatter(full([rows], 0, 'float32'), 0, index, full(index.shape, 1, 'float32'), 'sum', 'embedding')
  return indexSelect(counts, 0, index, 'embedding')
}

/** Inputs x and a count for each row: x, whose gradient is divided by the counts. */
const sharedGradient = defineComposite<Readonly<Record<never, never>>>('sharedGradient', {
  infer: ([x]) => x,
  body: ([x]) => x,
  vjp: ({ inputs: [, counts] }, grad) => [div(grad, unsqueeze(cast(counts, grad.dtype), 1)), undefined],
})

/** `weight` with the rows that are looked up scaled down to a norm of at most `maxNorm`. */
export function cutRows(weight: Node, indices: Node, maxNorm: number, p: number): Node {
  expectCategory('embedding', indices.dtype, ['int'])
  const [rows] = weight.shape
  const flat = reshape(indices, [sizeOf(indices.shape)])
  const index = flat.dtype === 'int32' ? flat : cast(flat, 'int64')
  const used = scatter(full([rows], false, 'bool'), 0, index, full(index.shape, true, 'bool'), 'set', 'embedding')
  const norms = vectorNorm(weight, p, 1, true)
  const isLong = logicalAnd(unsqueeze(used, 1), less(maxNorm, norms))
  return mul(weight, where(isLong, div(maxNorm, add(norms, 1e-7)), 1))
}

/** The table itself, its padding row seen through `detach`. */
function withoutGradientOf(paddingIdx: number | undefined, weight: Node, rows: number): Node {
  if (paddingIdx === undefined) return weight
  if (!Number.isInteger(paddingIdx) || paddingIdx < -rows || paddingIdx >= rows)
    throw new ArgumentError(`embedding: expected paddingIdx from ${-rows} to ${rows - 1}, got ${paddingIdx}.`, {
      op: 'embedding',
      paddingIdx,
    })
  return frozenRow([weight], { row: paddingIdx < 0 ? paddingIdx + rows : paddingIdx })
}

/** x, whose row `row` passes no gradient on. */
const frozenRow = defineComposite<{ readonly row: number }>('frozenRow', {
  infer: ([x]) => x,
  body: ([x]) => x,
  vjp({ inputs: [x], attrs: { attrs } }, grad) {
    const isFrozen = equal(iota(x.shape[0], 'int32'), attrs.row)
    return [where(unsqueeze(isFrozen, 1), 0, grad)]
  },
})

/** int64 [...indices, classes]: 1 where the class is the index. */
export function oneHot(indices: Node, classes: number): Node {
  expectCategory('oneHot', indices.dtype, ['int'])
  if (!Number.isInteger(classes) || classes < 1)
    throw new ArgumentError(`oneHot: expected a number of classes from 1, got ${classes}.`, { op: 'oneHot', classes })
  return cast(equal(unsqueeze(indices, -1), cast(iota(classes, 'int64'), indices.dtype)), 'int64')
}
