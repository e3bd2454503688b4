// The devices of Node in order of preference, and what the environment says about them.
import type { DefaultDevice, DeviceSettings, OpenOptions } from './default-device.ts'
import { openNativeDevice } from './native/native-device.ts'
import { createReferenceDevice } from './reference/reference-device.ts'
import { openWasmNodeDevice } from './wasm/node-device.ts'

/** TENSORLOOM_CHECKED=1 opens devices in checked mode, TENSORLOOM_PLAIN=1 without kernels for whole composites, unless they are told. */
function withSurroundings(options: OpenOptions): OpenOptions {
  const { TENSORLOOM_CHECKED: checked, TENSORLOOM_PLAIN: plain } = process.env
  return { ...options, checked: options.checked ?? checked === '1', composites: options.composites ?? plain !== '1' }
}

const openNative: DefaultDevice['open'] = (options) => openNativeDevice(withSurroundings(options))
const openWasm: DefaultDevice['open'] = (options) => openWasmNodeDevice(withSurroundings(options))

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
