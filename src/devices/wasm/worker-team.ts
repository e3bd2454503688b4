// A team of Node's worker threads over one shared memory. Short programs: the caller is participant 0 and wakes the others by their
// wake words. Long ones: workers alone, and one message at the end. No message is sent per kernel.
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { DeviceError } from '../../base/errors.ts'
import { contextAddress, threadContext } from '../../codegen/wasm/layout.ts'
import type { ProgramOutcome } from '../../runtime/queued-device.ts'
import type { WasmHeap } from './heap.ts'
import { type InstalledProgram, Participants, type RunRequest, type ThreadTeam } from './thread-team.ts'
import type { WorkerMessage, WorkerStart } from './worker.ts'

/** Looks at a word that take some tens of microseconds; fewer where threads share processors. */
const spinCount = 20000
const crowdedSpinCount = 500

interface Helper {
  readonly worker: Worker
  readonly port: MessagePort
  readonly ready: Promise<void>
}

export class WorkerTeam implements ThreadTeam {
  readonly threads: number
  readonly runsApart = true
  readonly #heap: WasmHeap
  readonly #participants: Participants
  readonly #programs = new Map<number, InstalledProgram>()
  readonly #spin: number
  #helpers: Helper[] | undefined
  #finished: (() => void) | undefined
  #failed: ((error: Error) => void) | undefined
  #broken: Error | undefined

  constructor(heap: WasmHeap, threads: number, processors: number) {
    this.#heap = heap
    this.threads = threads
    this.#spin = threads > processors ? crowdedSpinCount : spinCount
    this.#participants = new Participants(heap)
  }

  install(program: InstalledProgram): void {
    this.#programs.set(program.id, program)
    for (const { port } of this.#helpers ?? []) port.postMessage(messageOf(program))
  }

  remove(program: InstalledProgram): void {
    this.#programs.delete(program.id)
    this.#participants.remove(program)
    const message: WorkerMessage = program.id
    for (const { port } of this.#helpers ?? []) port.postMessage(message)
  }

  /** The caller and the workers that have started; results do not depend on how many these are. */
  runInPlace(request: RunRequest): ProgramOutcome {
    this.#throwIfBroken()
    const run = this.#participants.runnerOf(request.program)
    const count = request.isShort ? 1 : this.#startedBehindCaller()
    this.#participants.prepare(request, count, this.#spin)
    for (let i = 1; i < count; i++) this.#wake(i)
    run(contextAddress(0), request.isProfiled)
    return this.#participants.outcome()
  }

  async run(request: RunRequest): Promise<ProgramOutcome> {
    const helpers = this.#start()
    // keeps the process alive meanwhile
    const [{ worker }] = helpers
    worker.ref()
    try {
      await Promise.all(helpers.map(({ ready }) => ready))
      this.#throwIfBroken()
      this.#participants.prepare(request, this.threads, this.#spin)
      await new Promise<void>((resolve, reject) => {
        this.#finished = resolve
        this.#failed = reject
        for (let i = 0; i < this.threads; i++) this.#wake(i)
      })
    } finally {
      worker.unref()
    }
    return this.#participants.outcome()
  }

  close(): void {
    for (const { worker, port } of this.#helpers ?? []) {
      port.close()
      void worker.terminate()
    }
    this.#helpers = []
  }

  #throwIfBroken(): void {
    if (this.#broken) throw this.#broken
  }

  #wake(participant: number): void {
    const words = new Int32Array(this.#heap.memory.buffer)
    const at = (contextAddress(participant) + threadContext.wake) / 4
    Atomics.add(words, at, 1)
    Atomics.notify(words, at)
  }

  #startedBehindCaller(): number {
    this.#start()
    const words = new Int32Array(this.#heap.memory.buffer)
    const isReady = (i: number): boolean => Atomics.load(words, (contextAddress(i) + threadContext.ready) / 4) === 1
    let count = 1
    while (count < this.threads && isReady(count)) count++
    return count
  }

  #start(): Helper[] {
    this.#helpers ??= Array.from({ length: this.threads }, (_, i) => this.#startHelper(i))
    return this.#helpers
  }

  #startHelper(participant: number): Helper {
    const { port1: port, port2 } = new MessageChannel()
    const start: WorkerStart = { memory: this.#heap.memory, participant, port: port2, spin: this.#spin }
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: start,
      transferList: [port2],
      // flags of this process may be wrong for a file
      execArgv: [],
    })
    const ready = new Promise<void>((resolve, reject) => {
      port.on('message', (message: 'ready' | 'done') => (message === 'ready' ? resolve() : this.#finished?.()))
      worker.on('error', (error) => reject(this.#break(error)))
    })
    // who waits for it is told; nobody may be waiting
    ready.catch(() => {})
    worker.unref()
    port.unref()
    for (const program of this.#programs.values()) port.postMessage(messageOf(program))
    return { worker, port, ready }
  }

  #break(error: Error): Error {
    this.#broken = new DeviceError(`wasm: a worker thread stopped: ${error.message}.`)
    this.#failed?.(this.#broken)
    return this.#broken
  }
}

const messageOf = ({ id, module, profile }: InstalledProgram): WorkerMessage => ({ id, module, profile })
