// The machine's limits, measured with emitted code on the threads that the benchmark uses: fused multiply-adds and copies per second.
// A benchmark's floor follows from them: no program of that many flops and bytes can be faster here.

import { Assembler } from '../src/codegen/x64/assembler.ts'
import { threadContext } from '../src/codegen/x64/calling-convention.ts'
import { mem, r8, r9, r10, r11, rax, rcx, rdi, rdx, ymm } from '../src/codegen/x64/operands.ts'
import { type NativeHost, openNativeHost } from '../src/devices/native/native-host.ts'
import { encodeCommands, type ThreadPool } from '../src/devices/native/thread-pool.ts'
import { round } from './timing.ts'

export interface CopyRate {
  /** the cache that both ends of the copy fit into, or DRAM */
  readonly level: 'L2' | 'L3' | 'DRAM'
  /** read plus written */
  readonly footprint: number
  /** GB/s, read plus written, all threads, warm */
  readonly gbs: number
}

export interface Machine {
  readonly threads: number
  /** float32 with 256-bit vectors, all threads */
  readonly gflops: number
  readonly copies: readonly CopyRate[]
}

/**
 * Undefined where no native code can run: then there are no floors.
 * @param patience seconds of repeating each: long enough that one run meets a quiet moment of a shared machine
 */
export async function measureMachine(threads: number, patience = 1): Promise<Machine | undefined> {
  const { host } = openNativeHost()
  if (!host) return undefined
  const pool = host.createPool({ threads })
  const { l2, l3 } = host.cpu.cacheBytes
  const levels = [
    { level: 'L2', footprint: (l2 / 2) * threads },
    { level: 'L3', footprint: Math.min(l3 / 2, 8 * l2 * threads) },
    { level: 'DRAM', footprint: Math.min(512 * 2 ** 20, Math.max(128 * 2 ** 20, 3 * l3)) },
  ] as const
  const stand = { host, pool, patience }
  const gflops = measurePeak(stand)
  const copies = levels.map(({ level, footprint }) => measureCopy(stand, level, footprint))
  await host.close()
  return { threads, gflops: round(gflops), copies }
}

/** Least milliseconds for this many flops and bytes: what binds is the slower of the two. */
export function floorOf(machine: Machine | undefined, flops: number, bytes: number): number | null {
  if (!machine) return null
  const rate = machine.copies.find(({ footprint }) => bytes <= footprint) ?? machine.copies.at(-1)!
  return round(Math.max(flops / machine.gflops / 1e6, bytes / rate.gbs / 1e6))
}

/** What measurements run on. */
interface Stand {
  readonly host: NativeHost
  readonly pool: ThreadPool
  readonly patience: number
}

/** Runs `code` on all threads, with `words` as its bindings; the least number of seconds. */
function bestSeconds({ host, pool, patience }: Stand, code: Uint8Array, words: readonly number[]): number {
  const { memory } = host
  const installed = host.installCode([code])
  const bindings = memory.allocate(words.length * 8)
  memory.write(bindings, new Uint8Array(BigUint64Array.from(words, BigInt).buffer))
  const table = encodeCommands([{ kernel: installed.addresses[0], bindings, sizes: bindings, flags: 0, kernelId: 0 }])
  const commands = memory.allocate(table.byteLength)
  memory.write(commands, table)
  let best = Number.POSITIVE_INFINITY
  // the first touch of a page costs more than the work on it
  pool.runInPlace(commands, 1)
  const end = performance.now() + patience * 1000
  while (performance.now() < end || best === Number.POSITIVE_INFINITY) {
    const start = performance.now()
    pool.runInPlace(commands, 1)
    best = Math.min(best, (performance.now() - start) / 1000)
  }
  memory.release(commands)
  memory.release(bindings)
  host.releaseCode(installed)
  return best
}

const peakShape = { chains: 12, unrolled: 4, turns: 1e5, flopsEach: 16 }

/** Twelve independent chains of fused multiply-adds keep two units of latency 4 to 5 busy; for less than a time slice. */
function emitPeak(): Uint8Array {
  const { chains, unrolled, turns } = peakShape
  const a = new Assembler()
  for (let i = 0; i < 16; i++) a.emit('vxorps', ymm[i], ymm[i], ymm[i])
  a.emit('mov', rax, turns)
  const loop = a.bind()
  for (let i = 0; i < chains * unrolled; i++) a.emit('vfmadd231ps', ymm[i % chains], ymm[12 + (i & 1)], ymm[14])
  a.emit('dec', rax)
  a.emit('jne', loop)
  a.emit('vzeroupper')
  a.emit('ret')
  return a.finish()
}

function measurePeak(stand: Stand): number {
  const { chains, unrolled, turns, flopsEach } = peakShape
  return (chains * unrolled * flopsEach * turns * stand.pool.threads) / bestSeconds(stand, emitPeak(), [0]) / 1e9
}

const lineBytes = 128

/** Bindings: source, target, bytes for each participant (a multiple of 128), how often. */
function emitCopy(): Uint8Array {
  const a = new Assembler()
  a.emit('mov', rax, mem({ base: rdi }))
  a.emit('mov', rcx, mem({ base: rdi, disp: 8 }))
  a.emit('mov', r8, mem({ base: rdi, disp: 16 }))
  a.emit('mov', r11, mem({ base: rdi, disp: 24 }))
  a.emit('mov', r9, mem({ base: rdx, disp: threadContext.threadIndex }))
  a.emit('imul', r9, r8)
  a.emit('add', rax, r9)
  a.emit('add', rcx, r9)
  const pass = a.bind()
  a.emit('mov', r10, 0)
  const loop = a.bind()
  for (let i = 0; i < 4; i++) a.emit('vmovups', ymm[i], mem({ base: rax, index: r10, disp: 32 * i }))
  for (let i = 0; i < 4; i++) a.emit('vmovups', mem({ base: rcx, index: r10, disp: 32 * i }), ymm[i])
  a.emit('add', r10, lineBytes)
  a.emit('cmp', r10, r8)
  a.emit('jb', loop)
  a.emit('dec', r11)
  a.emit('jne', pass)
  a.emit('vzeroupper')
  a.emit('ret')
  return a.finish()
}

function measureCopy(stand: Stand, level: CopyRate['level'], wanted: number): CopyRate {
  const { host, pool } = stand
  const each = Math.floor(wanted / 2 / pool.threads / lineBytes) * lineBytes
  const footprint = 2 * each * pool.threads
  const passes = Math.max(1, Math.ceil((64 * 2 ** 20) / footprint))
  const [source, target] = [0, 1].map(() => host.memory.allocate(each * pool.threads))
  const seconds = bestSeconds(stand, emitCopy(), [source, target, each, passes])
  host.memory.release(source)
  host.memory.release(target)
  return { level, footprint, gbs: round((footprint * passes) / seconds / 1e9) }
}
