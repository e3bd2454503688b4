// One helper thread in Node: sleeps until its wake word goes up, takes new programs from its port, runs its share, and goes back.
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { WasmMemory } from '../../codegen/wasm/engine.ts'
import { contextAddress, threadContext } from '../../codegen/wasm/layout.ts'
import { type InstalledProgram, instantiate, type Runner } from './thread-team.ts'

export interface WorkerStart {
  readonly memory: WasmMemory
  readonly participant: number
  readonly port: MessagePort
  /** looks at the wake word before it sleeps */
  readonly spin: number
}

/** A program to keep, or the number of one to forget. */
export type WorkerMessage = Omit<InstalledProgram, 'bindings'> | number

export function work({ memory, participant, port, spin }: WorkerStart): never {
  const context = contextAddress(participant)
  const words = new Int32Array(memory.buffer, context, threadContext.bytes / 4)
  const [wake, ready, program, isProfiled] = [
    threadContext.wake,
    threadContext.ready,
    threadContext.program,
    threadContext.isProfiled,
  ].map((field) => field / 4)
  const runners = new Map<number, Runner>()
  const waiting = new Map<number, Exclude<WorkerMessage, number>>()
  let seen = Atomics.load(words, wake)
  Atomics.store(words, ready, 1)
  port.postMessage('ready')
  for (;;) {
    for (let left = spin; left > 0 && Atomics.load(words, wake) === seen; left--);
    Atomics.wait(words, wake, seen)
    if (Atomics.load(words, wake) === seen) continue
    seen = Atomics.load(words, wake)
    takeMessages(port, runners, waiting)
    const id = Atomics.load(words, program)
    let runner = runners.get(id)
    if (runner === undefined) {
      runner = instantiate(waiting.get(id)!, memory)
      runners.set(id, runner)
      waiting.delete(id)
    }
    runner(context, Atomics.load(words, isProfiled) === 1)
    if (participant === 0) port.postMessage('done')
  }
}

function takeMessages(
  port: MessagePort,
  runners: Map<number, Runner>,
  waiting: Map<number, Exclude<WorkerMessage, number>>,
): void {
  for (;;) {
    const received = receiveMessageOnPort(port) as { message: WorkerMessage } | undefined
    if (received === undefined) return
    const { message } = received
    if (typeof message !== 'number') {
      waiting.set(message.id, message)
      continue
    }
    runners.delete(message)
    waiting.delete(message)
  }
}

if (workerData?.participant !== undefined && workerData?.memory) work(workerData as WorkerStart)
