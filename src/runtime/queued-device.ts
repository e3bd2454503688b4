// A device on this machine's own processors: buffers are blocks of one memory, and programs wait in a first-in first-out queue. What such a
// device adds is its memory, how a graph becomes a program, and how a program that has its addresses is run.
import { DeviceError } from '../base/errors.ts'
import type { Graph } from '../compiler/graph.ts'
import type { Plan } from '../compiler/plan.ts'
import type { Target } from '../compiler/target.ts'
import { CommandQueue } from './command-queue.ts'
import { checkError, type MeasuredProgram, MeasuredPrograms, type RaisedCheck } from './compiled-program.ts'
import type { Bindings, Device, DeviceBuffer, Failure, KernelProfile, Program } from './device.ts'
import { Retained } from './retained.ts'

/** Memory by addresses, of which JavaScript sees copies only. */
export interface BlockMemory {
  allocate(bytes: number): number
  release(address: number): void
  read(address: number, bytes: number): Uint8Array
  write(address: number, bytes: Uint8Array): void
}

/** A block of memory by its address. */
export interface Addressed {
  readonly address: number
}

/** What one run of a program reads and writes. */
export interface Addresses {
  readonly leaves: readonly Addressed[]
  /** undefined where an output is written over a leaf */
  readonly outputs: readonly (Addressed | undefined)[]
  readonly arena: number
}

/** How a program ended; it is stopped when its device closes. */
export type ProgramOutcome =
  | { readonly kind: 'done' | 'stopped' }
  | { readonly kind: 'raised'; readonly error: RaisedCheck }

/** A program that runs at addresses; it keeps what it needs while it is queued. */
export interface QueuedProgram extends Program, MeasuredProgram {
  /** milliseconds of its fastest run; before the first one a guess */
  expected: number
  /** told how long each run took, the caller's preparations included */
  noteRun?(milliseconds: number): void
  bind(addresses: Addresses): void
}

/** Before a program's first run: one that keeps much in the arena is not expected to be short. */
export const guessMilliseconds = ({ arenaBytes }: Plan): number => (arenaBytes > 1 << 20 ? Number.POSITIVE_INFINITY : 0)

export abstract class QueuedDevice<P extends QueuedProgram> implements Device {
  abstract readonly name: string
  abstract readonly target: Target
  abstract readonly features: Device['features']
  readonly #memory: BlockMemory
  readonly #poisons: boolean
  readonly #queue = new CommandQueue<ProgramOutcome>()
  readonly #arena: Region
  #submissions = 0
  #failure: Failure | undefined
  protected readonly measured: MeasuredPrograms

  /** `lowering` is what profiles call its code; with `poisons` the arena is filled with NaN before each run. */
  constructor(memory: BlockMemory, lowering: string, poisons: boolean) {
    this.#memory = memory
    this.#poisons = poisons
    this.#arena = new Region(memory)
    this.measured = new MeasuredPrograms(lowering)
  }

  abstract compile(graph: Graph): Program
  protected abstract owns(program: Program): program is P
  /** Runs a program that has its addresses now, with the caller taking part. */
  protected abstract runInPlace(program: P): ProgramOutcome
  /** The same while the event loop goes on. */
  protected abstract run(program: P): Promise<ProgramOutcome>
  abstract close(): void

  allocate(bytes: number): DeviceBuffer {
    return new Block(this.#memory, bytes)
  }

  write(buffer: DeviceBuffer, bytes: Uint8Array): void {
    const target = this.#blockOf(buffer)
    const copy = this.#queue.length > 0 ? bytes.slice() : bytes
    target.retain()
    const write = (): ProgramOutcome => {
      if (copy.byteLength > 0) this.#memory.write(target.address, copy)
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

  submit(program: Program, bindings: Bindings): number {
    if (!this.owns(program))
      throw new DeviceError(
        `submit: expected a program of the ${this.name} device, got one of another device or another kind.`,
      )
    const submission = ++this.#submissions
    const leaves = bindings.leaves.map((buffer) => this.#blockOf(buffer))
    const outputs = bindings.outputs.map((buffer) => buffer && this.#blockOf(buffer))
    let used: readonly { finish(): void }[] = []
    this.#queue.submit({
      expected: this.expectedOf(program),
      wait: () => {
        used = retained([program, ...leaves, ...outputs])
      },
      runInPlace: () => {
        this.#prepare(program, leaves, outputs)
        return this.runInPlace(program)
      },
      run: async () => {
        this.#prepare(program, leaves, outputs)
        return this.run(program)
      },
      finish: (outcome, milliseconds) => {
        for (const one of used) one.finish()
        // the least, since a first run also meets pages for the first time
        if (outcome.kind === 'done') program.expected = Math.min(program.expected || milliseconds, milliseconds)
        if (outcome.kind === 'done') program.noteRun?.(milliseconds)
        if (outcome.kind === 'raised') this.#fail(checkError(program.plan, outcome.error), submission)
        if (outcome.kind === 'failed') this.#fail(outcome.error, submission)
      },
    })
    return submission
  }

  /** Milliseconds that decide whether the caller takes part. */
  protected expectedOf(program: P): number {
    return program.expected
  }

  #prepare(program: P, leaves: readonly Block[], outputs: readonly (Block | undefined)[]): void {
    const { arenaBytes } = program
    // one arena serves all programs, since they run one after the other
    const arena = arenaBytes > 0 ? this.#arena.ensure(arenaBytes) : 0
    if (this.#poisons && arenaBytes > 0) this.#memory.write(arena, new Uint8Array(arenaBytes).fill(0xff))
    this.measured.note(program)
    program.bind({ leaves, outputs, arena })
  }

  #blockOf(buffer: DeviceBuffer): Block {
    if (buffer instanceof Block && buffer.memory === this.#memory) return buffer
    throw new DeviceError(`${this.name}: expected a buffer of this device, got one of another.`)
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
    const source = this.#blockOf(buffer)
    source.retain()
    try {
      await this.#queue.drained()
      return this.#memory.read(source.address, source.bytes)
    } finally {
      source.finish()
    }
  }

  inPlace(work: () => void): void {
    this.#queue.inPlace(work)
  }

  readNow(buffer: DeviceBuffer): Uint8Array | undefined {
    if (this.#queue.length > 0) return undefined
    const source = this.#blockOf(buffer)
    return this.#memory.read(source.address, source.bytes)
  }

  synchronize(): Promise<void> {
    return this.#queue.drained()
  }

  get inFlight(): number {
    return this.#queue.length
  }

  /** What was measured since profiling began; `run` says whether to measure, afresh, from now on. */
  profile(run: boolean): readonly KernelProfile[] {
    return this.measured.take(run)
  }
}

/** What is there of these, kept until it is told that its use is over. */
function retained(all: readonly (Pick<QueuedProgram, 'retain' | 'finish'> | undefined)[]) {
  const used = all.filter((one) => one !== undefined)
  for (const one of used) one.retain()
  return used
}

/** A buffer; it outlives its release while queued work uses it. */
class Block extends Retained implements DeviceBuffer, Addressed {
  readonly memory: BlockMemory
  readonly bytes: number
  readonly address: number

  constructor(memory: BlockMemory, bytes: number) {
    super()
    this.memory = memory
    this.bytes = bytes
    this.address = memory.allocate(Math.max(1, bytes))
  }

  protected override free(): void {
    this.memory.release(this.address)
  }
}

/** A block that all programs use one after the other, as large as any has needed. */
export class Region {
  readonly #memory: BlockMemory
  #address: number | undefined
  #bytes = 0

  constructor(memory: BlockMemory) {
    this.#memory = memory
  }

  ensure(bytes: number): number {
    if (this.#address !== undefined && bytes <= this.#bytes) return this.#address
    if (this.#address !== undefined) this.#memory.release(this.#address)
    this.#address = undefined
    this.#address = this.#memory.allocate(bytes)
    this.#bytes = bytes
    return this.#address
  }
}
