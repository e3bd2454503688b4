// The optimizer of kernels: a list of passes, each of which keeps what the kernel computes, bit for bit, and can be left out.
import type { Kernel } from '../../kernel/kernel-node.ts'
import { hoistInvariants } from './hoist-invariants.ts'
import { removeUnused } from './remove-unused.ts'
import { shareExpressions } from './share-expressions.ts'
import { simplifyExpressions } from './simplify-expressions.ts'
import { splitGuards } from './split-guards.ts'

export interface KernelPass {
  readonly name: string
  /** what it works best after, and what holds once it ran; nothing needs an earlier pass to be correct */
  readonly needs: string
  readonly gives: string
  readonly run: (kernel: Kernel) => Kernel
}

export const kernelPasses: readonly KernelPass[] = [
  {
    name: 'splitGuards',
    needs: 'guards as lower writes them, in the loop that they guard',
    gives: 'vector loops without tests that their lanes share, and without tests at all where they are long',
    run: splitGuards,
  },
  {
    name: 'simplifyExpressions',
    needs: 'nothing',
    gives: 'constants folded; sub, neg, min, not and notEqual where the graph spells them out',
    run: simplifyExpressions,
  },
  {
    name: 'hoistInvariants',
    needs: 'sums with outer variables first, as lower writes them',
    gives: 'every value and index test in the outermost loop that its variables allow',
    run: hoistInvariants,
  },
  {
    name: 'shareExpressions',
    needs: 'invariants hoisted, so that equal ones meet in one block',
    gives: 'shared values of a block bound once; single-use trees stay nested',
    run: shareExpressions,
  },
  { name: 'removeUnused', needs: 'nothing', gives: 'no let, loop or scratch without a use', run: removeUnused },
]

/** The kernel after all passes but those named in `skip`. */
export function optimize(kernel: Kernel, skip: ReadonlySet<string> = new Set()): Kernel {
  return kernelPasses.reduce((result, pass) => (skip.has(pass.name) ? result : pass.run(result)), kernel)
}
