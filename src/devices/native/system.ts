// The system calls that the native device needs, bound through koffi on Linux x86-64: pages, copies, threads, calls.
// koffi is required on the first open only, so importing this file costs nothing and works on every platform.

import { createRequire } from 'node:module'
import { DeviceError } from '../../base/errors.ts'

/** A function at a native address, with integer arguments and an integer result; `async` runs it on a libuv thread. */
export interface NativeFunction {
  (...args: number[]): number
  async(...args: [...number[], (error: unknown, result: number) => void]): void
}

export type Protection = 'none' | 'readWrite' | 'readExecute'

export interface System {
  /** Maps fresh zeroed pages; undefined when the system refuses. */
  map(bytes: number): number | undefined
  unmap(address: number, bytes: number): void
  /** Whether the system allowed the change. */
  protect(address: number, bytes: number, protection: Protection): boolean
  adviseHugePages(address: number, bytes: number): void
  copyIn(address: number, source: Uint8Array, bytes: number): void
  copyOut(target: Uint8Array, address: number, bytes: number): void
  readUint32(address: number): number
  /** Makes the machine code at `address` callable with `argumentCount` integers. */
  callable(address: number, argumentCount: number): NativeFunction
  /** Address of a C library function, for emitted code to call. */
  symbol(name: string): number
  /** The calling thread's id in the kernel. */
  threadId(): number
  /** Starts a POSIX thread at `entry(argument)` with every signal blocked; its handle, or undefined when refused. */
  startThread(entry: number, argument: number): bigint | undefined
  joinThread(handle: bigint): void
}

type Koffi = typeof import('koffi')['default']

export const pageBytes = 4096
const protections: Record<Protection, number> = { none: 0, readWrite: 3, readExecute: 5 }
const privateAnonymous = 0x22
const hugePageAdvice = 14
const threadIdCall = 186
const threadStackBytes = 256 * 1024
const signalBlockAll = 0
const signalSetMask = 2

export function openSystem(): System {
  const koffi = createRequire(import.meta.url)('koffi') as Koffi
  const libc = koffi.load('libc.so.6')
  const bind = (name: string, result: string, args: string[]) => libc.func(name, result, args)
  const mmap = bind('mmap', 'uintptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'int64_t'])
  const munmap = bind('munmap', 'int', ['uintptr_t', 'size_t'])
  const mprotect = bind('mprotect', 'int', ['uintptr_t', 'size_t', 'int'])
  const madvise = bind('madvise', 'int', ['uintptr_t', 'size_t', 'int'])
  const copyIn = bind('memcpy', 'void', ['uintptr_t', 'const void *', 'size_t'])
  const copyOut = bind('memcpy', 'void', ['void *', 'uintptr_t', 'size_t'])
  const systemCall = bind('syscall', 'long', ['long'])
  const prototypes: ReturnType<Koffi['proto']>[] = []
  const mapped = (address: number | bigint) => typeof address === 'number' && address > 0
  return {
    map: (bytes) => {
      const address = mmap(0, bytes, protections.readWrite, privateAnonymous, -1, 0)
      return mapped(address) ? address : undefined
    },
    unmap: (address, bytes) => {
      if (munmap(address, bytes) !== 0) throw new DeviceError(`native: munmap of ${bytes} bytes failed`)
    },
    protect: (address, bytes, protection) => mprotect(address, bytes, protections[protection]) === 0,
    adviseHugePages: (address, bytes) => madvise(address, bytes, hugePageAdvice),
    copyIn,
    copyOut,
    readUint32: (address) => koffi.decode.uint32(address),
    callable: (address, argumentCount) => {
      prototypes[argumentCount] ??= koffi.proto('int64_t', new Array<string>(argumentCount).fill('int64_t'))
      return koffi.decode(BigInt(address), prototypes[argumentCount]) as NativeFunction
    },
    symbol: (name) => Number(koffi.address(libc.symbol(name))),
    threadId: () => systemCall(threadIdCall),
    ...openThreads(bind),
  }
}

/** Signals must reach the JavaScript thread, so they are blocked around the start: a new thread inherits the mask. */
function openThreads(bind: (name: string, result: string, args: string[]) => (...args: unknown[]) => number) {
  const create = bind('pthread_create', 'int', ['void *', 'void *', 'uintptr_t', 'uintptr_t'])
  const join = bind('pthread_join', 'int', ['uint64_t', 'uintptr_t'])
  const initAttributes = bind('pthread_attr_init', 'int', ['void *'])
  const setStackSize = bind('pthread_attr_setstacksize', 'int', ['void *', 'size_t'])
  const destroyAttributes = bind('pthread_attr_destroy', 'int', ['void *'])
  const signalMask = bind('pthread_sigmask', 'int', ['int', 'void *', 'void *'])
  const everySignal = new Uint8Array(128).fill(0xff)
  return {
    startThread: (entry: number, argument: number) => {
      const handle = new BigUint64Array(1)
      const attributes = new Uint8Array(64)
      const previousMask = new Uint8Array(128)
      initAttributes(attributes)
      setStackSize(attributes, threadStackBytes)
      signalMask(signalBlockAll, everySignal, previousMask)
      const failure = create(handle, attributes, entry, argument)
      signalMask(signalSetMask, previousMask, null)
      destroyAttributes(attributes)
      return failure === 0 ? handle[0] : undefined
    },
    joinThread: (handle: bigint) => {
      join(handle, 0)
    },
  }
}
