// A compiled program on the native device: its code pages, its command table, and the segments of addresses that each call binds.

import { commandFlags, profileSlot } from '../../codegen/x64/calling-convention.ts'
import { type EmitOptions, emitKernel } from '../../codegen/x64/emit-kernel.ts'
import { type CompileOptions, compileGraph } from '../../compiler/compile.ts'
import type { Graph } from '../../compiler/graph.ts'
import type { Plan } from '../../compiler/plan.ts'
import type { Target } from '../../compiler/target.ts'
import { compiledStages, printCompiledStage } from '../../runtime/compiled-program.ts'
import { type Addresses, guessMilliseconds, type QueuedProgram } from '../../runtime/queued-device.ts'
import { Retained } from '../../runtime/retained.ts'
import { addressBytes, BindingTable } from './binding-table.ts'
import type { InstalledCode, NativeHost } from './native-host.ts'
import { Participation } from './participation.ts'
import { encodeCommands } from './thread-pool.ts'

export interface NativeProgramOptions {
  readonly checked: boolean
  readonly features: EmitOptions['features']
  readonly compile: CompileOptions
}

/** Programs in flight keep their code. */
export class NativeProgram extends Retained implements QueuedProgram {
  readonly graph: Graph
  readonly plan: Plan
  readonly stages = compiledStages
  readonly compileMilliseconds: number
  readonly stageMilliseconds: Readonly<Record<string, number>>
  readonly scratchBytes: number
  /** address and length of the command table */
  readonly commands: number
  readonly commandCount: number
  expected: number
  readonly participation = new Participation()
  #host: NativeHost
  #code: InstalledCode
  #segments: number
  #profile: number
  #constants: number
  readonly #bindings: BindingTable
  #emitted: readonly { print(): string }[]

  constructor(host: NativeHost, graph: Graph, target: Target, options: NativeProgramOptions) {
    super()
    const start = performance.now()
    this.#host = host
    this.graph = graph
    this.plan = compileGraph(graph, target, options.compile)
    host.memory.expectRoom(this.plan.arenaBytes)
    const planned = performance.now()
    const emitted = this.plan.kernels.map(({ kernel }) =>
      emitKernel(kernel, { checked: options.checked, features: options.features }),
    )
    const emitting = performance.now() - planned
    this.#emitted = emitted
    this.scratchBytes = Math.max(64, ...emitted.map((kernel) => kernel.scratchBytes))
    this.#code = host.installCode(emitted.map((kernel) => kernel.code))
    const install = performance.now() - planned - emitting
    this.stageMilliseconds = { ...this.plan.milliseconds, emit: emitting, install }
    this.#bindings = new BindingTable(this.plan)
    this.#segments = host.memory.allocate(this.#bindings.bytes.byteLength)
    this.#profile = host.memory.allocate(Math.max(1, this.plan.calls.length) * profileSlot.bytes)
    this.#constants = host.memory.allocate(Math.max(1, this.plan.constants.byteLength))
    if (this.plan.constants.byteLength > 0) host.memory.write(this.#constants, this.plan.constants)
    this.commandCount = this.plan.calls.length
    this.commands = this.#writeCommands(false)
    this.compileMilliseconds = performance.now() - start
    this.expected = guessMilliseconds(this.plan)
  }

  noteRun(milliseconds: number): void {
    this.participation.note(milliseconds)
  }

  get kernelCount(): number {
    return this.commandCount
  }

  get arenaBytes(): number {
    return this.plan.arenaBytes
  }

  #writeCommands(profiled: boolean, at?: number): number {
    const table = encodeCommands(
      this.plan.calls.map((call, i) => ({
        kernel: this.#code.addresses[call.kernel],
        bindings: this.#segments + this.#bindings.segments[i] * addressBytes,
        sizes: 0,
        flags: (call.barrier ? commandFlags.barrier : 0) + (call.persistent ? commandFlags.skipOnError : 0),
        kernelId: i,
        profile: profiled ? this.#profile + i * profileSlot.bytes : undefined,
      })),
    )
    const address = at ?? this.#host.memory.allocate(Math.max(1, table.byteLength))
    this.#host.memory.write(address, table)
    return address
  }

  /** Starts or stops counting ticks per call. */
  setProfiled(profiled: boolean): void {
    this.#host.memory.write(this.#profile, new Uint8Array(Math.max(1, this.plan.calls.length) * profileSlot.bytes))
    this.#writeCommands(profiled, this.commands)
  }

  /** Milliseconds and runs of each call since counting started. */
  readProfile(): { readonly milliseconds: number; readonly calls: number }[] {
    const perMillisecond = this.#host.ticksPerSecond() / 1000
    const bytes = this.#host.memory.read(this.#profile, Math.max(1, this.plan.calls.length) * profileSlot.bytes)
    const view = new DataView(bytes.buffer)
    return this.plan.calls.map((_, i) => ({
      milliseconds: Number(view.getBigUint64(i * profileSlot.bytes + profileSlot.ticks, true)) / perMillisecond,
      calls: Number(view.getBigUint64(i * profileSlot.bytes + profileSlot.calls, true)),
    }))
  }

  /** Writes the addresses that the next run reads and writes. */
  bind(addresses: Addresses): void {
    if (this.#bindings.fill(addresses, this.#constants)) this.#host.memory.write(this.#segments, this.#bindings.bytes)
  }

  print(stage: string): string {
    return printCompiledStage(stage, this, () => this.#emitted.map((kernel) => kernel.print()).join('\n\n'))
  }

  protected override free(): void {
    this.#host.releaseCode(this.#code)
    for (const address of [this.#segments, this.#profile, this.#constants, this.commands])
      this.#host.memory.release(address)
  }
}
