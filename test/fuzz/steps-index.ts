// Random data-dependent reads and writes: gather and scatter of each kind with indices that are in range, embeddings, one-hot rows.

import { sizeOf } from '../../src/base/shape.ts'
import * as build from '../../src/graph/builders.ts'
import { embedding, oneHot } from '../../src/graph/composites.ts'
import type { ScatterKind } from '../../src/graph/node.ts'
import { type Bounded, exactly, integral, mixed, moved } from './bounded.ts'
import type { Draw, StepTable } from './random-graph.ts'
import { isFloats, isNumbers, tamed } from './steps-elementwise.ts'

const isIndex = (x: Bounded): boolean => x.node.dtype === 'int32' || x.node.dtype === 'int64'
const hasElements = (x: Bounded): boolean => x.node.shape.length > 0 && sizeOf(x.node.shape) > 0

/** Whole numbers from 0 to `limit` - 1 of a shape. */
function indexOf(draw: Draw, shape: readonly number[], limit: number): Bounded {
  const same = draw.nat(2) === 0 ? draw.value((x) => isIndex(x) && String(x.node.shape) === String(shape)) : undefined
  const x = same ?? draw.leaf(shape, draw.pick(['int32', 'int64'] as const))
  return integral(build.mod(x.node, limit), limit)
}

function gatherStep(draw: Draw): Bounded | undefined {
  const x = draw.value(hasElements)
  if (!x) return undefined
  const axis = draw.nat(x.node.shape.length)
  const shape = x.node.shape.map((n, i) => (i === axis ? 1 + draw.nat(7) : 1 + draw.nat(n)))
  return moved(build.gather(x.node, axis, indexOf(draw, shape, x.node.shape[axis]).node), x)
}

const kinds: readonly ScatterKind[] = ['set', 'sum', 'prod', 'max', 'min']

function scatterStep(draw: Draw): Bounded | undefined {
  const kind = draw.pick(kinds)
  const given = draw.value((y) => hasElements(y) && (kind === 'set' || isNumbers(y)))
  if (!given) return undefined
  const x = isFloats(given) ? tamed(given, kind === 'prod' ? 1 : 64) : given
  const axis = draw.nat(x.node.shape.length)
  const shape = x.node.shape.map((n, i) => (i === axis ? 1 + draw.nat(7) : 1 + draw.nat(n)))
  const fits = (y: Bounded): boolean => y.node.dtype === x.node.dtype && String(y.node.shape) === String(shape)
  const drawn = draw.value(fits) ?? draw.leaf(shape, x.node.dtype)
  const source = isFloats(x) && kind === 'prod' ? tamed(drawn, 1) : drawn
  const index = indexOf(draw, shape, x.node.shape[axis])
  const node = build.scatter(x.node, axis, index.node, source.node, kind)
  if (kind === 'set' || kind === 'max' || kind === 'min') return mixed(node, x, source)
  const count = shape[axis] + 1
  const [bound, error] = [Math.max(x.bound, source.bound), Math.max(x.error, source.error)]
  return kind === 'sum'
    ? exactly(node, bound * count, Math.min(x.grain, source.grain), error * count + bound * count * count * 2 ** -22)
    : exactly(node, isFloats(x) ? 1 : Number.POSITIVE_INFINITY, 0, count * (error + 2 ** -22))
}

export const indexSteps: StepTable = {
  gather: gatherStep,
  scatter: scatterStep,
  indexSelect: (draw) => {
    const x = draw.value(hasElements)
    if (!x) return undefined
    const axis = draw.nat(x.node.shape.length)
    return moved(build.indexSelect(x.node, axis, indexOf(draw, [1 + draw.nat(9)], x.node.shape[axis]).node), x)
  },
  embedding: (draw) => {
    const table = draw.value((x) => x.node.shape.length === 2 && isFloats(x) && hasElements(x))
    if (!table) return undefined
    return moved(
      embedding(indexOf(draw, [1 + draw.nat(3), 1 + draw.nat(4)], table.node.shape[0]).node, table.node),
      table,
    )
  },
  oneHot: (draw) => {
    const x = draw.value(isIndex)
    return x && integral(oneHot(build.mod(x.node, 5), 5), 1)
  },
}
