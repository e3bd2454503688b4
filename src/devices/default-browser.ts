// The devices of browsers in order of preference. Nothing outside the page chooses among them.

import type { DefaultDevice, DeviceSettings } from './default-device.ts'
import { createReferenceDevice } from './reference/reference-device.ts'
import { openWasmBrowserDevice } from './wasm/browser-device.ts'

export const defaultDevices: readonly DefaultDevice[] = [
  { name: 'wasm', open: openWasmBrowserDevice },
  { name: 'reference', open: createReferenceDevice },
]

export const deviceSettings = (): DeviceSettings => ({})
