// The native device: programs are machine code in pages of our own, run by a team of threads over memory that JavaScript never sees.

import { dtypes } from '../../base/dtype.ts'
import type { CompileOptions } from '../../compiler/compile.ts'
import type { Graph } from '../../compiler/graph.ts'
import { nodeBytes } from '../../compiler/plan-memory.ts'
import type { Target, TileShape } from '../../compiler/target.ts'
import { verifier } from '../../compiler/verifier.ts'
import { type CompilerSettings, compileOptionsOf } from '../../runtime/compiled-program.ts'
import type { Device, Program } from '../../runtime/device.ts'
import { type ProgramOutcome, QueuedDevice } from '../../runtime/queued-device.ts'
import type { CpuFeatures } from './cpu-features.ts'
import { type NativeHost, openNativeHost } from './native-host.ts'
import { NativeProgram } from './native-program.ts'
import type { ThreadPool } from './thread-pool.ts'

export interface NativeDeviceOptions extends CompilerSettings {
  readonly threads?: number
  /** in tests: random waits, in pauses at most, of each participant before each kernel (a power of two less one) */
  readonly jitter?: number
  /** off: no 512-bit vectors, even where the processor has them */
  readonly avx512?: boolean
}

/** Opens the device, or says why this process cannot have it. */
export function openNativeDevice(options: NativeDeviceOptions = {}): Device | { readonly refused: string } {
  const { host, refused } = openNativeHost()
  return host ? new NativeDevice(host, options) : { refused }
}

/** flops per cycle: two units, a multiply and an add in each lane; narrow wide tiles are held back by their loads */
const tiles: Readonly<Record<'float32' | 'float64', readonly TileShape[]>> = {
  float32: [{ mr: 6, nr: 16, lanes: 8, rate: 32 }],
  float64: [{ mr: 6, nr: 8, lanes: 4, rate: 16 }],
}
const tilesAvx512: typeof tiles = {
  float32: [
    { mr: 14, nr: 32, lanes: 16, rate: 64 },
    { mr: 14, nr: 16, lanes: 16, rate: 60 },
  ],
  float64: [
    { mr: 14, nr: 16, lanes: 8, rate: 32 },
    { mr: 14, nr: 8, lanes: 8, rate: 30 },
  ],
}

export const nativeTiles = (avx512: boolean): Target['tiles'] => (avx512 ? tilesAvx512 : tiles)

/** Smaller results are read faster from the next level than from memory, whatever a core's own caches hold. */
const leastStreamedBytes = 2 * 1024 * 1024

function targetOf({ cacheBytes, avx512 }: CpuFeatures, threads: number): Target {
  const { l1, l2, l3 } = cacheBytes
  return {
    dtypes: new Set(dtypes),
    vectorBytes: 32,
    vectorRegisters: 16,
    l1,
    l2,
    l3,
    threads,
    streamedBytes: Math.max(l2, leastStreamedBytes),
    tiles: nativeTiles(avx512),
  }
}

class NativeDevice extends QueuedDevice<NativeProgram> {
  readonly name = 'native'
  readonly target: Target
  readonly features: Device['features']
  readonly #host: NativeHost
  readonly #pool: ThreadPool
  readonly #cpu: CpuFeatures
  readonly #checked: boolean
  /** every program is run by all participants: with one there is no choice, and tests of their order need them */
  readonly #sharesAll: boolean
  readonly #compileOptions: CompileOptions

  constructor(host: NativeHost, options: NativeDeviceOptions) {
    const { checked = false, threads, jitter = 0, avx512 } = options
    super(host.memory, 'x64', checked)
    this.#host = host
    this.#pool = host.createPool({ threads, jitter })
    this.#checked = checked
    this.#sharesAll = this.#pool.threads === 1 || jitter > 0
    this.#compileOptions = compileOptionsOf('native', options, verifier)
    this.#cpu = { ...host.cpu, avx512: host.cpu.avx512 && avx512 !== false }
    this.target = targetOf(this.#cpu, this.#pool.threads)
    const { vendor, avx2, fma, f16c } = this.#cpu
    this.features = { cpu: vendor, avx2, fma, f16c, avx512: this.#cpu.avx512 }
  }

  compile(graph: Graph): Program {
    const fresh = graph.outputs.filter(({ target }) => target === undefined)
    this.#host.memory.expectRoom(fresh.reduce((sum, { node }) => sum + nodeBytes(node), 0))
    return new NativeProgram(this.#host, graph, this.target, {
      checked: this.#checked,
      features: this.#cpu,
      compile: this.#compileOptions,
    })
  }

  protected override owns(program: Program): program is NativeProgram {
    return program instanceof NativeProgram
  }

  protected override runInPlace({
    commands,
    commandCount,
    scratchBytes,
    participation,
  }: NativeProgram): ProgramOutcome {
    this.#pool.ensureScratch(scratchBytes)
    if (this.#sharesAll) return this.#pool.runInPlace(commands, commandCount)
    return this.#pool.runInPlace(commands, commandCount, participation.choose())
  }

  protected override run({ commands, commandCount, scratchBytes }: NativeProgram): Promise<ProgramOutcome> {
    this.#pool.ensureScratch(scratchBytes)
    return this.#pool.run(commands, commandCount)
  }

  override close(): void {
    void this.#host.close()
  }
}
