// The WebAssembly device in a browser: worker threads over one shared memory where the page is cross-origin isolated, which browsers
// demand for shared memory; the page's own thread alone elsewhere.
import { ArgumentError } from '../../base/errors.ts'
import { engineFeatures } from '../../codegen/wasm/engine-features.ts'
import { maximumThreads } from '../../codegen/wasm/layout.ts'
import type { Device } from '../../runtime/device.ts'
import { BrowserTeam, webWorker } from './browser-team.ts'
import type { WasmHeap } from './heap.ts'
import { openWasmDevice, type WasmDeviceOptions } from './wasm-device.ts'

export interface WasmBrowserOptions extends WasmDeviceOptions {
  /** as many as the browser says there are processors, if left out */
  readonly threads?: number
}

/** What a page or a worker of one knows of its surroundings. */
interface Surroundings {
  readonly crossOriginIsolated?: boolean
  readonly navigator?: { readonly hardwareConcurrency?: number }
}

export function openWasmBrowserDevice(options: WasmBrowserOptions = {}): Device | { readonly refused: string } {
  const { crossOriginIsolated, navigator } = globalThis as Surroundings
  const threads = options.threads ?? Math.min(maximumThreads, navigator?.hardwareConcurrency ?? 1)
  if (!Number.isInteger(threads) || threads < 1 || threads > maximumThreads)
    throw new ArgumentError(`wasm: expected 1 to ${maximumThreads} threads, got ${threads}.`, { threads })
  if (threads === 1 || !crossOriginIsolated || !webWorker || !engineFeatures().threads) return openWasmDevice(options)
  const make = (heap: WasmHeap): BrowserTeam => new BrowserTeam(heap, threads)
  return openWasmDevice(options, { team: { isShared: true, make } })
}
