// A team of participants that runs command tables: the caller (or a libuv thread) and helper threads on an emitted loop.
// One program at a time; short ones run in place, long ones off the event loop, which stays alive exactly while one does.

import { DeviceError } from '../../base/errors.ts'
import { commandEntry, errorWord, threadContext } from '../../codegen/x64/calling-convention.ts'
import type { ProgramOutcome } from '../../runtime/queued-device.ts'
import type { RoutineName } from './emitter.ts'
import type { NativeMemory } from './memory.ts'
import type { Participants } from './participation.ts'
import { contextOffset, poolBytes, poolRecord, runStatus, stopMode } from './pool-record.ts'
import type { NativeFunction, System } from './system.ts'

/** A kernel call as the driver sees it; addresses are native. */
export interface Command {
  readonly kernel: number
  readonly bindings: number
  readonly sizes: number
  /** A sum of `commandFlags`. */
  readonly flags: number
  readonly kernelId: number
  /** Address of a profile slot, if this call is timed. */
  readonly profile?: number
}

export interface PoolOptions {
  readonly threads: number
  /** Processors that this process may use: more threads than these sleep early instead of spinning. */
  readonly processors: number
  readonly scratchBytes?: number
  /** in tests: pauses, at most, that each participant waits before each kernel; a power of two less one */
  readonly jitter?: number
}

/** What a pool needs from its host: pages, memory and the driver's routines. */
export interface PoolGround {
  readonly system: System
  readonly memory: NativeMemory
  readonly routines: Readonly<Record<RoutineName, number>>
}

/** Loops of short programs come back within it; helpers of PyTorch (libgomp) spin for milliseconds. */
const idleSpinMicroseconds = 200
/**
 * At a barrier: kernels that take a millisecond leave participants hundreds of microseconds apart, and who sleeps wakes late, perhaps on
 * the other's processor. The budget shrinks by itself where spinning does not pay.
 */
const barrierSpinMicroseconds = 1000
const crowdedSpinMicroseconds = 1
const calibrationPauses = 500
const ownerCheckSeconds = 2n
const defaultScratchBytes = 64 * 1024
const cacheLineBytes = 64

export function encodeCommands(commands: readonly Command[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(commands.length * commandEntry.bytes))
  commands.forEach((command, i) => {
    const base = i * commandEntry.bytes
    view.setBigUint64(base + commandEntry.kernel, BigInt(command.kernel), true)
    view.setBigUint64(base + commandEntry.bindings, BigInt(command.bindings), true)
    view.setBigUint64(base + commandEntry.sizes, BigInt(command.sizes), true)
    view.setUint32(base + commandEntry.flags, command.flags, true)
    view.setUint32(base + commandEntry.kernelId, command.kernelId, true)
    view.setBigUint64(base + commandEntry.profile, BigInt(command.profile ?? 0), true)
  })
  return new Uint8Array(view.buffer)
}

export class ThreadPool {
  readonly threads: number
  readonly #ground: PoolGround
  readonly #record: number
  readonly #helpers: bigint[] = []
  readonly #run: NativeFunction
  readonly #runAlone: NativeFunction
  readonly #stop: NativeFunction
  #scratch = 0
  #scratchBytes = 0
  #inFlight: Promise<ProgramOutcome> | undefined
  #closed = false

  constructor(ground: PoolGround, options: PoolOptions) {
    this.threads = options.threads
    this.#ground = ground
    this.#run = ground.system.callable(ground.routines.run, 3)
    this.#runAlone = ground.system.callable(ground.routines.runAlone, 3)
    this.#stop = ground.system.callable(ground.routines.stop, 2)
    this.#record = ground.memory.allocate(poolBytes(this.threads))
    ground.memory.write(this.#record, this.#initialRecord(options))
    this.ensureScratch(options.scratchBytes ?? defaultScratchBytes)
    this.#startHelpers()
  }

  /** Whether a program is running off the event loop; until it ends no other may be started and nothing be resized. */
  get busy(): boolean {
    return this.#inFlight !== undefined
  }

  /** Scratch bytes that each participant has. */
  get scratchBytes(): number {
    return this.#scratchBytes
  }

  /** Gives every participant at least `bytes` of scratch memory. */
  ensureScratch(bytes: number): void {
    if (bytes <= this.#scratchBytes) return
    this.#checkFree('ensureScratch')
    const { memory } = this.#ground
    const each = Math.ceil(bytes / cacheLineBytes) * cacheLineBytes
    const scratch = memory.allocate(each * (this.threads + 1))
    if (this.#scratch !== 0) memory.release(this.#scratch)
    this.#scratch = scratch
    this.#scratchBytes = each
    for (let i = 0; i <= this.threads; i++) {
      const context = this.#record + contextOffset(i)
      memory.write(context + threadContext.scratch, quads(BigInt(scratch + i * each)))
      memory.write(context + threadContext.scratchBytes, quads(BigInt(each)))
    }
  }

  /** Runs `count` commands at `commands` and returns when they are done: for programs of well under a millisecond. */
  runInPlace(commands: number, count: number, participants: Participants = 'all'): ProgramOutcome {
    this.#checkFree('runInPlace')
    if (count === 0) return { kind: 'done' }
    const alone = participants === 'one' || this.threads === 1
    return this.#outcome(
      alone ? this.#runAlone(this.#aloneContext, commands, count) : this.#run(this.#record, commands, count),
    )
  }

  /** The same with a libuv thread as participant 0: the event loop goes on, and the process lives until the end. */
  run(commands: number, count: number, participants: Participants = 'all'): Promise<ProgramOutcome> {
    this.#checkFree('run')
    if (count === 0) return Promise.resolve({ kind: 'done' })
    const alone = participants === 'one' || this.threads === 1
    const [routine, subject] = alone ? [this.#runAlone, this.#aloneContext] : [this.#run, this.#record]
    this.#inFlight = new Promise((resolve, reject) => {
      routine.async(subject, commands, count, (error, status) => {
        this.#inFlight = undefined
        if (error) reject(error)
        else resolve(this.#outcome(status))
      })
    })
    return this.#inFlight
  }

  /** Ends the program in flight at its next command and all further use; the helpers return, or detach themselves. */
  abandon(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stop(this.#record, stopMode.detach)
  }

  /** Waits for the program in flight, joins the helpers and gives the memory back. */
  async close(): Promise<void> {
    await this.#inFlight
    this.closeIdle()
  }

  /** `close` for a pool that is not busy. */
  closeIdle(): void {
    if (this.#closed) return
    this.#checkFree('close')
    this.#closed = true
    this.#stop(this.#record, stopMode.join)
    for (const helper of this.#helpers) this.#ground.system.joinThread(helper)
    this.#ground.memory.release(this.#scratch)
    this.#ground.memory.release(this.#record)
  }

  get #aloneContext(): number {
    return this.#record + contextOffset(this.threads)
  }

  #checkFree(operation: string): void {
    if (this.#closed) throw new DeviceError(`thread pool: ${operation} expects an open pool, got a closed one`)
    if (this.busy) {
      throw new DeviceError(
        `thread pool: ${operation} expects an idle pool, got one that is running a program. Await it first.`,
      )
    }
  }

  #outcome(status: number): ProgramOutcome {
    if (status !== runStatus.raised) return { kind: status === runStatus.stopped ? 'stopped' : 'done' }
    const bytes = this.#ground.memory.read(this.#record + poolRecord.error, errorWord.bytes)
    const view = new DataView(bytes.buffer)
    return {
      kind: 'raised',
      error: {
        call: view.getUint32(errorWord.kernelId, true),
        code: view.getUint32(errorWord.code, true),
        position: view.getBigInt64(errorWord.position, true),
        value: view.getBigInt64(errorWord.value, true),
      },
    }
  }

  #initialRecord({ threads, processors, jitter = 0 }: PoolOptions): Uint8Array {
    const { system, routines } = this.#ground
    const view = new DataView(new ArrayBuffer(poolBytes(threads)))
    const perMicrosecond = pausesPerMicrosecond(system.callable(routines.pauses, 1))
    const isCrowded = threads > processors
    const turns = (microseconds: number): number =>
      Math.ceil(perMicrosecond * (isCrowded ? crowdedSpinMicroseconds : microseconds))
    const spin = turns(barrierSpinMicroseconds)
    const floor = Math.min(spin, Math.ceil(perMicrosecond * crowdedSpinMicroseconds))
    view.setUint32(poolRecord.idleSpin, turns(idleSpinMicroseconds), true)
    view.setUint32(poolRecord.spinLimit, spin, true)
    view.setUint32(poolRecord.spinFloor, floor, true)
    view.setBigInt64(poolRecord.sleepTime, ownerCheckSeconds, true)
    view.setUint32(poolRecord.jitter, jitter, true)
    view.setUint32(poolRecord.processId, process.pid, true)
    view.setUint32(poolRecord.ownerThread, system.threadId(), true)
    view.setBigUint64(poolRecord.threadSelf, BigInt(system.symbol('pthread_self')), true)
    view.setBigUint64(poolRecord.threadDetach, BigInt(system.symbol('pthread_detach')), true)
    for (let i = 0; i <= threads; i++) this.#writeContext(view, i, threads, spin)
    return new Uint8Array(view.buffer)
  }

  /** The context after the last participant's is for programs that one participant runs alone. */
  #writeContext(view: DataView, participant: number, threads: number, spin: number): void {
    const { routines } = this.#ground
    const alone = participant === threads
    const base = contextOffset(participant)
    const setAddress = (offset: number, address: number) => view.setBigUint64(base + offset, BigInt(address), true)
    setAddress(threadContext.threadIndex, alone ? 0 : participant)
    setAddress(threadContext.threadCount, alone ? 1 : threads)
    setAddress(threadContext.errorWord, this.#record + poolRecord.error)
    setAddress(threadContext.barrier, alone ? routines.barrierAlone : routines.barrier)
    setAddress(threadContext.pool, this.#record)
    setAddress(threadContext.raise, routines.raise)
    view.setUint32(base + threadContext.spinBudget, spin, true)
  }

  #startHelpers(): void {
    const { system, routines } = this.#ground
    for (let i = 1; i < this.threads; i++) {
      const handle = system.startThread(routines.helper, this.#record + contextOffset(i))
      if (handle === undefined) {
        this.closeIdle()
        throw new DeviceError(
          `thread pool: expected ${this.threads} threads, but the system refused to start number ${i + 1}`,
        )
      }
      this.#helpers.push(handle)
    }
  }
}

/** A pause takes 10 to 140 cycles depending on the processor, so it is measured; the fastest of three is undisturbed. */
function pausesPerMicrosecond(pauses: NativeFunction): number {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3; i++) {
    const start = process.hrtime.bigint()
    pauses(calibrationPauses)
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1000)
  }
  return calibrationPauses / best
}

const quads = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer)
