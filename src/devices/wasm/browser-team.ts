// A team of a browser's workers over one shared memory. A page may not block, so it never waits with them: it runs short programs alone,
// and long ones are run by the workers, with one message to each and one back. No message is sent per kernel.
import { DeviceError } from '../../base/errors.ts'
import { contextAddress } from '../../codegen/wasm/layout.ts'
import type { ProgramOutcome } from '../../runtime/queued-device.ts'
import type { BrowserMessage, BrowserReply } from './browser-worker.ts'
import type { WasmHeap } from './heap.ts'
import { type InstalledProgram, Participants, type RunRequest, type ThreadTeam } from './thread-team.ts'

interface WebWorker {
  postMessage(message: BrowserMessage): void
  addEventListener(kind: 'message', listener: (event: { readonly data: BrowserReply }) => void): void
  addEventListener(kind: 'error', listener: (event: { readonly message?: string }) => void): void
  terminate(): void
}

/** undefined in Node, whose workers are another kind */
export const webWorker = (
  globalThis as { readonly Worker?: new (url: URL, options: { readonly type: 'module' }) => WebWorker }
).Worker

/** Looks at a word that take some tens of microseconds. */
const spinCount = 20000

export class BrowserTeam implements ThreadTeam {
  readonly threads: number
  readonly runsApart = true
  readonly #heap: WasmHeap
  readonly #participants: Participants
  readonly #programs = new Map<number, InstalledProgram>()
  #workers: Promise<readonly WebWorker[]> | undefined
  #started: WebWorker[] = []
  #finished: (() => void) | undefined
  #failed: ((error: Error) => void) | undefined
  #broken: Error | undefined

  constructor(heap: WasmHeap, threads: number) {
    this.#heap = heap
    this.threads = threads
    this.#participants = new Participants(heap)
  }

  install(program: InstalledProgram): void {
    this.#programs.set(program.id, program)
    for (const worker of this.#started) worker.postMessage(installing(program))
  }

  remove(program: InstalledProgram): void {
    this.#programs.delete(program.id)
    this.#participants.remove(program)
    for (const worker of this.#started) worker.postMessage({ kind: 'remove', id: program.id })
  }

  runInPlace(request: RunRequest): ProgramOutcome {
    this.#participants.prepare(request, 1, 0)
    this.#participants.runnerOf(request.program)(contextAddress(0), request.isProfiled)
    return this.#participants.outcome()
  }

  async run(request: RunRequest): Promise<ProgramOutcome> {
    this.#workers ??= Promise.all(Array.from({ length: this.threads }, (_, i) => this.#start(i)))
    const workers = await this.#workers
    if (this.#broken) throw this.#broken
    this.#participants.prepare(request, this.threads, spinCount)
    await new Promise<void>((resolve, reject) => {
      this.#finished = resolve
      this.#failed = reject
      const { id } = request.program
      for (const worker of workers) worker.postMessage({ kind: 'run', id, isProfiled: request.isProfiled })
    })
    return this.#participants.outcome()
  }

  close(): void {
    for (const worker of this.#started) worker.terminate()
    this.#started = []
  }

  #start(participant: number): Promise<WebWorker> {
    const worker = new webWorker!(new URL('./browser-worker.js', import.meta.url), { type: 'module' })
    this.#started.push(worker)
    return new Promise((resolve, reject) => {
      worker.addEventListener('message', ({ data }) => (data === 'ready' ? resolve(worker) : this.#finished?.()))
      worker.addEventListener('error', ({ message = 'its script could not be loaded' }) => {
        this.#broken = new DeviceError(`wasm: a worker stopped: ${message}.`)
        this.#failed?.(this.#broken)
        reject(this.#broken)
      })
      worker.postMessage({ kind: 'start', memory: this.#heap.memory, participant })
      for (const program of this.#programs.values()) worker.postMessage(installing(program))
    })
  }
}

const installing = ({ id, module, profile }: InstalledProgram): BrowserMessage => ({
  kind: 'install',
  program: { id, module, profile },
})
