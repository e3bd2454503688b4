// einsum: products named by letters. Operands are reduced to one by pairwise contractions, from left to right.
// https://docs.pytorch.org/docs/stable/generated/torch.einsum.html
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import type { Node } from '../../graph/node.ts'
import { resultOf } from '../core.ts'
import { sameDevice } from '../operands.ts'
import type { Tensor } from '../tensor.ts'

/** A node with a label for each axis; `.0`, `.1`, … are the axes of an ellipsis. */
interface Labelled {
  readonly node: Node
  readonly labels: readonly string[]
}

/** `einsum('bij,bjk->bik', a, b)`: letters that are not in the output are summed over; without `->` it has those that appear once. */
export function einsum(equation: string, ...tensors: readonly Tensor[]): Tensor {
  const nodes = sameDevice('einsum', tensors)
  const [left, right] = equation.replaceAll(' ', '').split('->')
  const terms = left.split(',')
  if (terms.length !== nodes.length)
    throw new ArgumentError(
      `einsum: expected as many operands as '${equation}' has terms (${terms.length}), got ${nodes.length}.`,
      { op: 'einsum', equation },
    )
  const inputs = alignEllipses(terms.map((term, i) => withoutDiagonals(labelled(term, nodes[i]))))
  const output = right === undefined ? implicitOutput(terms, inputs) : outputLabels(right, inputs)
  const rest = (from: number): Set<string> =>
    new Set([...output, ...inputs.slice(from).flatMap(({ labels }) => labels)])
  const product = inputs
    .slice(1)
    .reduce((joined, next, i) => multiply(joined, next, rest(i + 2)), summed(inputs[0], rest(1)))
  const result = summed(product, new Set(output))
  const node = build.permute(
    result.node,
    output.map((label) => labelIndex(result, label, equation)),
  )
  return resultOf(tensors[0].session, node, tensors)
}

function labelIndex({ labels }: Labelled, label: string, equation: string): number {
  const at = labels.indexOf(label)
  if (at < 0)
    throw new ArgumentError(
      `einsum: expected output letters that are in an operand, got '${label}' in '${equation}'.`,
      {
        op: 'einsum',
        equation,
      },
    )
  return at
}

function labelled(term: string, node: Node): Labelled {
  const match = /^([A-Za-z]*)(\.\.\.)?([A-Za-z]*)$/.exec(term)
  if (!match)
    throw new ArgumentError(`einsum: expected letters and at most one '...' in a term, got '${term}'.`, {
      op: 'einsum',
      term,
    })
  const [before, after] = [[...match[1]], [...match[3]]]
  const hidden = node.shape.length - before.length - after.length
  if (hidden < 0 || (hidden > 0 && match[2] === undefined))
    throw new ShapeError(
      `einsum: expected '${term}' to name every axis of ${formatShape(node.shape)}. '...' stands for axes without a letter.`,
      { op: 'einsum', term, shape: node.shape },
    )
  // numbered from the last, so that ellipses of different ranks broadcast
  const dots = Array.from({ length: hidden }, (_, i) => `.${hidden - 1 - i}`)
  return { node, labels: [...before, ...dots, ...after] }
}

/** A letter that appears twice in a term means the diagonal. */
function withoutDiagonals({ node, labels }: Labelled): Labelled {
  const again = labels.findIndex((label, i) => labels.indexOf(label) < i)
  if (again < 0) return { node, labels }
  const first = labels.indexOf(labels[again])
  const extent = node.shape[first]
  if (node.shape[again] !== extent) refuseExtents(labels[again], extent, node.shape[again])
  const positions = (axis: number): Node => build.alongAxis(build.iota(extent, 'int32'), axis, node.shape)
  const diagonal = build.where(build.equal(positions(first), positions(again)), node, 0)
  const kept = build.sum(build.cast(diagonal, node.dtype), again)
  return withoutDiagonals({ node: build.cast(kept, node.dtype), labels: labels.filter((_, i) => i !== again) })
}

function refuseExtents(label: string, a: number, b: number): never {
  throw new ShapeError(`einsum: expected one size for '${label}', got ${a} and ${b}.`, { op: 'einsum', label })
}

/** Sizes of 1 grow to those of other operands. */
function alignEllipses(inputs: readonly Labelled[]): Labelled[] {
  const extents = new Map<string, number>()
  for (const { node, labels } of inputs)
    labels.forEach((label, axis) => {
      const known = extents.get(label) ?? 1
      if (known !== 1 && node.shape[axis] !== 1 && known !== node.shape[axis])
        refuseExtents(label, known, node.shape[axis])
      extents.set(label, known === 1 ? node.shape[axis] : known)
    })
  return inputs.map(({ node, labels }) => ({
    labels,
    node: build.broadcastTo(
      node,
      labels.map((label) => extents.get(label)!),
    ),
  }))
}

const isHidden = (label: string): boolean => label.startsWith('.')
const hiddenOf = (inputs: readonly Labelled[]): string[] =>
  [...new Set(inputs.flatMap(({ labels }) => labels.filter(isHidden)))].sort(
    (a, b) => Number(b.slice(1)) - Number(a.slice(1)),
  )

function outputLabels(term: string, inputs: readonly Labelled[]): string[] {
  const [before, after] = term.split('...')
  return after === undefined ? [...before] : [...before, ...hiddenOf(inputs), ...after]
}

function implicitOutput(terms: readonly string[], inputs: readonly Labelled[]): string[] {
  const letters = [...terms.join('').replaceAll('.', '')]
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort()
  return [...hiddenOf(inputs), ...once]
}

/** Sums over the axes whose letters nobody needs any more. */
function summed({ node, labels }: Labelled, needed: ReadonlySet<string>): Labelled {
  const axes = labels.flatMap((label, axis) => (needed.has(label) ? [] : [axis]))
  if (axes.length === 0) return { node, labels }
  return { node: build.sum(node, axes), labels: labels.filter((label) => needed.has(label)) }
}

/** One contraction: shared letters that are needed later are batches, the other shared ones are summed over. */
function multiply(a: Labelled, b: Labelled, needed: ReadonlySet<string>): Labelled {
  const [left, right] = [summed(a, new Set([...needed, ...b.labels])), summed(b, new Set([...needed, ...a.labels]))]
  const shared = left.labels.filter((label) => right.labels.includes(label))
  const batch = shared.filter((label) => needed.has(label))
  const contracted = shared.filter((label) => !needed.has(label))
  const own = ({ labels }: Labelled): string[] => labels.filter((label) => !shared.includes(label))
  const arranged = (x: Labelled): Node =>
    build.permute(
      x.node,
      [...batch, ...own(x), ...contracted].map((label) => x.labels.indexOf(label)),
    )
  const [x, y] = build.promoteOperands([arranged(left), arranged(right)])
  return {
    node: build.contract(x, y, batch.length, contracted.length),
    labels: [...batch, ...own(left), ...own(right)],
  }
}
