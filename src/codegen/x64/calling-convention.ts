// What emitted x86-64 code and whoever calls it agree on: kernel arguments and the byte offsets of the shared records.
// The code generator reads these tables to emit kernels; the native device reads them to lay out memory and its driver.
//
// A kernel is a System V function `void kernel(bindings: rdi, sizes: rsi, context: rdx)`:
//   rdi  const uint64_t*  this call's own segment of addresses, one per buffer the kernel names
//   rsi  const int64_t*   the program's size table: extents and strides that are not constants
//   rdx  ThreadContext*   who is running (below); every participant calls the same kernel with the same rdi and rsi
// It preserves rbx, rbp, r12-r15 and rsp, may clobber every other register, keeps the direction flag clear, leaves the
// upper vector halves zeroed (vzeroupper) and uses at most 16 KiB of stack. rsp is 8 modulo 16 on entry, as after any call.
//
// Routines reached through the context, each called with rdx = context and any stack alignment:
//   call [rdx + barrier]  returns once all participants have called it; clobbers rax, rcx, r8-r11 and flags only,
//                         preserves rdx, rsi, rdi, the callee-saved and all vector registers. All or none must call it.
//   call [rdx + raise]    records an error: rcx = position, r8 = value, r9d = code; clobbers rax, r10, r11 and flags only.
//                         The kernel then goes on with a harmless index; later `skipOnError` commands do nothing.

/** Arguments of a kernel, by the register that carries them. */
export const kernelArguments = { bindings: 'rdi', sizes: 'rsi', context: 'rdx' } as const

/** The largest stack frame, in bytes, that a kernel may use: the system's pooled call stacks are small. */
export const kernelStackBytes = 16384

/** ThreadContext: one per participant, 64-byte aligned. The first three and the routines are constant during a program. */
export const threadContext = {
  /** u64, 0 … threadCount − 1. */
  threadIndex: 0,
  /** u64, how many participants run this program. */
  threadCount: 8,
  /** u64, address of this participant's scratch memory, 64-byte aligned. */
  scratch: 16,
  /** u64, address of the error word. */
  errorWord: 24,
  /** u64, address of the barrier routine. */
  barrier: 32,
  /** u64, address of the pool's shared record, which only the driver reads. */
  pool: 40,
  /** u32, how many pauses this participant's next barrier spins before it sleeps. */
  spinBudget: 48,
  /** u32, kernel id of the command being run, which `raise` records. */
  kernelId: 52,
  /** u64, address of the error-raising routine. */
  raise: 56,
  /** u64, bytes of scratch memory. */
  scratchBytes: 64,
  /** u32, the last program generation that a helper thread has seen. */
  seenWork: 72,
  bytes: 128,
} as const

/** One entry of a program's command table. */
export const commandEntry = {
  /** u64, address of the kernel. */
  kernel: 0,
  /** u64, address of the call's bindings segment. */
  bindings: 8,
  /** u64, address of the size table. */
  sizes: 16,
  /** u32, a sum of `commandFlags`. */
  flags: 24,
  /** u32, which call of the program this is: strictly ascending in program order. */
  kernelId: 28,
  /** u64, address of a `profileSlot`, or 0. */
  profile: 32,
  bytes: 48,
} as const

export const commandFlags = {
  /** All participants meet after this command. The end of a program always is such a meeting. */
  barrier: 1,
  /**
   * Not run if a command of a lower kernel id has raised an error. A `barrier` must lie between the last command that may
   * raise and this one, so that all participants agree.
   */
  skipOnError: 2,
  /** Run by participant 0 only. */
  firstThreadOnly: 4,
} as const

/** What thread 0 accumulates per profiled command: time-stamp ticks (the barrier after it included) and calls. */
export const profileSlot = { ticks: 0, calls: 8, bytes: 16 } as const

/** The error word: of all errors raised in a program, the one of the lowest kernel id, then of the lowest position. */
export const errorWord = {
  /** u32, 0 while nothing was raised, then 1. The only field that is cleared between programs. */
  raised: 0,
  /** u32, taken by the participant that is writing. */
  lock: 4,
  /** u32, the command's kernel id. */
  kernelId: 8,
  /** u32, what went wrong, as the kernel's emitter numbers it. */
  code: 12,
  /** i64, which element. */
  position: 16,
  /** i64, the offending value. */
  value: 24,
  bytes: 64,
} as const
