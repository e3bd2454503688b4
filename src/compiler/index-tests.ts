// Kernels that only test indices: in front of one that would write what outlasts the program, where testing moves less than a copy would.
// What a kernel in front has tested is known to be inside, so the results go where they belong at once instead of waiting beside it.
import { bytesOf } from '../base/dtype.ts'
import { elementsOf, isOp, type Node } from '../graph/node.ts'
import { nodeBytes } from './plan-memory.ts'
import { collect } from './schedule/collect.ts'
import type { IndexTest, KernelGroup } from './schedule-types.ts'

type Indexed = Node<'gather'> | Node<'scatter'>

const testedBy = ({ inner, test, anchorNode }: KernelGroup): [Node, IndexTest][] => [
  ...inner.filter((node): node is Indexed => isOp(node, 'gather') || isOp(node, 'scatter')).map(testOf),
  ...(test && anchorNode ? [[anchorNode, test] as [Node, IndexTest]] : []),
]

const testOf = ({ inputs, attrs }: Indexed): [Node, IndexTest] => [
  inputs[1],
  { op: attrs.caller, limit: inputs[0].shape[attrs.axis] },
]

/** Indices, and the limits that kernels so far have tested them against. */
class Tested {
  readonly #limits = new Map<Node, number>()

  covers(index: Node, limit: number): boolean {
    return (this.#limits.get(index) ?? Number.POSITIVE_INFINITY) <= limit
  }

  note(index: Node, limit: number): void {
    this.#limits.set(index, Math.min(limit, this.#limits.get(index) ?? limit))
  }
}

/** Groups that may be the first to find an index out of range: what an earlier one has tested is known to be inside. */
export function raisingGroups(groups: readonly KernelGroup[]): ReadonlySet<KernelGroup> {
  const tested = new Tested()
  const raising = new Set<KernelGroup>()
  for (const group of groups) {
    const tests = testedBy(group)
    if (tests.some(([index, { limit }]) => !tested.covers(index, limit))) raising.add(group)
    for (const [index, { limit }] of tests) tested.note(index, limit)
  }
  return raising
}

/** Whether a group may test indices that are not among its nodes: those of its loop's steps or its composite's body. */
export const testsWithin = ({ anchor }: KernelGroup): boolean => anchor === 'scan' || anchor === 'composite'

/** The groups, with tests in front of those that write one of the `lasting` nodes. */
export function testFirst(groups: readonly KernelGroup[], lasting: ReadonlySet<Node>): KernelGroup[] {
  const tested = new Tested()
  return groups.flatMap((group) => {
    const open = testedBy(group).filter(([index, { limit }]) => !tested.covers(index, limit))
    for (const [index, { limit }] of testedBy(group)) tested.note(index, limit)
    const waiting = group.outputs.filter((output) => lasting.has(output))
    const tests = waiting.length > 0 ? open.map(([index, test]) => testGroup(group, index, test)) : []
    const copied = waiting.reduce((sum, output) => sum + 2 * nodeBytes(output), 0)
    const read = tests.reduce((sum, test) => sum + (test ? bytesTested(test) : 0), 0)
    return tests.includes(undefined) || read > copied ? [group] : [...(tests as KernelGroup[]), group]
  })
}

/** A group that tests an index which `group` reads; undefined where the index comes out of what only that kernel holds. */
function testGroup(group: KernelGroup, index: Node, test: IndexTest): KernelGroup | undefined {
  const { inputs, inner } = collect([index], (node) => group.inputs.includes(node))
  const isFree = inner.every(({ op }) => op !== 'reduce' && op !== 'contract' && op !== 'scan' && op !== 'scatter')
  return isFree ? { anchor: 'test', anchorNode: index, test, inputs, inner, outputs: [] } : undefined
}

/** About what a test reads: the elements that the index is made of, where it is not repeated. */
function bytesTested({ anchorNode, inputs }: KernelGroup): number {
  const elements = elementsOf(anchorNode!)
  return inputs.reduce((sum, input) => sum + Math.min(nodeBytes(input), elements * bytesOf(input.dtype)), 0)
}
