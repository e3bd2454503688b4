// The devices of Node in order of preference, and what the environment says about them.
import type { DefaultDevice, DeviceSettings } from './default-device.ts'
import { createReferenceDevice } from './reference/reference-device.ts'

export const defaultDevices: readonly DefaultDevice[] = [{ name: 'reference', open: createReferenceDevice }]

/** TENSORLOOM_DEVICE names the device to use; TENSORLOOM_THREADS is the number of its threads. */
export function deviceSettings(): DeviceSettings {
  const { TENSORLOOM_DEVICE: name, TENSORLOOM_THREADS: threads } = process.env
  return { name: name || undefined, threads: threads ? Number(threads) : undefined }
}
