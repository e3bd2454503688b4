// Attention over [batch 4, heads 8, tokens, width 64], causal and not: forward, and forward with the gradients of queries, keys and values.
import { grad, nn, randn } from '../src/index.ts'
import { overwriting } from './overwriting.ts'
import type { Case } from './suite.ts'

const [batch, heads, width] = [4, 8, 64]
/** Products of a forward pass, and with them those of the gradients, where the scores are computed twice because nobody kept them. */
const products = { forward: 2, both: 7 }
/** Queries, keys, values and result; with the gradients of all. */
const arrays = { forward: 4, both: 8 }

function caseOf(tokens: number, isCausal: boolean, mode: 'forward' | 'both'): Case {
  const shape = [batch, heads, tokens, width]
  const square = batch * heads * tokens * tokens * width * (isCausal ? 0.5 : 1)
  return {
    name: `attention-${isCausal ? 'causal' : 'full'}-${shape.join('x')}${mode === 'both' ? '-backward' : ''}`,
    group: `attention ${mode === 'both' ? 'forward and backward' : 'forward'}`,
    work: { shape, isCausal, mode },
    flops: 2 * products[mode] * square,
    bytes: 4 * arrays[mode] * batch * heads * tokens * width,
    ours: () => {
      const [q, k, v, dy] = Array.from({ length: 4 }, () => randn(shape).realize())
      const learnt = mode === 'both' ? [q, k, v] : []
      for (const each of learnt) each.requiresGrad_()
      return overwriting(() => {
        const y = nn.functional.scaledDotProductAttention(q, k, v, { isCausal })
        return learnt.length > 0 ? [y.detach(), ...grad(y, learnt, { gradOutputs: [dy] })] : [y]
      })
    },
  }
}

export const attention = (): Case[] =>
  (['forward', 'both'] as const).flatMap((mode) =>
    [true, false].flatMap((isCausal) => [128, 512, 1024, 2048].map((tokens) => caseOf(tokens, isCausal, mode))),
  )
