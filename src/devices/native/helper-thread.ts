// Emits the loop that a pool's helper threads live in, and the routine that ends it.

import type { Assembler } from '../../codegen/x64/assembler.ts'
import { threadContext } from '../../codegen/x64/calling-convention.ts'
import {
  eax,
  ebx,
  edi,
  edx,
  esi,
  type Label,
  r8,
  r10,
  r10d,
  r12,
  r13,
  rax,
  rbx,
  rdi,
  rdx,
  rsi,
} from '../../codegen/x64/operands.ts'
import { type Emitter, emitWake, field, futexWait, quad, system, word } from './emitter.ts'
import { poolRecord as pool, stopMode } from './pool-record.ts'

const timedOut = -110
const noSuchThread = -3

/** A helper thread, `helper(context)`: waits for programs and takes part in each; ebx is the last one it has seen. */
export function emitHelper({ a, labels }: Emitter): void {
  const [idle, spin, work, detach, exit] = [a.label(), a.label(), a.label(), a.label(), a.label()]
  a.bind(labels.helper)
  for (const register of [rbx, r12, r13]) a.emit('push', register)
  a.emit('mov', r12, rdi)
  a.emit('mov', r13, quad(r12, threadContext.pool))
  a.emit('mov', ebx, word(r12, threadContext.seenWork))
  a.bind(idle)
  a.emit('mov', r10d, word(r13, pool.idleSpin))
  a.bind(spin)
  a.emit('cmp', word(r13, pool.work), ebx)
  a.emit('jne', work)
  a.emit('pause')
  a.emit('dec', r10d)
  a.emit('jne', spin)
  emitHelperSleep(a, detach)
  a.bind(work)
  a.emit('cmp', word(r13, pool.stop), stopMode.join)
  a.emit('je', exit)
  a.emit('ja', detach)
  a.emit('mov', ebx, word(r13, pool.work))
  a.emit('mov', rdi, r12)
  a.emit('mov', rsi, quad(r13, pool.commands))
  a.emit('mov', rdx, quad(r13, pool.commandCount))
  a.emit('call', labels.interpret)
  a.emit('jmp', idle)
  a.bind(detach)
  a.emit('call', quad(r13, pool.threadSelf))
  a.emit('mov', rdi, rax)
  a.emit('call', quad(r13, pool.threadDetach))
  a.bind(exit)
  a.emit('xor', eax, eax)
  for (const register of [r13, r12, rbx]) a.emit('pop', register)
  a.emit('ret')
}

/** A terminated Worker runs no JavaScript that could stop its helpers, so they look for their owner between sleeps. */
function emitHelperSleep(a: Assembler, orphaned: Label): void {
  const [sleep, woken] = [a.label(), a.label()]
  a.emit('lock inc', word(r13, pool.idlers))
  a.bind(sleep)
  a.emit('lea', rdi, field(r13, pool.work))
  a.emit('mov', esi, futexWait)
  a.emit('mov', edx, ebx)
  a.emit('lea', r10, field(r13, pool.sleepTime))
  a.emit('mov', eax, system.futex)
  a.emit('syscall')
  a.emit('cmp', word(r13, pool.work), ebx)
  a.emit('jne', woken)
  a.emit('cmp', rax, timedOut)
  a.emit('jne', sleep)
  a.emit('mov', edi, word(r13, pool.processId))
  a.emit('mov', esi, word(r13, pool.ownerThread))
  a.emit('xor', edx, edx)
  a.emit('mov', eax, system.tgkill)
  a.emit('syscall')
  a.emit('cmp', rax, noSuchThread)
  a.emit('jne', sleep)
  a.emit('jmp', orphaned)
  a.bind(woken)
  a.emit('lock dec', word(r13, pool.idlers))
}

/** Advancing both futex words makes a sleep that is about to begin fail, so that nobody misses the stop. */
export function emitStop({ a, labels }: Emitter): void {
  a.bind(labels.stop)
  a.emit('mov', r8, rdi)
  a.emit('mov', word(r8, pool.stop), esi)
  a.emit('lock inc', word(r8, pool.generation))
  a.emit('lock inc', word(r8, pool.work))
  emitWake(a, r8, pool.generation)
  emitWake(a, r8, pool.work)
  a.emit('ret')
}
