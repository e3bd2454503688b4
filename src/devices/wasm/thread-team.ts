// What a device asks of its threads, and the team of one that any JavaScript engine has: the caller alone.

import { type WasmModule, wasmEngine } from '../../codegen/wasm/engine.ts'
import { contextAddress, errorRecord, threadContext } from '../../codegen/wasm/layout.ts'
import type { RaisedCheck } from '../../runtime/compiled-program.ts'
import type { ProgramOutcome } from '../../runtime/queued-device.ts'
import type { WasmHeap } from './heap.ts'
import { makeProfiler } from './profiler.ts'

/** A program's compiled code, and where its tables lie. */
export interface InstalledProgram {
  readonly id: number
  readonly module: WasmModule
  readonly bindings: number
  readonly profile: number
}

export interface RunRequest {
  readonly program: InstalledProgram
  readonly scratch: number
  /** scratch bytes of each participant */
  readonly scratchBytes: number
  readonly isProfiled: boolean
  /** too short to be worth waking others */
  readonly isShort: boolean
}

export interface ThreadTeam {
  readonly threads: number
  /** whether programs can run while the caller does something else */
  readonly runsApart: boolean
  install(program: InstalledProgram): void
  remove(program: InstalledProgram): void
  runInPlace(request: RunRequest): ProgramOutcome
  run(request: RunRequest): Promise<ProgramOutcome>
  close(): void
}

export type Runner = (context: number, isProfiled: boolean) => void

/** The caller's own instances of programs, and the tables that every run fills in. */
export class Participants {
  readonly heap: WasmHeap
  readonly #runners = new Map<number, Runner>()

  constructor(heap: WasmHeap) {
    this.heap = heap
  }

  get view(): DataView {
    return new DataView(this.heap.memory.buffer)
  }

  runnerOf(program: InstalledProgram): Runner {
    let runner = this.#runners.get(program.id)
    if (runner === undefined) {
      runner = instantiate(program, this.heap.memory)
      this.#runners.set(program.id, runner)
    }
    return runner
  }

  remove({ id }: InstalledProgram): void {
    this.#runners.delete(id)
  }

  /** Writes the context of each of `count` participants. */
  prepare({ program, scratch, scratchBytes, isProfiled }: RunRequest, count: number, spin: number): void {
    const { view } = this
    for (let i = 0; i < count; i++) {
      const at = contextAddress(i)
      const set = (field: number, value: number): void => view.setUint32(at + field, value, true)
      set(threadContext.index, i)
      set(threadContext.count, count)
      set(threadContext.scratch, scratch + i * scratchBytes)
      set(threadContext.bindings, program.bindings)
      set(threadContext.spin, spin)
      set(threadContext.program, program.id)
      set(threadContext.isProfiled, isProfiled ? 1 : 0)
    }
  }

  /** What the error record says of the program that has just ended; clears it. */
  outcome(): ProgramOutcome {
    const { view } = this
    const at = errorRecord.address
    if (view.getUint32(at + errorRecord.set, true) === 0) return { kind: 'done' }
    view.setUint32(at + errorRecord.set, 0, true)
    const error: RaisedCheck = {
      call: view.getUint32(at + errorRecord.call, true),
      code: view.getInt32(at + errorRecord.code, true),
      position: view.getBigInt64(at + errorRecord.position, true),
      value: view.getBigInt64(at + errorRecord.value, true),
    }
    return { kind: 'raised', error }
  }
}

/** A function that runs a program for one participant. */
export function instantiate(program: Omit<InstalledProgram, 'bindings'>, memory: WasmHeap['memory']): Runner {
  const profiler = makeProfiler(memory, program.profile)
  const instance = new wasmEngine!.Instance(program.module, { env: { memory, mark: profiler.mark } })
  const { run, runProfiled } = instance.exports as Record<'run' | 'runProfiled', (context: number) => void>
  return (context, isProfiled) => {
    if (isProfiled) profiler.start()
    ;(isProfiled ? runProfiled : run)(context)
  }
}

export class TeamOfOne implements ThreadTeam {
  readonly threads = 1
  readonly runsApart = false
  readonly #participants: Participants

  constructor(heap: WasmHeap) {
    this.#participants = new Participants(heap)
  }

  install(): void {}

  remove(program: InstalledProgram): void {
    this.#participants.remove(program)
  }

  runInPlace(request: RunRequest): ProgramOutcome {
    this.#participants.prepare(request, 1, 0)
    this.#participants.runnerOf(request.program)(contextAddress(0), request.isProfiled)
    return this.#participants.outcome()
  }

  async run(request: RunRequest): Promise<ProgramOutcome> {
    return this.runInPlace(request)
  }

  close(): void {}
}
