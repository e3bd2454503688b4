// Sessions by device name, and the default one. Devices are registered by `src/index.ts`; tensor code never names one.
import { DeviceError } from '../base/errors.ts'
import type { Device } from '../runtime/device.ts'
import { Session } from '../runtime/session.ts'

export interface DeviceOptions {
  readonly threads?: number
}

/** Opens a device, or says in a sentence why it cannot be had. */
export type OpenDevice = (options: DeviceOptions) => Device | { readonly refused: string }

export interface DeviceReport {
  /** what runs now */
  readonly name: string
  readonly threads: number
  /** devices that were asked first and refused, with the reason */
  readonly refused: readonly { readonly name: string; readonly reason: string }[]
}

const openers = new Map<string, OpenDevice>()
const sessions = new Map<string, Session>()
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

function sessionOf(name: string, options: DeviceOptions = { threads: choice.threads }): Session | undefined {
  const known = sessions.get(name)
  if (known) return known
  const opened = openers.get(name)!(options)
  if ('refused' in opened) {
    refusals.set(name, opened.refused)
    return undefined
  }
  const session = new Session(opened)
  sessions.set(name, session)
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
  throw new DeviceError('device: expected at least one device that runs here, got none. ' + refusalText())
}

/** Makes `name` the device of new tensors. Options count when it opens for the first time. */
export function setDevice(name: string, options: DeviceOptions = { threads: choice.threads }): void {
  if (!openers.has(name))
    throw new DeviceError(`setDevice: expected one of ${[...openers.keys()].join(', ')}, got '${name}'.`, { name })
  const session = sessionOf(name, options)
  if (!session) throw new DeviceError(`setDevice: '${name}' cannot be used here: ${refusals.get(name)}`, { name })
  current = session
}

/** The session of a device by name, opened when needed. */
export function sessionNamed(name: string): Session {
  if (!openers.has(name))
    throw new DeviceError(`device: expected one of ${[...openers.keys()].join(', ')}, got '${name}'.`, { name })
  const session = sessionOf(name)
  if (!session) throw new DeviceError(`device: '${name}' cannot be used here: ${refusals.get(name)}`, { name })
  return session
}

/** Names of the registered devices that can be used here, in order of preference. */
export const availableDevices = (): string[] => [...openers.keys()].filter((name) => sessionOf(name) !== undefined)

/** What runs, on how many threads, and why devices that come first were refused. */
export function device(): DeviceReport {
  const { device: running } = currentSession()
  return {
    name: running.name,
    threads: running.target.threads,
    refused: [...refusals].map(([name, reason]) => ({ name, reason })),
  }
}

const refusalText = (): string => [...refusals].map(([name, reason]) => `${name}: ${reason}`).join(' ')

/** Closes all devices: threads end, memory goes back. Tensors of before can no longer be used. */
export function closeDevices(): void {
  for (const session of sessions.values()) session.device.close()
  sessions.clear()
  current = undefined
}
