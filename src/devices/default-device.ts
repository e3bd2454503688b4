// What the lists of default devices hold: a name and how to open it, and what the surroundings ask for.
import type { Device } from '../runtime/device.ts'

export interface DeviceSettings {
  /** the device to use; the first that works if left out */
  readonly name?: string
  readonly threads?: number
}

/** What a device may be opened with; each takes what it knows. */
export interface OpenOptions {
  readonly threads?: number
  readonly checked?: boolean
  readonly simplify?: boolean
  readonly fuse?: boolean
  readonly composites?: boolean
  readonly reuseMemory?: boolean
  readonly skip?: readonly string[]
  readonly avx512?: boolean
}

export interface DefaultDevice {
  readonly name: string
  /** the device, or the reason why it cannot be had here */
  readonly open: (options: OpenOptions) => Device | { readonly refused: string }
}
