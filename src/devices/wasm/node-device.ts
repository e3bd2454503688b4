// The WebAssembly device in Node: as many worker threads as this process may use, over one shared memory.
import { isMainThread } from 'node:worker_threads'
import { ArgumentError } from '../../base/errors.ts'
import { engineFeatures } from '../../codegen/wasm/engine-features.ts'
import { maximumThreads } from '../../codegen/wasm/layout.ts'
import { verifier } from '../../compiler/verifier.ts'
import type { Device } from '../../runtime/device.ts'
import { headroomShare, memoryLeft, processorLimit } from '../../system/limits.ts'
import type { WasmHeap } from './heap.ts'
import { openWasmDevice, type WasmDeviceOptions } from './wasm-device.ts'
import { WorkerTeam } from './worker-team.ts'

export interface WasmNodeOptions extends WasmDeviceOptions {
  /** one inside a worker unless asked, else as many as may run at once */
  readonly threads?: number
}

export function openWasmNodeDevice(options: WasmNodeOptions = {}): Device | { readonly refused: string } {
  const processors = processorLimit()
  const room = (): number => headroomShare * memoryLeft()
  const threads = options.threads ?? (isMainThread ? processors : 1)
  if (!Number.isInteger(threads) || threads < 1 || threads > maximumThreads)
    throw new ArgumentError(`wasm: expected 1 to ${maximumThreads} threads, got ${threads}.`, { threads })
  if (threads === 1 || !engineFeatures().threads) return openWasmDevice(options, { room, verifier })
  const make = (heap: WasmHeap): WorkerTeam => new WorkerTeam(heap, threads, processors)
  return openWasmDevice(options, { team: { isShared: true, make }, room, verifier })
}
