// What the lists of default devices hold: a name and how to open it, and what the surroundings ask for.
import type { Device } from '../runtime/device.ts'

export interface DeviceSettings {
  /** the device to use; the first that works if left out */
  readonly name?: string
  readonly threads?: number
}

export interface DefaultDevice {
  readonly name: string
  /** the device, or the reason why it cannot be had here */
  readonly open: (options: { readonly threads?: number }) => Device | { readonly refused: string }
}
