// Prints GFLOP/s of the emitted GEMM microkernels on panels that stay in the first-level cache, next to the FMA peak of one core.
import { Assembler } from '../src/codegen/x64/assembler.ts'
import { emitKernel } from '../src/codegen/x64/emit-kernel.ts'
import { type Register, rdi, ymm, zmm } from '../src/codegen/x64/operands.ts'
import { openNativeHost } from '../src/devices/native/native-host.ts'
import { encodeCommands } from '../src/devices/native/thread-pool.ts'
import type { Expression, Kernel, Param } from '../src/kernel/kernel-node.ts'

const { host, refused } = openNativeHost()
if (host === undefined) throw new Error(refused)

const repeats = 5
const bestSeconds = (run: () => void): number => {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < repeats; i++) {
    const start = process.hrtime.bigint()
    run()
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e9)
  }
  return best
}

/** Twelve independent chains of fused multiply-adds, which is what keeps two units of latency 4 to 5 busy. */
function peak(registers: readonly Register[]): number {
  const [chains, turns, unrolled] = [12, 2e6, 4]
  const flops = registers[0].size / 2
  const code = new Assembler()
  for (let i = 0; i < 16; i++) code.emit('vxorps', ymm[i], ymm[i], ymm[i])
  const loop = code.bind()
  for (let i = 0; i < chains * unrolled; i++)
    code.emit('vfmadd231ps', registers[i % chains], registers[12 + (i & 1)], registers[14])
  code.emit('dec', rdi)
  code.emit('jne', loop)
  code.emit('vzeroupper')
  code.emit('ret')
  const installed = host!.installCode([code.finish()])
  const run = host!.callable(installed.addresses[0], 1)
  return (chains * unrolled * flops * turns) / bestSeconds(() => run(turns)) / 1e9
}

const index = (value: number): Expression => ({ op: 'literal', dtype: 'index', value })

function tileKernel(dtype: 'float32' | 'float64', mr: number, nr: number, depth: number, turns: number): Kernel {
  const param = (slot: number, size: number): Param => ({
    op: 'param',
    slot,
    dtype,
    size,
    access: 'readwrite',
    name: `p${slot}`,
  })
  const params = [param(0, depth * mr), param(1, depth * nr), param(2, mr * nr)]
  const [a, b, c] = params.map((memory) => ({ memory, index: index(0) }))
  const stride = { ...c, stride: index(nr) }
  const shape = { dtype, mr, nr, aRow: 1, aStride: mr, bStride: nr, depth: index(depth) }
  const variable = { name: 'turn', id: 0 }
  const tile = { op: 'tileMultiply' as const, ...shape, a, b, c: stride, accumulate: index(0) }
  const loop = { op: 'for' as const, variable, extent: index(turns), kind: 'serial' as const, lanes: 1, body: [tile] }
  return { name: `tile ${mr}x${nr} ${dtype}`, params, scratch: [], body: [loop] }
}

function measure(dtype: 'float32' | 'float64', mr: number, nr: number, depth: number): number {
  const turns = Math.ceil(2e7 / (mr * nr * depth)) * 10
  const bytes = dtype === 'float32' ? 4 : 8
  const { code } = emitKernel(tileKernel(dtype, mr, nr, depth, turns), { checked: false, features: host!.cpu })
  const installed = host!.installCode([code])
  const buffers = [depth * mr, depth * nr, mr * nr].map((size) => host!.memory.allocate(size * bytes))
  const bindings = host!.memory.allocate(64)
  host!.memory.write(bindings, new Uint8Array(BigUint64Array.from(buffers, BigInt).buffer))
  const commands = host!.memory.allocate(64)
  const command = { kernel: installed.addresses[0], bindings, sizes: bindings, flags: 0, kernelId: 0 }
  host!.memory.write(commands, encodeCommands([command]))
  const pool = host!.createPool({ threads: 1 })
  const seconds = bestSeconds(() => pool.runInPlace(commands, 1))
  pool.closeIdle()
  return (2 * mr * nr * depth * turns) / seconds / 1e9
}

const { avx512 } = host.cpu
const shapes = [
  { dtype: 'float32', mr: 6, nr: 16, bits: 256 },
  { dtype: 'float64', mr: 6, nr: 8, bits: 256 },
  { dtype: 'float32', mr: 14, nr: 32, bits: 512 },
  { dtype: 'float32', mr: 14, nr: 16, bits: 512 },
  { dtype: 'float64', mr: 14, nr: 16, bits: 512 },
  { dtype: 'float64', mr: 14, nr: 8, bits: 512 },
] as const
const peaks = { 256: peak(ymm), 512: avx512 ? peak(zmm) : 0 }
for (const [bits, speed] of Object.entries(peaks))
  console.log(`FMA peak float32, ${bits} bits: ${speed === 0 ? 'no AVX-512 here' : `${speed.toFixed(1)} GFLOP/s`}`)
for (const { dtype, mr, nr, bits } of shapes)
  for (const depth of bits === 512 && !avx512 ? [] : [64, 128, 192, 256]) {
    const top = dtype === 'float32' ? peaks[bits] : peaks[bits] / 2
    const speed = measure(dtype, mr, nr, depth)
    const share = `${((100 * speed) / top).toFixed(0)}% of ${bits}-bit peak`
    console.log(`tile ${mr}x${nr} ${dtype} depth ${depth}: ${speed.toFixed(1)} GFLOP/s, ${share}`)
  }
await host.close()
