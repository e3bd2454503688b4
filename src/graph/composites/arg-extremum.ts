// Where the largest or smallest element stands, and max or min along one axis, whose gradient goes to that element alone.
// The first of equal elements wins, and NaN wins over all, as in PyTorch.
import { isFloat } from '../../base/dtype.ts'
import { DTypeError, ShapeError } from '../../base/errors.ts'
import { formatShape, normalizeAxis } from '../../base/shape.ts'
import { cast, equal, isNaN as holdsNaN, logicalOr, reduce, reshape, where } from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import type { ValueType } from '../op-row.ts'
import { defineComposite } from './composite-table.ts'
import { positionsAlong } from './positions.ts'

type Extremum = 'max' | 'min'

interface AlongAxis {
  readonly axis: number
}

/** Position of the first element that is the row's extremum; int32, the axis kept with size 1. */
function firstPosition(kind: Extremum, x: Node, axis: number): Node {
  const isExtremum = equal(x, reduce(kind, x, [axis]))
  const found = isFloat(x.dtype) ? logicalOr(isExtremum, holdsNaN(x)) : isExtremum
  return reduce('min', where(found, positionsAlong(x.shape, axis), x.shape[axis]), [axis])
}

function inferRow(op: string, [x]: readonly Node[], axis: number): ValueType {
  expectCategory(op, x.dtype, ['int', 'float'])
  if (x.shape[axis] === 0)
    throw new ShapeError(
      `${op}: expected at least one element to choose from, got ${formatShape(x.shape)}, which is empty on axis ${axis}.`,
      { op, shape: x.shape, axis },
    )
  return { shape: x.shape.map((extent, i) => (i === axis ? 1 : extent)), dtype: x.dtype }
}

function defineExtremum(kind: Extremum) {
  const argName = `arg${kind}`
  const valueName = `${kind}Along`
  const position = defineComposite<AlongAxis>(argName, {
    infer: (inputs, { axis }) => ({ ...inferRow(argName, inputs, axis), dtype: 'int64' }),
    body: ([x], { axis }) => cast(firstPosition(kind, x, axis), 'int64'),
    vjp: () => [undefined],
  })
  const value = defineComposite<AlongAxis>(valueName, {
    infer: (inputs, { axis }) => inferRow(kind, inputs, axis),
    body: ([x], { axis }) => reduce(kind, x, [axis]),
    vjp({ inputs: [x], attrs: { attrs } }, grad) {
      const chosen = equal(positionsAlong(x.shape, attrs.axis), firstPosition(kind, x, attrs.axis))
      return [where(chosen, grad, 0)]
    },
  })
  return { position, value }
}

const rows = { max: defineExtremum('max'), min: defineExtremum('min') }

const drop = (kept: Node, axis: number, keepdims: boolean): Node =>
  keepdims
    ? kept
    : reshape(
        kept,
        kept.shape.filter((_, i) => i !== axis),
      )

/** A scalar is a row of one element. */
function asRow(x: Node): Node {
  return x.shape.length === 0 ? reshape(x, [1]) : x
}

function argExtremum(kind: Extremum, x: Node, axis: number | undefined, keepdims: boolean): Node {
  if (x.dtype === 'bool')
    throw new DTypeError(`arg${kind}: expected a numeric dtype, got bool. Convert it first: x.to('uint8').`, {
      op: `arg${kind}`,
    })
  const at = axis === undefined ? 0 : normalizeAxis(`arg${kind}`, axis, x.shape.length)
  const row = axis === undefined ? reshape(x, [-1]) : asRow(x)
  const kept = rows[kind].position([row], { axis: at })
  if (keepdims && (axis === undefined || x.shape.length === 0)) return reshape(kept, new Array(x.shape.length).fill(1))
  return drop(kept, at, keepdims)
}

/** Index (int64) of the largest element along `axis`, or in the flattened tensor. */
export const argmax = (x: Node, axis?: number, keepdims = false): Node => argExtremum('max', x, axis, keepdims)
/** Index (int64) of the smallest element along `axis`, or in the flattened tensor. */
export const argmin = (x: Node, axis?: number, keepdims = false): Node => argExtremum('min', x, axis, keepdims)

export interface ValuesAndIndices {
  readonly values: Node
  readonly indices: Node
}

function withIndex(kind: Extremum, x: Node, axis: number, keepdims: boolean): ValuesAndIndices {
  const at = normalizeAxis(kind, axis, x.shape.length)
  const row = asRow(x.dtype === 'bool' ? cast(x, 'int32') : x)
  const attrs = { axis: at }
  const shaped = (kept: Node): Node => (x.shape.length === 0 ? reshape(kept, []) : drop(kept, at, keepdims))
  return {
    values: cast(shaped(rows[kind].value([row], attrs)), x.dtype),
    indices: shaped(rows[kind].position([row], attrs)),
  }
}

/** torch.max(x, dim): the largest elements along `axis` and where they stand. */
export const maxWithIndex = (x: Node, axis: number, keepdims = false): ValuesAndIndices =>
  withIndex('max', x, axis, keepdims)
/** torch.min(x, dim): the smallest elements along `axis` and where they stand. */
export const minWithIndex = (x: Node, axis: number, keepdims = false): ValuesAndIndices =>
  withIndex('min', x, axis, keepdims)
