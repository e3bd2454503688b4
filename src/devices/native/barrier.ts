// Emits the routines that kernels reach through their context: the barrier, and the recording of an error.
//
// Waiting is a bounded spin, then a few yields, then a futex. The spin budget adapts per participant: it doubles when
// spinning was enough and halves when it was not, so that more threads than processors do not spin each other out.

import { errorWord, threadContext } from '../../codegen/x64/calling-convention.ts'
import { eax, edx, esi, r8, r9d, r10, r10d, r11d, rcx, rdi, rdx, rsi } from '../../codegen/x64/operands.ts'
import { type Emitter, emitWake, field, futexWait, quad, system, word } from './emitter.ts'
import { poolRecord as pool, stopMode } from './pool-record.ts'

const yieldsBeforeSleep = 3

/**
 * A central barrier: the last to arrive starts a new generation. rdx is the context; rax, rcx and r8-r11 are clobbered.
 * The generation is read before arriving, so it cannot move on without this participant.
 */
export function emitBarrier({ a, labels }: Emitter): void {
  const wait = a.label()
  a.bind(labels.barrier)
  a.emit('mov', r8, quad(rdx, threadContext.pool))
  a.emit('mov', r9d, word(r8, pool.generation))
  a.emit('mov', eax, 1)
  a.emit('lock xadd', word(r8, pool.arrivals), eax)
  a.emit('inc', eax)
  a.emit('cmp', eax, word(rdx, threadContext.threadCount))
  a.emit('jne', wait)
  a.emit('mov', word(r8, pool.arrivals), 0)
  a.emit('lock inc', word(r8, pool.generation))
  a.emit('cmp', word(r8, pool.sleepers), 0)
  a.emit('je', labels.barrierAlone)
  for (const register of [rdi, rsi, rdx]) a.emit('push', register)
  emitWake(a, r8, pool.generation)
  for (const register of [rdx, rsi, rdi]) a.emit('pop', register)
  a.bind(labels.barrierAlone)
  a.emit('ret')
  a.bind(wait)
  emitBarrierWait({ a, labels })
}

function emitBarrierWait({ a, labels }: Emitter): void {
  const [spin, spun, shrunk, yielding] = [a.label(), a.label(), a.label(), a.label()]
  a.emit('mov', r10d, word(rdx, threadContext.spinBudget))
  a.bind(spin)
  a.emit('cmp', word(r8, pool.generation), r9d)
  a.emit('jne', spun)
  a.emit('pause')
  a.emit('dec', r10d)
  a.emit('jne', spin)
  a.emit('mov', eax, word(rdx, threadContext.spinBudget))
  a.emit('shr', eax, 1)
  a.emit('cmp', eax, word(r8, pool.spinFloor))
  a.emit('jb', shrunk)
  a.emit('mov', word(rdx, threadContext.spinBudget), eax)
  a.bind(shrunk)
  a.emit('mov', r10d, yieldsBeforeSleep)
  a.bind(yielding)
  a.emit('mov', eax, system.schedYield)
  a.emit('syscall')
  a.emit('cmp', word(r8, pool.generation), r9d)
  a.emit('jne', labels.barrierAlone)
  a.emit('dec', r10d)
  a.emit('jne', yielding)
  emitBarrierSleep({ a, labels })
  a.bind(spun)
  a.emit('mov', eax, word(rdx, threadContext.spinBudget))
  a.emit('cmp', r10d, eax)
  a.emit('je', labels.barrierAlone)
  a.emit('add', eax, eax)
  a.emit('cmp', eax, word(r8, pool.spinLimit))
  a.emit('ja', labels.barrierAlone)
  a.emit('mov', word(rdx, threadContext.spinBudget), eax)
  a.emit('ret')
}

/** Counting oneself asleep before the futex compares the generation means that no wake-up is lost. */
function emitBarrierSleep({ a }: Emitter): void {
  const [sleep, woken] = [a.label(), a.label()]
  for (const register of [rdi, rsi, rdx]) a.emit('push', register)
  a.emit('lock inc', word(r8, pool.sleepers))
  a.bind(sleep)
  a.emit('cmp', word(r8, pool.stop), stopMode.none)
  a.emit('jne', woken)
  a.emit('lea', rdi, field(r8, pool.generation))
  a.emit('mov', esi, futexWait)
  a.emit('mov', edx, r9d)
  a.emit('xor', r10d, r10d)
  a.emit('mov', eax, system.futex)
  a.emit('syscall')
  a.emit('cmp', word(r8, pool.generation), r9d)
  a.emit('je', sleep)
  a.bind(woken)
  a.emit('lock dec', word(r8, pool.sleepers))
  for (const register of [rdx, rsi, rdi]) a.emit('pop', register)
  a.emit('ret')
}

/** Keeps the error of the lowest kernel id and position, so that which one is reported does not depend on timing. */
export function emitRaise({ a, labels }: Emitter): void {
  const [acquire, acquired, record, release] = [a.label(), a.label(), a.label(), a.label()]
  a.bind(labels.raise)
  a.emit('mov', r10, quad(rdx, threadContext.errorWord))
  a.bind(acquire)
  a.emit('mov', eax, 1)
  a.emit('xchg', word(r10, errorWord.lock), eax)
  a.emit('test', eax, eax)
  a.emit('je', acquired)
  a.emit('pause')
  a.emit('jmp', acquire)
  a.bind(acquired)
  a.emit('mov', r11d, word(rdx, threadContext.kernelId))
  a.emit('cmp', word(r10, errorWord.raised), 0)
  a.emit('je', record)
  a.emit('cmp', r11d, word(r10, errorWord.kernelId))
  a.emit('jb', record)
  a.emit('ja', release)
  a.emit('cmp', rcx, quad(r10, errorWord.position))
  a.emit('jge', release)
  a.bind(record)
  a.emit('mov', word(r10, errorWord.kernelId), r11d)
  a.emit('mov', word(r10, errorWord.code), r9d)
  a.emit('mov', quad(r10, errorWord.position), rcx)
  a.emit('mov', quad(r10, errorWord.value), r8)
  a.emit('mov', word(r10, errorWord.raised), 1)
  a.bind(release)
  a.emit('mov', word(r10, errorWord.lock), 0)
  a.emit('ret')
}
