// The devices of browsers in order of preference. Nothing outside the page chooses among them.

import type { DefaultDevice, DeviceSettings } from './default-device.ts'
import { createReferenceDevice } from './reference/reference-device.ts'

export const defaultDevices: readonly DefaultDevice[] = [{ name: 'reference', open: createReferenceDevice }]

export const deviceSettings = (): DeviceSettings => ({})
