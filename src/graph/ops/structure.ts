// Rows of the structural primitives. What contains a graph of its own is differentiated through it ('body').
import { collectiveSum } from '../builders.ts'
import { inferStructure } from '../infer/structure.ts'
import type { OpTable } from '../op-row.ts'
import { structureSemantics } from '../semantics/structure.ts'

// the semantics of a scan evaluate its body by this very table: they are looked up at the call, not while modules load
export const structureOps = {
  scan: {
    family: 'structure',
    infer: inferStructure.scan,
    vjp: 'body',
    reference: (inputs, node) => structureSemantics.scan(inputs, node),
  },
  composite: {
    family: 'structure',
    infer: inferStructure.composite,
    vjp: 'body',
    reference: (inputs, node) => structureSemantics.composite(inputs, node),
  },
  assign: {
    family: 'structure',
    infer: inferStructure.assign,
    vjp: 'none',
    reference: (inputs, node) => structureSemantics.assign(inputs, node),
  },
  copy: {
    family: 'structure',
    infer: inferStructure.copy,
    vjp: (_, grad) => [grad],
    reference: (inputs, node) => structureSemantics.copy(inputs, node),
  },
  collective: {
    family: 'structure',
    infer: inferStructure.collective,
    vjp: (node, grad) => [collectiveSum(grad, node.attrs.group)],
    reference: (inputs, node) => structureSemantics.collective(inputs, node),
  },
} satisfies Partial<OpTable>
