// The graph verifier: every node's type is inferred again and compared, loops and composite bodies included. Passes run it after
// themselves; what it throws is a bug of the pass, not of the user.
import { CompileError } from '../base/errors.ts'
import { formatShape, sameShape } from '../base/shape.ts'
import { expandComposite } from './composites/composite-table.ts'
import { isOp, type Node, type OpName, topologicalOrder } from './node.ts'
import type { OpRow, ValueType } from './op-row.ts'
import { opTable } from './op-table.ts'

/** Throws a CompileError at the first node that its row would not have built; `stage` names who made the graph. */
export function verifyGraph(roots: readonly Node[], stage = 'graph'): void {
  for (const node of topologicalOrder(roots)) {
    const row = opTable[node.op] as OpRow<OpName>
    expectType(stage, node, row.infer(node.inputs, node.attrs), 'inferred')
    for (const input of node.inputs)
      if (input.depth >= node.depth)
        throw new CompileError(
          `verify: expected ${stage} to give ${node.op} a depth above its inputs', got ${node.depth}.`,
        )
    if (isOp(node, 'composite')) expectType(stage, node, expandComposite(node), `its body's`)
    if (isOp(node, 'scan')) verifyBody(node, stage)
  }
}

function verifyBody(node: Node<'scan'>, stage: string): void {
  const { placeholders, outputs } = node.attrs.body
  const known = new Set<Node>(placeholders)
  for (const inner of topologicalOrder(outputs))
    if (isOp(inner, 'buffer') && !known.has(inner))
      throw new CompileError(
        `verify: expected the scan that ${stage} made to read its own placeholders only, got a buffer of storage ` +
          `${inner.attrs.leaf.storage}. Pass it as a constant.`,
        { op: 'scan', stage },
      )
  verifyGraph(outputs, stage)
}

function expectType(stage: string, node: Node, expected: ValueType, which: string): void {
  if (expected.dtype === node.dtype && sameShape(expected.shape, node.shape)) return
  throw new CompileError(
    `verify: expected ${node.op} that ${stage} made to have ${which} type ${expected.dtype} ${formatShape(expected.shape)}, ` +
      `got ${node.dtype} ${formatShape(node.shape)}.`,
    { op: node.op, stage, expected, got: { shape: node.shape, dtype: node.dtype } },
  )
}
