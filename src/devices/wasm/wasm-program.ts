// A compiled program on the WebAssembly device: its module, and the table of addresses that each run binds.
import { emitProgram, type ProgramOptions } from '../../codegen/wasm/emit-program.ts'
import { wasmEngine } from '../../codegen/wasm/engine.ts'
import { type CompileOptions, compileGraph } from '../../compiler/compile.ts'
import type { Graph } from '../../compiler/graph.ts'
import type { Plan } from '../../compiler/plan.ts'
import type { Target } from '../../compiler/target.ts'
import { compiledStages, printCompiledStage } from '../../runtime/compiled-program.ts'
import { type Addresses, guessMilliseconds, type QueuedProgram } from '../../runtime/queued-device.ts'
import { Retained } from '../../runtime/retained.ts'
import type { WasmHeap } from './heap.ts'
import { profileRow } from './profiler.ts'
import type { InstalledProgram, ThreadTeam } from './thread-team.ts'

export interface WasmProgramOptions {
  readonly compile: CompileOptions
  readonly emit: ProgramOptions
}

let nextId = 1

/** Programs in flight keep their tables. */
export class WasmProgram extends Retained implements QueuedProgram {
  readonly graph: Graph
  readonly plan: Plan
  readonly stages = compiledStages
  readonly compileMilliseconds: number
  readonly stageMilliseconds: Readonly<Record<string, number>>
  readonly scratchBytes: number
  readonly installed: InstalledProgram
  expected: number
  readonly #constants: number
  #heap: WasmHeap
  #team: ThreadTeam
  #print: () => string

  constructor(heap: WasmHeap, team: ThreadTeam, graph: Graph, target: Target, options: WasmProgramOptions) {
    super()
    const start = performance.now()
    this.#heap = heap
    this.#team = team
    this.graph = graph
    this.plan = compileGraph(graph, target, options.compile)
    let entries = 0
    const calls = this.plan.calls.map(({ kernel, bindings, barrier, persistent }) => {
      const firstBinding = entries
      entries += bindings.length
      return { kernel, firstBinding, barrier, persistent }
    })
    const kernels = this.plan.kernels.map(({ kernel }) => kernel)
    const planned = performance.now()
    const { bytes, scratchBytes, print } = emitProgram(kernels, calls, options.emit)
    this.#print = print
    this.scratchBytes = scratchBytes
    const emitted = performance.now()
    const module = new wasmEngine!.Module(bytes)
    const install = performance.now() - emitted
    this.stageMilliseconds = { ...this.plan.milliseconds, emit: emitted - planned, install }
    const profile = heap.allocate(calls.length * profileRow.bytes)
    this.installed = { id: nextId++, module, bindings: heap.allocate(4 * entries), profile }
    this.#constants = heap.allocate(this.plan.constants.byteLength)
    heap.write(this.#constants, this.plan.constants)
    team.install(this.installed)
    this.compileMilliseconds = performance.now() - start
    this.expected = guessMilliseconds(this.plan)
  }

  get kernelCount(): number {
    return this.plan.calls.length
  }

  get arenaBytes(): number {
    return this.plan.arenaBytes
  }

  /** Starts counting time per call from 0; whether a run counts is said when it starts. */
  setProfiled(profiled: boolean): void {
    if (profiled) this.#heap.fill(this.installed.profile, this.plan.calls.length * profileRow.bytes, 0)
  }

  /** Milliseconds and runs of each call since counting started. */
  readProfile(): { readonly milliseconds: number; readonly calls: number }[] {
    const view = new DataView(this.#heap.memory.buffer, this.installed.profile)
    return this.plan.calls.map((_, i) => ({
      milliseconds: view.getFloat64(i * profileRow.bytes + profileRow.milliseconds, true),
      calls: view.getFloat64(i * profileRow.bytes + profileRow.calls, true),
    }))
  }

  /** Writes the addresses that the next run reads and writes. */
  bind({ leaves, outputs, arena }: Addresses): void {
    const table = new Uint32Array(this.#heap.memory.buffer, this.installed.bindings)
    let at = 0
    for (const call of this.plan.calls)
      for (const reference of call.bindings) {
        const base =
          reference.kind === 'leaf'
            ? leaves[reference.slot].address
            : reference.kind === 'output'
              ? (outputs[reference.index]?.address ?? 0)
              : reference.kind === 'arena'
                ? arena
                : this.#constants
        table[at++] = base + reference.offset
      }
  }

  print(stage: string): string {
    return printCompiledStage(stage, this, this.#print)
  }

  protected override free(): void {
    this.#team.remove(this.installed)
    this.#heap.release(this.installed.bindings)
    this.#heap.release(this.installed.profile)
    this.#heap.release(this.#constants)
  }
}
