// Hand-emitted kernels and a small program builder for this folder's tests; they follow the kernel calling convention.

import { Assembler } from '../../codegen/x64/assembler.ts'
import { threadContext } from '../../codegen/x64/calling-convention.ts'
import { mem, r8, r9d, r12, r13, r14, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../codegen/x64/operands.ts'
import type { NativeHost } from './native-host.ts'
import { type Command, encodeCommands } from './thread-pool.ts'

const emitted = (write: (a: Assembler) => void) => {
  const a = new Assembler()
  write(a)
  a.emit('ret')
  return a.finish()
}
const context = (field: number) => mem({ base: rdx, disp: field, size: 8 })
const quad = (base: typeof rax, disp = 0) => mem({ base, disp, size: 8 })

export const testKernels = {
  /** bindings[0][threadIndex] = threadIndex + 1; bindings[1][0] += 1 atomically. */
  count: emitted((a) => {
    a.emit('mov', rax, context(threadContext.threadIndex))
    a.emit('mov', rcx, quad(rdi))
    a.emit('lea', r8, mem({ base: rax, disp: 1, size: 8 }))
    a.emit('mov', mem({ base: rcx, index: rax, scale: 8 }), r8)
    a.emit('mov', rcx, quad(rdi, 8))
    a.emit('lock inc', quad(rcx))
  }),
  /** sizes[0] steps of a dependent multiplication, shared out among the participants. */
  burn: emitted((a) => {
    a.emit('mov', r8, rdx)
    a.emit('mov', rax, quad(rsi))
    a.emit('xor', rdx, rdx)
    a.emit('div', mem({ base: r8, disp: threadContext.threadCount, size: 8 }))
    a.emit('mov', rcx, rax)
    const loop = a.bind()
    a.emit('imul', rax, rax)
    a.emit('dec', rcx)
    a.emit('jg', loop)
  }),
  /** sizes[0] rounds: bindings[0][threadIndex * 64] = round, barrier, every slot must hold it, else `raise`; barrier. */
  rounds: emitted((a) => emitRounds(a)),
  /** Raises code 7 at position sizes[0] + threadIndex with value -5. */
  raise: emitted((a) => {
    a.emit('mov', rcx, quad(rsi))
    a.emit('add', rcx, context(threadContext.threadIndex))
    a.emit('mov', r8, -5)
    a.emit('mov', r9d, 7)
    a.emit('call', context(threadContext.raise))
  }),
  /** Writes to its scratch memory, and tells where that is in bindings[0][threadIndex]. */
  scratch: emitted((a) => {
    a.emit('mov', rax, context(threadContext.scratch))
    a.emit('mov', rcx, context(threadContext.threadIndex))
    a.emit('mov', quad(rax), rcx)
    a.emit('mov', r8, quad(rdi))
    a.emit('mov', mem({ base: r8, index: rcx, scale: 8 }), rax)
  }),
  /** Loads 8 bytes at bindings[0] + sizes[0]. */
  load: emitted((a) => {
    a.emit('mov', rax, quad(rdi))
    a.emit('add', rax, quad(rsi))
    a.emit('mov', rax, quad(rax))
  }),
} as const

function emitRounds(a: Assembler): void {
  const saved = [rbx, rbp, r12, r13, r14]
  for (const register of saved) a.emit('push', register)
  a.emit('mov', rbx, quad(rdi))
  a.emit('mov', rbp, quad(rsi))
  a.emit('mov', r12, context(threadContext.threadIndex))
  a.emit('shl', r12, 6)
  const round = a.bind()
  a.emit('mov', mem({ base: rbx, index: r12 }), rbp)
  a.emit('call', context(threadContext.barrier))
  a.emit('mov', r13, context(threadContext.threadCount))
  a.emit('mov', r14, rbx)
  const slot = a.bind()
  const same = a.label()
  a.emit('cmp', quad(r14), rbp)
  a.emit('je', same)
  a.emit('mov', rcx, rbp)
  a.emit('mov', r8, quad(r14))
  a.emit('mov', r9d, 1)
  a.emit('call', context(threadContext.raise))
  a.bind(same)
  a.emit('add', r14, 64)
  a.emit('dec', r13)
  a.emit('jne', slot)
  a.emit('call', context(threadContext.barrier))
  a.emit('dec', rbp)
  a.emit('jne', round)
  for (const register of saved.reverse()) a.emit('pop', register)
}

export type TestKernelName = keyof typeof testKernels

export interface Call {
  readonly kernel: TestKernelName
  readonly bindings?: readonly number[]
  readonly sizes?: readonly number[]
  readonly flags?: number
  readonly profile?: number
}

/** Installs the test kernels once, and lays programs out in native memory. */
export function programBuilder(host: NativeHost) {
  const names = Object.keys(testKernels) as TestKernelName[]
  const code = host.installCode(names.map((name) => testKernels[name]))
  const table = (words: readonly number[]) => {
    const bytes = new Uint8Array(BigInt64Array.from(words, BigInt).buffer)
    const address = host.memory.allocate(Math.max(8, bytes.byteLength))
    host.memory.write(address, bytes)
    return address
  }
  const program = (calls: readonly Call[]) => {
    const commands = calls.map(
      (call, kernelId): Command => ({
        kernel: code.addresses[names.indexOf(call.kernel)],
        bindings: table(call.bindings ?? []),
        sizes: table(call.sizes ?? []),
        flags: call.flags ?? 0,
        kernelId,
        profile: call.profile,
      }),
    )
    const bytes = encodeCommands(commands)
    const address = host.memory.allocate(bytes.byteLength)
    host.memory.write(address, bytes)
    return { address, count: commands.length }
  }
  const words = (address: number, count: number) =>
    Array.from(new BigInt64Array(host.memory.read(address, 8 * count).buffer), Number)
  return { program, table, words }
}
