// The record that all participants of a pool share, as byte offsets, and what its words mean.
// Words that different participants write lie 128 bytes apart, since processors fetch cache lines in pairs.

import { errorWord, threadContext } from '../../codegen/x64/calling-convention.ts'

export const poolRecord = {
  /** u64, u64: the running program's command table and its length. */
  commands: 0,
  commandCount: 8,
  /** u32, a `stopMode`; once set, every participant leaves at its next command or barrier. */
  stop: 16,
  /** u32: pauses a helper spins for the next program, and the bounds of a participant's spin budget in barriers. */
  idleSpin: 20,
  spinFloor: 24,
  spinLimit: 28,
  /** timespec: how long an idle helper sleeps before it looks whether its owner still lives. */
  sleepTime: 32,
  /** u32: kernel ids of the process and of the JavaScript thread that owns the pool. */
  processId: 48,
  ownerThread: 52,
  /** u64: C library functions. */
  threadSelf: 56,
  threadDetach: 64,
  /** u32: in tests, each participant waits up to this many pauses (a power of two less one) before each kernel; 0 otherwise. */
  jitter: 72,
  /** u32: participants that have arrived at the current barrier. */
  arrivals: 128,
  /** u32: barriers passed (a futex), and participants asleep on it. */
  generation: 256,
  sleepers: 260,
  /** u32: programs started (a futex), and helpers asleep on it. */
  work: 384,
  idlers: 388,
  error: 512,
  /** One ThreadContext per participant, then the one of a participant that runs a program alone. */
  contexts: 512 + errorWord.bytes * 2,
} as const

export const poolBytes = (threads: number) => poolRecord.contexts + (threads + 1) * threadContext.bytes

export const contextOffset = (participant: number) => poolRecord.contexts + participant * threadContext.bytes

export const stopMode = {
  none: 0,
  /** Helpers return and are joined. */
  join: 1,
  /** Helpers detach themselves and return: nobody is left to join them. */
  detach: 2,
} as const

/** What `run` and `runAlone` return. */
export const runStatus = { done: 0, raised: 1, stopped: 2 } as const
