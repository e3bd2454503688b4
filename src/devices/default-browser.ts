// The devices of browsers in order of preference. Nothing outside the page chooses among them.
import { createReferenceDevice } from './reference/reference-device.ts'
import type { DefaultDevice, DeviceSettings } from './default-device.ts'

export const defaultDevices: readonly DefaultDevice[] = [{ name: 'reference', open: createReferenceDevice }]

export const deviceSettings = (): DeviceSettings => ({})
