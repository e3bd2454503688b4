// What the native device asks of the machine, behind one interface: memory, code pages, threads, processor facts.
// `openNativeHost` gives it on Linux x86-64 with koffi, or says in one sentence why this process cannot have it.

import { existsSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { DeviceError } from '../../base/errors.ts'
import { memoryLeft, processorLimit } from '../../system/limits.ts'
import { type CpuFeatures, emitCpuProbe, readCpuFeatures } from './cpu-features.ts'
import { emitDriver } from './driver.ts'
import { type RoutineName, routineNames } from './emitter.ts'
import { NativeMemory } from './memory.ts'
import { type NativeFunction, openSystem, pageBytes, type System } from './system.ts'
import { ThreadPool } from './thread-pool.ts'

/** Functions installed together in pages of their own. */
export interface InstalledCode {
  readonly base: number
  readonly bytes: number
  /** Entry of each part, in the order given. */
  readonly addresses: readonly number[]
}

export interface NativeHost {
  readonly cpu: CpuFeatures
  readonly memory: NativeMemory
  /** Processors that this process may use at once. */
  readonly processors: number
  /** `processors`, but 1 inside a Worker, which shares them with its siblings. */
  readonly defaultThreads: number
  /** Makes machine code executable; each part starts at a 64-byte boundary. */
  installCode(parts: readonly Uint8Array[]): InstalledCode
  /** Unmaps code. No program in flight may use it. */
  releaseCode(code: InstalledCode): void
  /** Makes an installed function callable with `argumentCount` integers. */
  callable(address: number, argumentCount: number): NativeFunction
  createPool(options?: { threads?: number; scratchBytes?: number; jitter?: number }): ThreadPool
  /** Ticks of the profiler's clock per second, measured since the host was opened. */
  ticksPerSecond(): number
  /** Waits for programs in flight, joins all helpers, unmaps everything. */
  close(): Promise<void>
}

export type HostAnswer =
  | { readonly host: NativeHost; readonly refused?: undefined }
  | { readonly host?: undefined; readonly refused: string }

const functionAlignment = 64
const shortestClockMeasurement = 2_000_000n

export function openNativeHost(): HostAnswer {
  const refused = refusalBeforeLoading()
  if (refused !== undefined) return { refused }
  let system: System
  try {
    system = openSystem()
  } catch (error) {
    return { refused: `native: ${reasonForLoading(error)}` }
  }
  return openOn(system)
}

function refusalBeforeLoading(): string | undefined {
  if (process.env.TENSORLOOM_NATIVE === 'off') return 'native: switched off by TENSORLOOM_NATIVE=off'
  if (process.platform === 'linux' && process.arch === 'x64') return undefined
  return `native: needs Linux on x86-64, this is ${process.platform} on ${process.arch}`
}

function reasonForLoading(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ERR_DLOPEN_DISABLED') return 'this Node runs with --permission and without --allow-addons'
  if (code === 'ERR_ACCESS_DENIED') return 'this Node runs with --permission and may not read the package koffi'
  if (code === 'MODULE_NOT_FOUND') return 'the package koffi, or its binary for this platform, is not installed'
  if (existsSync('/lib/ld-musl-x86_64.so.1')) return 'needs glibc, this system runs on musl'
  return `koffi could not be loaded (${message.split('\n')[0]})`
}

function openOn(system: System): HostAnswer {
  const pages = new CodePages(system)
  try {
    const cpu = probeCpu(system, pages)
    if (!cpu.avx2 || !cpu.fma) {
      return { refused: `native: needs AVX2 and FMA, this processor (${cpu.vendor}) or its system lacks them` }
    }
    return { host: new LinuxHost(system, pages, cpu) }
  } catch (error) {
    pages.close()
    return { refused: (error as Error).message }
  }
}

function probeCpu(system: System, pages: CodePages): CpuFeatures {
  const probe = emitCpuProbe()
  const code = pages.install([probe.cpuid, probe.stateMask])
  const answer = system.map(pageBytes)
  if (answer === undefined) throw new DeviceError('native: the system refused to map memory')
  const cpuid = system.callable(code.addresses[0], 3)
  const stateMask = system.callable(code.addresses[1], 0)
  const registers = new Uint32Array(4)
  const features = readCpuFeatures({
    cpuid: (leaf, subleaf) => {
      cpuid(leaf, subleaf, answer)
      system.copyOut(new Uint8Array(registers.buffer), answer, 16)
      return { eax: registers[0], ebx: registers[1], ecx: registers[2], edx: registers[3] }
    },
    stateMask: () => stateMask(),
  })
  system.unmap(answer, pageBytes)
  pages.release(code)
  return features
}

/** Pages that are writable first and executable afterwards, never both. */
class CodePages {
  readonly #system: System
  readonly #installed = new Set<InstalledCode>()
  #isClosed = false

  constructor(system: System) {
    this.#system = system
  }

  install(parts: readonly Uint8Array[]): InstalledCode {
    const offsets: number[] = []
    let end = 0
    for (const part of parts) {
      offsets.push(end)
      end = Math.ceil((end + part.byteLength) / functionAlignment) * functionAlignment
    }
    const bytes = Math.max(1, Math.ceil(end / pageBytes)) * pageBytes
    const base = this.#system.map(bytes)
    if (base === undefined)
      throw new DeviceError(`native: the system refused to map ${bytes} bytes for code`, { bytes })
    parts.forEach((part, i) => {
      this.#system.copyIn(base + offsets[i], part, part.byteLength)
    })
    if (!this.#system.protect(base, bytes, 'readExecute')) {
      this.#system.unmap(base, bytes)
      throw new DeviceError('native: the system refused to make code executable (a security policy such as SELinux)')
    }
    const code = { base, bytes, addresses: offsets.map((offset) => base + offset) }
    this.#installed.add(code)
    return code
  }

  release(code: InstalledCode): void {
    if (this.#isClosed) return
    if (!this.#installed.delete(code)) throw new DeviceError('native: releaseCode expects installed code, once')
    this.#system.unmap(code.base, code.bytes)
  }

  close(): void {
    for (const code of [...this.#installed]) this.release(code)
    this.#isClosed = true
  }
}

class LinuxHost implements NativeHost {
  readonly cpu: CpuFeatures
  readonly memory: NativeMemory
  readonly processors = processorLimit()
  readonly defaultThreads = isMainThread ? this.processors : 1
  readonly #system: System
  readonly #pages: CodePages
  readonly #routines: Record<RoutineName, number>
  readonly #pools = new Set<ThreadPool>()
  readonly #readTicks: NativeFunction
  readonly #opened: { readonly ticks: number; readonly time: bigint }
  readonly #onExit = () => this.#exit()

  constructor(system: System, pages: CodePages, cpu: CpuFeatures) {
    this.#system = system
    this.#pages = pages
    this.cpu = cpu
    this.memory = new NativeMemory(system, memoryLeft)
    const driver = emitDriver()
    const { base } = pages.install([driver.code])
    this.#routines = Object.fromEntries(routineNames.map((name) => [name, base + driver.entries[name]])) as Record<
      RoutineName,
      number
    >
    this.#readTicks = system.callable(this.#routines.ticks, 0)
    this.#opened = this.#clock()
    process.once('exit', this.#onExit)
  }

  installCode(parts: readonly Uint8Array[]): InstalledCode {
    return this.#pages.install(parts)
  }

  releaseCode(code: InstalledCode): void {
    this.#pages.release(code)
  }

  callable(address: number, argumentCount: number): NativeFunction {
    return this.#system.callable(address, argumentCount)
  }

  createPool(options: { threads?: number; scratchBytes?: number; jitter?: number } = {}): ThreadPool {
    const threads = options.threads ?? this.defaultThreads
    if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
      throw new DeviceError(`native: expected 1 to 1024 threads, got ${threads}.`, { threads })
    }
    const ground = { system: this.#system, memory: this.memory, routines: this.#routines }
    const pool = new ThreadPool(ground, { ...options, threads, processors: this.processors })
    this.#pools.add(pool)
    return pool
  }

  ticksPerSecond(): number {
    let now = this.#clock()
    while (now.time - this.#opened.time < shortestClockMeasurement) now = this.#clock()
    return ((now.ticks - this.#opened.ticks) * 1e9) / Number(now.time - this.#opened.time)
  }

  async close(): Promise<void> {
    for (const pool of this.#pools) await pool.close()
    this.#pools.clear()
    process.removeListener('exit', this.#onExit)
    this.memory.close()
    this.#pages.close()
  }

  #clock() {
    return { ticks: Number(this.#readTicks()), time: process.hrtime.bigint() }
  }

  /**
   * The process or Worker is about to end. A busy pool is told to stop, or Node would wait for the whole program; what it
   * touches stays mapped then. A Worker's idle pools are closed, since the process goes on without it.
   */
  #exit(): void {
    const pools = [...this.#pools]
    const busy = pools.some((pool) => pool.busy)
    for (const pool of pools) {
      if (pool.busy) pool.abandon()
      else if (!isMainThread) pool.closeIdle()
    }
    if (busy || isMainThread) return
    this.memory.close()
    this.#pages.close()
  }
}
