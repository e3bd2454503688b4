// The WebAssembly device: programs are modules over one memory of 32-bit addresses. Runs in any engine with vectors in WebAssembly;
// threads come from the team that its opener brings.

import type { DType } from '../../base/dtype.ts'
import { dtypes } from '../../base/dtype.ts'
import { DeviceError } from '../../base/errors.ts'
import { wasmEngine } from '../../codegen/wasm/engine.ts'
import { engineFeatures } from '../../codegen/wasm/engine-features.ts'
import type { Graph } from '../../compiler/graph.ts'
import type { Target } from '../../compiler/target.ts'
import { CommandQueue } from '../../runtime/command-queue.ts'
import {
  type CompilerSettings,
  checkError,
  compileOptionsOf,
  MeasuredPrograms,
} from '../../runtime/compiled-program.ts'
import type { Bindings, Device, DeviceBuffer, Failure, KernelProfile, Program } from '../../runtime/device.ts'
import { Retained } from '../../runtime/retained.ts'
import { WasmHeap } from './heap.ts'
import { type RunOutcome, type RunRequest, TeamOfOne, type ThreadTeam } from './thread-team.ts'
import { WasmProgram, type WasmProgramOptions } from './wasm-program.ts'

export type WasmDeviceOptions = CompilerSettings

/** Makes the threads of a device; memory is shared where there are to be several. */
export type TeamMaker = { readonly isShared: boolean; make(heap: WasmHeap): ThreadTeam }

const alone: TeamMaker = { isShared: false, make: (heap) => new TeamOfOne(heap) }

/** Opens the device, or says why this engine cannot have it. `room` gives the bytes that may still be taken from the machine. */
export function openWasmDevice(
  options: WasmDeviceOptions = {},
  team: TeamMaker = alone,
  room?: () => number,
): Device | { readonly refused: string } {
  if (!wasmEngine) return { refused: 'wasm: this JavaScript engine has no WebAssembly.' }
  if (!engineFeatures().simd) return { refused: "wasm: this engine's WebAssembly has no vectors (SIMD)." }
  const heap = openHeap(team.isShared, room)
  return 'refused' in heap ? heap : new WasmDevice(heap, team.make(heap), options)
}

/** An engine short of address space refuses memory that could grow to 4 GiB. */
function openHeap(isShared: boolean, room?: () => number): WasmHeap | { readonly refused: string } {
  try {
    return new WasmHeap(isShared, room)
  } catch (error) {
    return { refused: `wasm: this engine gives no memory: ${(error as Error).message}.` }
  }
}

/** Caches cannot be asked for: these are common, the first one less what the engine itself keeps there. */
const targetOf = (threads: number): Target => ({
  dtypes: new Set<DType>(dtypes),
  vectorBytes: 16,
  vectorRegisters: 16,
  l1: 24 * 1024,
  l2: 1024 * 1024,
  l3: 16 * 1024 * 1024,
  threads,
  tiles: { float32: [{ mr: 6, nr: 8, lanes: 4, rate: 16 }], float64: [{ mr: 6, nr: 4, lanes: 2, rate: 8 }] },
})

/** A block of the memory; it outlives its release while queued work uses it. */
class WasmBuffer extends Retained implements DeviceBuffer {
  readonly bytes: number
  readonly address: number
  readonly #heap: WasmHeap

  constructor(heap: WasmHeap, bytes: number) {
    super()
    this.#heap = heap
    this.bytes = bytes
    this.address = heap.allocate(bytes)
  }

  protected override free(): void {
    this.#heap.release(this.address)
  }
}

const wasmBuffer = (buffer: DeviceBuffer): WasmBuffer => {
  if (buffer instanceof WasmBuffer) return buffer
  throw new DeviceError('wasm: expected a buffer of the wasm device, got one of another device.')
}

/** Shorter programs are not worth waking a thread for. */
const shortMilliseconds = 0.05

class WasmDevice implements Device {
  readonly name = 'wasm'
  readonly target: Target
  readonly features: Device['features']
  readonly #heap: WasmHeap
  readonly #team: ThreadTeam
  readonly #queue = new CommandQueue<RunOutcome>()
  readonly #options: WasmProgramOptions
  readonly #checked: boolean
  readonly #measured = new MeasuredPrograms('wasm')
  readonly #arena: Region
  readonly #scratch: Region
  #submissions = 0
  #failure: Failure | undefined

  constructor(heap: WasmHeap, team: ThreadTeam, options: WasmDeviceOptions) {
    this.#heap = heap
    this.#team = team
    this.#checked = options.checked ?? false
    const { relaxed } = engineFeatures()
    this.#options = {
      compile: compileOptionsOf('wasm', options),
      emit: { memory: { shared: heap.isShared, ...heap.pages }, checked: this.#checked, relaxed },
    }
    this.target = targetOf(team.threads)
    this.features = { relaxedSimd: relaxed, sharedMemory: heap.isShared }
    this.#arena = new Region(heap)
    this.#scratch = new Region(heap)
  }

  allocate(bytes: number): DeviceBuffer {
    return new WasmBuffer(this.#heap, bytes)
  }

  write(buffer: DeviceBuffer, bytes: Uint8Array): void {
    const target = wasmBuffer(buffer)
    const copy = this.#queue.length > 0 ? bytes.slice() : bytes
    target.retain()
    const write = (): RunOutcome => {
      this.#heap.write(target.address, copy)
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
    return new WasmProgram(this.#heap, this.#team, graph, this.target, this.#options)
  }

  submit(program: Program, bindings: Bindings): number {
    if (!(program instanceof WasmProgram))
      throw new DeviceError('submit: expected a program of the wasm device, got one of another device.')
    const submission = ++this.#submissions
    const leaves = bindings.leaves.map(wasmBuffer)
    const outputs = bindings.outputs.map((buffer) => buffer && wasmBuffer(buffer))
    const used = [program, ...leaves, ...outputs.filter((buffer) => buffer !== undefined)]
    for (const one of used) one.retain()
    const prepare = (): RunRequest => this.#prepare(program, leaves, outputs)
    this.#queue.submit({
      // alone there is nobody else to run it
      expected: this.#team.runsApart ? program.expected : 0,
      runInPlace: () => this.#team.runInPlace(prepare()),
      run: async () => this.#team.run(prepare()),
      finish: (outcome, milliseconds) => {
        for (const one of used) one.finish()
        if (outcome.kind === 'done') program.expected = milliseconds
        if (outcome.kind === 'raised') this.#fail(checkError(program.plan, outcome.error), submission)
        if (outcome.kind === 'failed') this.#fail(outcome.error, submission)
      },
    })
    return submission
  }

  #prepare(
    program: WasmProgram,
    leaves: readonly WasmBuffer[],
    outputs: readonly (WasmBuffer | undefined)[],
  ): RunRequest {
    const scratchBytes = program.scratchBytes
    const scratch = this.#scratch.ensure(scratchBytes * this.#team.threads)
    const arena = this.#arena.ensure(program.arenaBytes)
    if (this.#checked) this.#heap.fill(arena, program.arenaBytes, 0xff)
    this.#measured.note(program)
    program.bind({
      leaves: leaves.map((buffer) => buffer.address),
      outputs: outputs.map((buffer) => buffer?.address ?? 0),
      arena,
    })
    const isShort = program.expected < shortMilliseconds
    return { program: program.installed, scratch, scratchBytes, isProfiled: this.#measured.isOn, isShort }
  }

  #fail(error: Error, submission: number): void {
    this.#queue.blocked = true
    this.#failure ??= { error, submission }
  }

  takeFailure(): Failure | undefined {
    const failure = this.#failure
    if (failure === undefined || this.#queue.length > 0) return undefined
    this.#failure = undefined
    this.#queue.blocked = false
    return failure
  }

  async read(buffer: DeviceBuffer): Promise<Uint8Array> {
    const source = wasmBuffer(buffer)
    source.retain()
    try {
      await this.#queue.drained()
      return this.#heap.read(source.address, source.bytes)
    } finally {
      source.finish()
    }
  }

  readNow(buffer: DeviceBuffer): Uint8Array | undefined {
    if (this.#queue.length > 0) return undefined
    const source = wasmBuffer(buffer)
    return this.#heap.read(source.address, source.bytes)
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
    this.#team.close()
  }
}

/** A block that all programs use one after the other, as large as any has needed. */
class Region {
  readonly #heap: WasmHeap
  #address: number | undefined
  #bytes = 0

  constructor(heap: WasmHeap) {
    this.#heap = heap
  }

  ensure(bytes: number): number {
    if (this.#address !== undefined && bytes <= this.#bytes) return this.#address
    if (this.#address !== undefined) this.#heap.release(this.#address)
    this.#address = undefined
    this.#address = this.#heap.allocate(bytes)
    this.#bytes = bytes
    return this.#address
  }
}
