// Sessions by device name, and the default one. Devices are registered by `src/index.ts`; tensor code never names one.
import { DeviceError } from '../base/errors.ts'
import type { Device } from '../runtime/device.ts'
import { Session } from '../runtime/session.ts'
import { DeviceReport } from './device-report.ts'

/** All but `threads` are for finding faults: what a device does not have, it ignores. */
export interface DeviceOptions {
  /** as many as this process may use, if left out */
  readonly threads?: number
  /** verifies every compiler stage, and tests the bounds of every load and store */
  readonly checked?: boolean
  /** false: composites are expanded, nothing else is rewritten */
  readonly simplify?: boolean
  /** false: every aggregate in a kernel of its own */
  readonly fuse?: boolean
  /** false: composites with kernels of their own (attention) are expanded like all others */
  readonly composites?: boolean
  /** false: every value of a program keeps memory of its own */
  readonly reuseMemory?: boolean
  /** passes over kernels to leave out: simplifyExpressions, hoistInvariants, shareExpressions, removeUnused */
  readonly skip?: readonly string[]
  /** false: no 512-bit vectors, even where the processor has them */
  readonly avx512?: boolean
}

/** Opens a device, or says in a sentence why it cannot be had. */
export type OpenDevice = (options: DeviceOptions) => Device | { readonly refused: string }

const openers = new Map<string, OpenDevice>()
const sessions = new Map<string, Session>()
/** what each open device was opened with */
const opened = new Map<string, DeviceOptions>()
const refusals = new Map<string, string>()
let current: Session | undefined
let choice: { readonly name?: string } & DeviceOptions = {}

const openedListeners: ((session: Session) => void)[] = []

/** Calls `listener` for every session from its beginning: for state that must not be made in the middle of a trace. */
export const onSessionOpened = (listener: (session: Session) => void): void => {
  openedListeners.push(listener)
}

/** Sessions of all devices that are open. */
export const openSessions = (): Iterable<Session> => sessions.values()

/** Devices in order of preference. */
export function registerDevice(name: string, open: OpenDevice): void {
  openers.set(name, open)
}

/** What the surroundings ask for: a device instead of the first that works, and its number of threads. */
export function setDefaultChoice(wanted: { readonly name?: string } & DeviceOptions): void {
  choice = wanted
}

function sessionOf(name: string, options: DeviceOptions = {}): Session | undefined {
  const known = sessions.get(name)
  if (known) return known
  const own = { threads: choice.threads, ...options }
  const device = openers.get(name)!(own)
  if ('refused' in device) {
    refusals.set(name, device.refused)
    return undefined
  }
  const session = new Session(device)
  sessions.set(name, session)
  opened.set(name, own)
  for (const listener of openedListeners) listener(session)
  return session
}

/** The session of the default device: the first registered one that does not refuse. */
export function currentSession(): Session {
  if (current) return current
  if (choice.name !== undefined) {
    current = sessionNamed(choice.name)
    return current
  }
  for (const name of openers.keys()) {
    const session = sessionOf(name)
    if (session) {
      current = session
      return session
    }
  }
  throw new DeviceError(`device: expected at least one device that runs here, got none. ${refusalText()}`)
}

/**
 * Makes `name` the device of new tensors.
 * @throws DeviceError when it cannot be had here, or is open with other options already
 */
export function setDevice(name: string, options: DeviceOptions = {}): void {
  if (!openers.has(name))
    throw new DeviceError(`setDevice: expected one of ${[...openers.keys()].join(', ')}, got '${name}'.`, { name })
  const session = sessionOf(name, options)
  if (!session) throw new DeviceError(`setDevice: '${name}' cannot be used here: ${refusals.get(name)}`, { name })
  refuseOtherOptions(name, options, session)
  current = session
}

/** Tensors hold on to their device, so that it cannot be opened again with other options. */
function refuseOtherOptions(name: string, options: DeviceOptions, { device }: Session): void {
  const before: DeviceOptions = { ...opened.get(name), threads: device.target.threads }
  const wanted = Object.entries(options).filter(([, value]) => value !== undefined)
  const other = wanted.find(([key, value]) => String(before[key as keyof DeviceOptions]) !== String(value))
  if (name === 'reference' || !other) return
  throw new DeviceError(
    `setDevice: expected ${other[0]} of '${name}' to stay ${before[other[0] as keyof DeviceOptions] ?? 'as it is by itself'}, since it is open, ` +
      `got ${other[1]}. Give options to the first setDevice, or call closeDevices() before.`,
    { name, option: other[0] },
  )
}

/** The session of a device by name, opened when needed. */
export function sessionNamed(name: string): Session {
  if (!openers.has(name))
    throw new DeviceError(`device: expected one of ${[...openers.keys()].join(', ')}, got '${name}'.`, { name })
  const session = sessionOf(name)
  if (!session) throw new DeviceError(`device: '${name}' cannot be used here: ${refusals.get(name)}`, { name })
  return session
}

/** Names of the registered devices, whether or not they can be used here. */
export const deviceNames = (): string[] => [...openers.keys()]

/** Names of the registered devices that can be used here, in order of preference. */
export const availableDevices = (): string[] => [...openers.keys()].filter((name) => sessionOf(name) !== undefined)

/** What runs, on how many threads, on what machine, and why devices that come first were refused. */
export function device(): DeviceReport {
  return new DeviceReport(currentSession().device, refusals)
}

const refusalText = (): string => [...refusals.values()].join(' ')

/** Closes all devices: threads end, memory goes back. Tensors of before can no longer be used. */
export function closeDevices(): void {
  for (const session of sessions.values()) session.device.close()
  sessions.clear()
  opened.clear()
  current = undefined
}
