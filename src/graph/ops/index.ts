// Rows of gather and scatter, each the other's gradient. Rules for combined scatters follow PyTorch's scatter_reduce.
import { cast, div, equal, gather, logicalAnd, mul, scatter, where, zerosLike } from '../builders.ts'
import { inferIndex } from '../infer/index.ts'
import type { Node } from '../node.ts'
import type { OpTable } from '../op-row.ts'
import { indexSemantics } from '../semantics/index.ts'

type BaseAndSource = readonly [base: Node, source: Node]

function scatterGradients(node: Node<'scatter'>, grad: Node): BaseAndSource {
  const [base, index] = node.inputs
  const { axis, kind, caller } = node.attrs
  switch (kind) {
    case 'set':
      return [scatter(grad, axis, index, cast(zerosLike(index), base.dtype)), gather(grad, axis, index, caller)]
    case 'sum':
      return [grad, gather(grad, axis, index, caller)]
    case 'prod':
      return prodGradients(node, grad)
    default:
      return extremumGradients(node, grad)
  }
}

/** All elements that reached the extremum, the base's own among them, share the gradient evenly. */
function extremumGradients(node: Node<'scatter'>, grad: Node): BaseAndSource {
  const [base, index, source] = node.inputs
  const { axis } = node.attrs
  const baseWins = cast(equal(base, node), base.dtype)
  const sourceWins = cast(equal(source, gather(node, axis, index)), base.dtype)
  const share = div(grad, scatter(baseWins, axis, index, sourceWins, 'sum'))
  // a place that no winner reached is nobody's: its share is not read
  return [mul(baseWins, share), mul(sourceWins, gather(share, axis, index))]
}

/** Products of the others: by division where that is defined, recomputed without the element where it is the only zero. */
function prodGradients(node: Node<'scatter'>, grad: Node): BaseAndSource {
  const [base, index, source] = node.inputs
  const { axis } = node.attrs
  const at = (x: Node): Node => gather(x, axis, index)
  const safeBase = where(equal(base, 0), 1, base)
  const ofBase = div(mul(grad, scatter(safeBase, axis, index, source, 'prod')), safeBase)
  const isZero = equal(source, 0)
  const zeros = scatter(zerosLike(base), axis, index, cast(isZero, base.dtype), 'sum')
  const onlyZero = logicalAnd(isZero, equal(at(zeros), 1))
  const withoutIt = scatter(base, axis, index, where(onlyZero, 1, source), 'prod')
  const divided = div(at(mul(grad, node)), where(isZero, 1, source))
  return [ofBase, where(onlyZero, at(mul(grad, withoutIt)), divided)]
}

export const indexOps = {
  gather: {
    family: 'index',
    infer: inferIndex.gather,
    vjp: ({ inputs: [x, index], attrs: { axis, caller } }, grad) => [
      scatter(zerosLike(x), axis, index, grad, 'sum', caller),
      undefined,
    ],
    reference: indexSemantics.gather,
  },
  scatter: {
    family: 'index',
    infer: inferIndex.scatter,
    vjp: (node, grad) => {
      const [base, source] = scatterGradients(node, grad)
      return [base, undefined, source]
    },
    reference: indexSemantics.scatter,
  },
} satisfies Partial<OpTable>
