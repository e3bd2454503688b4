// The native device: programs are machine code in pages of our own, run by a team of threads over memory that JavaScript never sees.

import type { DType } from '../../base/dtype.ts'
import { DeviceError } from '../../base/errors.ts'
import type { CompileOptions } from '../../compiler/compile.ts'
import type { Graph } from '../../compiler/graph.ts'
import { nodeBytes } from '../../compiler/plan-memory.ts'
import type { Target, TileShape } from '../../compiler/target.ts'
import { CommandQueue } from '../../runtime/command-queue.ts'
import {
  type CompilerSettings,
  checkError,
  compileOptionsOf,
  MeasuredPrograms,
} from '../../runtime/compiled-program.ts'
import type { Bindings, Device, DeviceBuffer, Failure, KernelProfile, Program } from '../../runtime/device.ts'
import { Retained } from '../../runtime/retained.ts'
import type { CpuFeatures } from './cpu-features.ts'
import { type NativeHost, openNativeHost } from './native-host.ts'
import { NativeProgram } from './native-program.ts'
import type { ProgramOutcome, ThreadPool } from './thread-pool.ts'

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

const nativeDTypes: readonly DType[] = [
  'bool',
  'uint8',
  'int8',
  'int16',
  'int32',
  'int64',
  'float16',
  'bfloat16',
  'float32',
  'float64',
]

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

function targetOf({ cacheBytes, avx512 }: CpuFeatures, threads: number): Target {
  const { l1, l2, l3 } = cacheBytes
  return {
    dtypes: new Set(nativeDTypes),
    vectorBytes: 32,
    vectorRegisters: 16,
    l1,
    l2,
    l3,
    threads,
    tiles: nativeTiles(avx512),
  }
}

/** A block of native memory; it outlives its release while queued work uses it. */
class NativeBuffer extends Retained implements DeviceBuffer {
  readonly bytes: number
  readonly address: number
  readonly #host: NativeHost

  constructor(host: NativeHost, bytes: number) {
    super()
    this.#host = host
    this.bytes = bytes
    this.address = host.memory.allocate(Math.max(1, bytes))
  }

  protected override free(): void {
    this.#host.memory.release(this.address)
  }
}

const nativeBuffer = (buffer: DeviceBuffer): NativeBuffer => {
  if (buffer instanceof NativeBuffer) return buffer
  throw new DeviceError('native: expected a buffer of the native device, got one of another device.')
}

class NativeDevice implements Device {
  readonly name = 'native'
  readonly target: Target
  readonly #host: NativeHost
  readonly #pool: ThreadPool
  readonly #queue = new CommandQueue<ProgramOutcome>()
  readonly features: Device['features']
  readonly #cpu: CpuFeatures
  readonly #checked: boolean
  /** every program is run by all participants: with one there is no choice, and tests of their order need them */
  readonly #sharesAll: boolean
  readonly #compileOptions: CompileOptions
  readonly #measured = new MeasuredPrograms('x64')
  #arena = 0
  #arenaBytes = 0
  #submissions = 0
  #failure: Failure | undefined

  constructor(host: NativeHost, options: NativeDeviceOptions) {
    this.#host = host
    this.#pool = host.createPool({ threads: options.threads, jitter: options.jitter })
    this.#checked = options.checked ?? false
    this.#sharesAll = this.#pool.threads === 1 || (options.jitter ?? 0) > 0
    this.#compileOptions = compileOptionsOf('native', options)
    this.#cpu = { ...host.cpu, avx512: host.cpu.avx512 && options.avx512 !== false }
    this.target = targetOf(this.#cpu, this.#pool.threads)
    const { vendor, avx2, fma, f16c, avx512 } = this.#cpu
    this.features = { cpu: vendor, avx2, fma, f16c, avx512 }
  }

  allocate(bytes: number): DeviceBuffer {
    return new NativeBuffer(this.#host, bytes)
  }

  write(buffer: DeviceBuffer, bytes: Uint8Array): void {
    const target = nativeBuffer(buffer)
    const copy = this.#queue.length > 0 ? bytes.slice() : bytes
    target.retain()
    const write = (): ProgramOutcome => {
      if (copy.byteLength > 0) this.#host.memory.write(target.address, copy)
      return { kind: 'done' }
    }
    this.#queue.submit({
      expected: 0,
      runInPlace: write,
      run: async () => write(),
      finish: (outcome) => {
        target.finish()
        if (outcome.kind === 'failed') this.#fail(outcome.error, this.#submissions)
      },
    })
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

  submit(program: Program, bindings: Bindings): number {
    if (!(program instanceof NativeProgram))
      throw new DeviceError('submit: expected a program of the native device, got one of another device.')
    const submission = ++this.#submissions
    const leaves = bindings.leaves.map(nativeBuffer)
    const outputs = bindings.outputs.map((buffer) => buffer && nativeBuffer(buffer))
    const used = [program, ...leaves, ...outputs.filter((buffer) => buffer !== undefined)]
    for (const one of used) one.retain()
    this.#queue.submit({
      expected: program.expected,
      runInPlace: () => {
        this.#prepare(program, leaves, outputs)
        return this.#runInPlace(program)
      },
      run: async () => {
        this.#prepare(program, leaves, outputs)
        return this.#pool.run(program.commands, program.commandCount)
      },
      finish: (outcome, milliseconds) => {
        for (const one of used) one.finish()
        // the least, since a first run also meets pages for the first time
        if (outcome.kind === 'done') program.expected = Math.min(program.expected || milliseconds, milliseconds)
        if (outcome.kind === 'raised') this.#fail(checkError(program.plan, outcome.error), submission)
        if (outcome.kind === 'failed') this.#fail(outcome.error, submission)
      },
    })
    return submission
  }

  #runInPlace(program: NativeProgram): ProgramOutcome {
    const { commands, commandCount, participation } = program
    if (this.#sharesAll) return this.#pool.runInPlace(commands, commandCount)
    const participants = participation.choose()
    const start = performance.now()
    const outcome = this.#pool.runInPlace(commands, commandCount, participants)
    participation.note(performance.now() - start)
    return outcome
  }

  #prepare(
    program: NativeProgram,
    leaves: readonly NativeBuffer[],
    outputs: readonly (NativeBuffer | undefined)[],
  ): void {
    this.#pool.ensureScratch(program.scratchBytes)
    this.#ensureArena(program.arenaBytes)
    this.#measured.note(program)
    program.bind(leaves, outputs, this.#arena)
  }

  /** One arena serves all programs, since they run one after the other. */
  #ensureArena(bytes: number): void {
    if (bytes > this.#arenaBytes) {
      if (this.#arena !== 0) this.#host.memory.release(this.#arena)
      this.#arena = 0
      this.#arenaBytes = 0
      this.#arena = this.#host.memory.allocate(bytes)
      this.#arenaBytes = bytes
    }
    if (this.#checked && bytes > 0) this.#host.memory.write(this.#arena, new Uint8Array(bytes).fill(0xff))
  }

  #fail(error: Error, submission: number): void {
    this.#queue.blocked = true
    this.#failure ??= { error, submission }
  }

  takeFailure(): Failure | undefined {
    const failure = this.#failure
    if (failure && this.#queue.length === 0) {
      this.#failure = undefined
      this.#queue.blocked = false
      return failure
    }
    return undefined
  }

  async read(buffer: DeviceBuffer): Promise<Uint8Array> {
    const source = nativeBuffer(buffer)
    source.retain()
    try {
      await this.#queue.drained()
      return this.#host.memory.read(source.address, source.bytes)
    } finally {
      source.finish()
    }
  }

  inPlace(work: () => void): void {
    this.#queue.inPlace(work)
  }

  readNow(buffer: DeviceBuffer): Uint8Array | undefined {
    if (this.#queue.length > 0) return undefined
    const source = nativeBuffer(buffer)
    return this.#host.memory.read(source.address, source.bytes)
  }

  synchronize(): Promise<void> {
    return this.#queue.drained()
  }

  get inFlight(): number {
    return this.#queue.length
  }

  /** What was measured since profiling began; `run` says whether to measure, afresh, from now on. */
  profile(run: boolean): readonly KernelProfile[] {
    return this.#measured.take(run)
  }

  close(): void {
    void this.#host.close()
  }
}
