// The narrow interface between the runtime and a device: memory, compile, submit, read. First in, first out.
import type { Graph } from '../compiler/graph.ts'
import type { Target } from '../compiler/target.ts'

/** Device memory behind a handle; `release` when no handle needs it. Programs in flight keep what they use. */
export interface DeviceBuffer {
  readonly bytes: number
  release(): void
}

export interface KernelProfile {
  readonly label: string
  /** which code ran it: 'x64', 'wasm', 'interpreter', … */
  readonly lowering: string
  /** the program that it belongs to, in the order of first runs; for devices that tell */
  readonly program?: number
  readonly calls: number
  readonly milliseconds: number
}

export interface Program {
  readonly graph: Graph
  readonly kernelCount: number
  readonly arenaBytes: number
  /** milliseconds spent compiling */
  readonly compileMilliseconds: number
  /** the same by stage, where the device has stages */
  readonly stageMilliseconds?: Readonly<Record<string, number>>
  /** what it can print, in the order of compilation: 'graph', 'simplify', 'schedule', 'lower', 'optimize', 'memory', 'emit' */
  readonly stages: readonly string[]
  print(stage: string): string
  release(): void
}

export interface Bindings {
  /** by leaf slot of the program's graph */
  readonly leaves: readonly DeviceBuffer[]
  /** by output; undefined for outputs that are written in place to a leaf */
  readonly outputs: readonly (DeviceBuffer | undefined)[]
}

export interface Failure {
  readonly error: Error
  /** number of the submission that failed; later ones were dropped */
  readonly submission: number
}

export interface Device {
  readonly name: string
  readonly target: Target
  /** facts about the machine that are worth printing: 'avx2', 'cpu', … */
  readonly features: Readonly<Record<string, string | number | boolean>>
  allocate(bytes: number): DeviceBuffer
  /** copies host bytes in, ordered after everything submitted before */
  write(buffer: DeviceBuffer, bytes: Uint8Array): void
  compile(graph: Graph): Program
  /**
   * Queues the program; returns at once or after running it in place. Numbers submissions from 1. When a program fails, its persistent
   * outputs stay unwritten and whatever is queued behind it is dropped, until the failure is taken.
   */
  submit(program: Program, bindings: Bindings): number
  /** the failure of a finished program that nobody has taken yet; taking it lets the device go on */
  takeFailure(): Failure | undefined
  /** a copy of the buffer's bytes once everything submitted before has finished; does not throw for a failed program */
  read(buffer: DeviceBuffer): Promise<Uint8Array>
  /** the same, in place and now; undefined where it would have to wait; used by printing only */
  /** programs that `work` submits run at once, with the caller taking part, unless others wait before them */
  inPlace?(work: () => void): void
  readNow?(buffer: DeviceBuffer): Uint8Array | undefined
  synchronize(): Promise<void>
  /** programs submitted and not finished */
  readonly inFlight: number
  profile(run: boolean): readonly KernelProfile[]
  close(): void
}
