// Products of square float32 matrices through the public tensors: building, submitting and waiting count, compiling does not.
import { randn } from '../src/index.ts'
import type { Suite } from './suite.ts'
import { round, sample, summarize } from './timing.ts'

const sizes = [16, 32, 64, 128, 256, 512, 1024, 2048, 127, 509, 1021]

export const runGemm: Suite = async ({ options, report, peers, floorOf }) => {
  for (const n of sizes) {
    const name = `gemm-${n}`
    if (!name.includes(options.only)) continue
    const [a, b] = [randn([n, n]).realize(), randn([n, n]).realize()]
    const multiply = async () => {
      const { session } = a.matmul(b).realize()
      await session.synchronize()
    }
    const before = await sample(multiply, options.seconds / 2)
    const peerTimes = await peers.timesOf(name)
    const timing = summarize([...before, ...(await sample(multiply, options.seconds / 2))])
    const flops = 2 * n ** 3
    report.row({
      suite: 'gemm',
      name,
      device: options.device,
      threads: options.threads,
      ...timing,
      gflops: round(flops / timing.ms / 1e6),
      floorMs: floorOf(flops, 3 * 4 * n * n),
      ...(peerTimes && { peers: peerTimes }),
    })
  }
  return []
}
