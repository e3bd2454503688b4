// The devices of Node in order of preference, and what the environment says about them.
import type { DefaultDevice, DeviceSettings } from './default-device.ts'
import { openNativeDevice } from './native/native-device.ts'
import { createReferenceDevice } from './reference/reference-device.ts'
import { openWasmNodeDevice } from './wasm/node-device.ts'

const openNative: DefaultDevice['open'] = (options) =>
  openNativeDevice({ ...options, checked: options.checked ?? process.env.TENSORLOOM_CHECKED === '1' })

const openWasm: DefaultDevice['open'] = (options) =>
  openWasmNodeDevice({ ...options, checked: options.checked ?? process.env.TENSORLOOM_CHECKED === '1' })

export const defaultDevices: readonly DefaultDevice[] = [
  { name: 'native', open: openNative },
  { name: 'wasm', open: openWasm },
  { name: 'reference', open: createReferenceDevice },
]

/** TENSORLOOM_DEVICE names the device to use; TENSORLOOM_THREADS is the number of its threads. */
export function deviceSettings(): DeviceSettings {
  const { TENSORLOOM_DEVICE: name, TENSORLOOM_THREADS: threads } = process.env
  return { name: name || undefined, threads: threads ? Number(threads) : undefined }
}
