// Products of square float32 matrices in all layouts: submitting and waiting count, compiling does not.
import { randn } from '../src/index.ts'
import { overwriting } from './overwriting.ts'
import type { Case } from './suite.ts'

const sizes = [16, 32, 64, 128, 256, 512, 1024, 2048, 127, 509, 1021]

/** n: as it lies in memory, t: transposed. */
const layouts = [
  { layout: 'nn', transposeA: false, transposeB: false },
  { layout: 'nt', transposeA: false, transposeB: true },
  { layout: 'tn', transposeA: true, transposeB: false },
  { layout: 'tt', transposeA: true, transposeB: true },
]

export const gemm = (): Case[] =>
  layouts.flatMap(({ layout, transposeA, transposeB }) =>
    sizes.map((n) => ({
      name: layout === 'nn' ? `gemm-${n}` : `gemm-${n}-${layout}`,
      group: `gemm ${layout}`,
      work: { n, transposeA, transposeB },
      flops: 2 * n ** 3,
      bytes: 3 * 4 * n * n,
      ours: () => {
        const [a, b] = [randn([n, n]).realize(), randn([n, n]).realize()]
        const left = () => (transposeA ? a.transpose(0, 1) : a)
        const right = () => (transposeB ? b.transpose(0, 1) : b)
        return overwriting(() => [left().matmul(right())])
      },
    })),
  )
