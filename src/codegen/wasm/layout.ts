// The low addresses of a program's memory, which generated code and the device agree on. Nothing else is below `heapStart`.

/** The first failed check: set is 0 or 1. Position and value are int64. */
export const errorRecord = { address: 64, set: 0, call: 4, code: 8, position: 16, value: 24, bytes: 32 } as const

/** The barrier's words, a cache line apart: participants that arrived, barriers passed, participants asleep. */
export const barrierWords = { arrived: 128, generation: 192, sleepers: 256 } as const

/** Where an access that failed its bounds test goes in checked mode. */
export const trashAddress = 320

/** Bits of 2/π, see math-angle.ts. */
export const inverseTableAddress = 512

/** One record per participant. */
export const threadContext = {
  first: 1024,
  bytes: 64,
  index: 0,
  count: 4,
  /** this participant's scratch memory */
  scratch: 8,
  /** the call at hand, for the error record */
  call: 12,
  /** the address of the program's table of bindings */
  bindings: 16,
  /** how often a barrier looks before it sleeps */
  spin: 20,
  /** goes up when a worker has something to do, and what that is */
  wake: 24,
  ready: 28,
  program: 32,
  isProfiled: 36,
} as const

export const heapStart = 65536
/** Vector loads may read this far beyond an element. */
export const heapSlack = 1024
export const pageBytes = 65536
/** 4 GiB less a page: every address and every size fits 32 bits. */
export const maximumPages = 65535

export const contextAddress = (participant: number): number => threadContext.first + participant * threadContext.bytes
export const maximumThreads = Math.floor((heapStart - threadContext.first) / threadContext.bytes)
