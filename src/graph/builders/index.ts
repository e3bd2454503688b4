// Builders of data-dependent reads and writes.
import { normalizeAxis, type Shape } from '../../base/shape.ts'
import { inferIndex } from '../infer/index.ts'
import { makeNode, type Node, type ScatterKind } from '../node.ts'
import { broadcastTo, reshape } from './movement.ts'

/** torch.gather: out[i][j] = x[index[i][j]][j] for axis 0. Errors speak in the name of `caller`. */
export function gather(x: Node, axis: number, index: Node, caller = 'gather'): Node {
  const inputs = [x, index]
  const attrs = { axis: normalizeAxis(caller, axis, x.shape.length), caller }
  const { shape, dtype } = inferIndex.gather(inputs, attrs)
  return makeNode('gather', inputs, attrs, shape, dtype)
}

/** torch.scatter and scatter_reduce: base[index[i][j]][j] = source[i][j] for axis 0, or combined with what is there. */
export function scatter(
  base: Node,
  axis: number,
  index: Node,
  source: Node,
  kind: ScatterKind = 'set',
  caller = 'scatter',
): Node {
  const inputs = [base, index, source]
  const attrs = { axis: normalizeAxis(caller, axis, base.shape.length), kind, caller }
  const { shape, dtype } = inferIndex.scatter(inputs, attrs)
  return makeNode('scatter', inputs, attrs, shape, dtype)
}

/** torch.index_select: whole slices of `x` along `axis`, in the order of a 1-dimensional index. */
export const indexSelect = (x: Node, axis: number, index: Node, caller = 'indexSelect'): Node => {
  const at = normalizeAxis(caller, axis, x.shape.length)
  return gather(x, at, alongAxis(index, at, x.shape), caller)
}

/** A 1-dimensional index laid along `axis` and repeated over the other axes of `shape`. */
export function alongAxis(index: Node, axis: number, shape: Shape): Node {
  const count = index.shape[0]
  const aligned = reshape(
    index,
    shape.map((_, i) => (i === axis ? count : 1)),
  )
  return broadcastTo(
    aligned,
    shape.map((extent, i) => (i === axis ? count : extent)),
  )
}
