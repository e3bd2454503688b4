// The WebAssembly device: programs are modules over one memory of 32-bit addresses. Runs in any engine with vectors in WebAssembly;
// threads come from the team that its opener brings.

import type { DType } from '../../base/dtype.ts'
import { dtypes } from '../../base/dtype.ts'
import { wasmEngine } from '../../codegen/wasm/engine.ts'
import { engineFeatures } from '../../codegen/wasm/engine-features.ts'
import type { CompileOptions } from '../../compiler/compile.ts'
import type { Graph } from '../../compiler/graph.ts'
import type { Target } from '../../compiler/target.ts'
import type { Verifier } from '../../compiler/verifier.ts'
import { type CompilerSettings, compileOptionsOf } from '../../runtime/compiled-program.ts'
import type { Device, Program } from '../../runtime/device.ts'
import { type ProgramOutcome, QueuedDevice, Region } from '../../runtime/queued-device.ts'
import { WasmHeap } from './heap.ts'
import { type RunRequest, TeamOfOne, type ThreadTeam } from './thread-team.ts'
import { WasmProgram, type WasmProgramOptions } from './wasm-program.ts'

export type WasmDeviceOptions = CompilerSettings

/** Makes the threads of a device; memory is shared where there are to be several. */
export type TeamMaker = { readonly isShared: boolean; make(heap: WasmHeap): ThreadTeam }

const alone: TeamMaker = { isShared: false, make: (heap) => new TeamOfOne(heap) }

/** What the place that a device is opened in brings to it. */
export interface WasmPlace {
  readonly team?: TeamMaker
  /** bytes that may still be taken from the machine */
  readonly room?: () => number
  /** for checked mode */
  readonly verifier?: Verifier
}

/** Opens the device, or says why this engine cannot have it. */
export function openWasmDevice(
  options: WasmDeviceOptions = {},
  place: WasmPlace = {},
): Device | { readonly refused: string } {
  if (!wasmEngine) return { refused: 'wasm: this JavaScript engine has no WebAssembly.' }
  if (!engineFeatures().simd) return { refused: "wasm: this engine's WebAssembly has no vectors (SIMD)." }
  const { team = alone, room, verifier } = place
  const heap = openHeap(team.isShared, room)
  if ('refused' in heap) return heap
  return new WasmDevice(heap, team.make(heap), options.checked ?? false, compileOptionsOf('wasm', options, verifier))
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

/** Shorter programs are not worth waking a thread for. */
const shortMilliseconds = 0.05

class WasmDevice extends QueuedDevice<WasmProgram> {
  readonly name = 'wasm'
  readonly target: Target
  readonly features: Device['features']
  readonly #heap: WasmHeap
  readonly #team: ThreadTeam
  readonly #options: WasmProgramOptions
  readonly #scratch: Region

  constructor(heap: WasmHeap, team: ThreadTeam, checked: boolean, compile: CompileOptions) {
    super(heap, 'wasm', checked)
    this.#heap = heap
    this.#team = team
    const { relaxed } = engineFeatures()
    this.#options = {
      compile,
      emit: { memory: { shared: heap.isShared, ...heap.pages }, checked, relaxed },
    }
    this.target = targetOf(team.threads)
    this.features = { relaxedSimd: relaxed, sharedMemory: heap.isShared }
    this.#scratch = new Region(heap)
  }

  compile(graph: Graph): Program {
    return new WasmProgram(this.#heap, this.#team, graph, this.target, this.#options)
  }

  protected override owns(program: Program): program is WasmProgram {
    return program instanceof WasmProgram
  }

  /** Alone there is nobody else to run it. */
  protected override expectedOf(program: WasmProgram): number {
    return this.#team.runsApart ? program.expected : 0
  }

  protected override runInPlace(program: WasmProgram): ProgramOutcome {
    return this.#team.runInPlace(this.#requestFor(program))
  }

  protected override run(program: WasmProgram): Promise<ProgramOutcome> {
    return this.#team.run(this.#requestFor(program))
  }

  #requestFor({ scratchBytes, expected, installed }: WasmProgram): RunRequest {
    const scratch = this.#scratch.ensure(scratchBytes * this.#team.threads)
    const isShort = expected < shortMilliseconds
    return { program: installed, scratch, scratchBytes, isProfiled: this.measured.isOn, isShort }
  }

  override close(): void {
    this.#team.close()
  }
}
