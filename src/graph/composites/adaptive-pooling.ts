// Average pooling to a given size: windows of height h and output o run from floor(i h / o) to ceil((i + 1) h / o).
// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool2d.html
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import {
  add,
  cast,
  contract,
  div,
  floorDivide,
  iota,
  less,
  lessEqual,
  logicalAnd,
  mul,
  reduce,
  reshape,
  sub,
  transpose,
} from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'

/** [size, extent]: row i holds 1 / length on its window, else 0. */
function averagingMatrix(size: number, extent: number, like: Node): Node {
  const i = reshape(iota(size, 'int32'), [size, 1])
  const position = reshape(iota(extent, 'int32'), [1, extent])
  const start = floorDivide(mul(i, extent), size)
  const end = floorDivide(add(mul(add(i, 1), extent), size - 1), size)
  const inside = logicalAnd(lessEqual(start, position), less(position, end))
  return div(cast(inside, like.dtype), cast(sub(end, start), like.dtype))
}

/** Averages axis `axis` by a product with its matrix, which leaves the axis last. */
const averageAxis = (x: Node, axis: number, size: number): Node => {
  const last = transpose(x, axis, -1)
  return transpose(contract(last, averagingMatrix(size, last.shape[last.shape.length - 1], x), 0, 1), axis, -1)
}

/** Equal windows that do not overlap are axes of their own. */
function averageBlocks(x: Node, height: number, width: number): Node {
  const front = x.shape.slice(0, -2)
  const [h, w] = x.shape.slice(-2)
  const blocks = reshape(x, [...front, height, h / height, width, w / width])
  const at = front.length
  const total = reduce('sum', blocks, [at + 1, at + 3])
  return reshape(div(total, (h * w) / (height * width)), [...front, height, width])
}

/** x [..., height, width] to [..., size]; null keeps an extent. */
export function adaptiveAvgPool2d(x: Node, outputSize: number | null | readonly (number | null)[]): Node {
  const op = 'adaptiveAvgPool2d'
  expectCategory(op, x.dtype, ['float'])
  if (x.shape.length < 3 || x.shape.length > 4)
    throw new ShapeError(
      `${op}: expected [batch, channels, height, width] or [channels, height, width], got ${formatShape(x.shape)}.`,
      { op, shape: x.shape },
    )
  const pair = Array.isArray(outputSize) ? outputSize : [outputSize, outputSize]
  const [h, w] = x.shape.slice(-2)
  const [height, width] = [pair[0] ?? h, pair[1] ?? w]
  if (pair.length !== 2 || ![height, width].every((size) => Number.isInteger(size) && size >= 1))
    throw new ArgumentError(
      `${op}: expected an output size from 1, or [height, width], got ${JSON.stringify(outputSize)}.`,
      { op, outputSize },
    )
  if (h % height === 0 && w % width === 0) return averageBlocks(x, height, width)
  return averageAxis(averageAxis(x, x.shape.length - 1, width), x.shape.length - 2, height)
}
