// Emits the machine code that every pool shares: the driver that interprets a command table on each participant (SPMD),
// and around it the barrier, error raising, the helpers' loop and the stop. Comes out: bytes and each routine's offset.

import { Assembler } from '../../codegen/x64/assembler.ts'
import {
  commandEntry,
  commandFlags,
  errorWord,
  profileSlot,
  threadContext,
} from '../../codegen/x64/calling-convention.ts'
import {
  eax,
  ecx,
  type Label,
  r12,
  r13,
  r13d,
  r14,
  r15,
  r15d,
  rax,
  rbp,
  rbx,
  rdi,
  rdx,
  rsi,
  rsp,
} from '../../codegen/x64/operands.ts'
import { emitBarrier, emitRaise } from './barrier.ts'
import { type Emitter, emitWake, field, quad, type RoutineName, routineNames, word } from './emitter.ts'
import { emitHelper, emitStop } from './helper-thread.ts'
import { poolRecord as pool, runStatus, stopMode } from './pool-record.ts'

export interface Driver {
  readonly code: Uint8Array
  readonly entries: Readonly<Record<RoutineName, number>>
}

export function emitDriver(): Driver {
  const a = new Assembler()
  const labels = Object.fromEntries(routineNames.map((name) => [name, a.label()])) as Record<RoutineName, Label>
  const emitter = { a, labels }
  emitBarrier(emitter)
  emitRaise(emitter)
  emitInterpret(emitter)
  emitRun(emitter)
  emitHelper(emitter)
  emitStop(emitter)
  emitClocks(emitter)
  const code = a.finish()
  const entries = Object.fromEntries(routineNames.map((name) => [name, a.offsetOf(labels[name])]))
  return { code, entries: entries as Record<RoutineName, number> }
}

const interpreterSaves = [rbx, rbp, r12, r13, r14, r15]

/** `interpret(context, commands, count > 0)`: rbx command, rbp commands left, r12 context, r13 profile slot, r14 start. */
function emitInterpret({ a, labels }: Emitter): void {
  const [next, leave] = [a.label(), a.label()]
  a.bind(labels.interpret)
  for (const register of interpreterSaves) a.emit('push', register)
  a.emit('sub', rsp, 8)
  a.emit('mov', r12, rdi)
  a.emit('mov', rbx, rsi)
  a.emit('mov', rbp, rdx)
  a.bind(next)
  a.emit('mov', rax, quad(r12, threadContext.pool))
  a.emit('cmp', word(rax, pool.stop), stopMode.none)
  a.emit('jne', leave)
  emitCommand(a)
  a.emit('add', rbx, commandEntry.bytes)
  a.emit('dec', rbp)
  a.emit('jne', next)
  a.bind(leave)
  a.emit('add', rsp, 8)
  for (const register of [...interpreterSaves].reverse()) a.emit('pop', register)
  a.emit('ret')
}

/** One command on this participant: perhaps the kernel, perhaps a meeting with the others, then the accounts. */
function emitCommand(a: Assembler): void {
  const [meet, barrier, met, done] = [a.label(), a.label(), a.label(), a.label()]
  a.emit('mov', r15d, word(rbx, commandEntry.flags))
  a.emit('xor', r13d, r13d)
  emitChoice(a, meet)
  emitJitter(a)
  a.emit('mov', eax, word(rbx, commandEntry.kernelId))
  a.emit('mov', word(r12, threadContext.kernelId), eax)
  a.emit('mov', rdi, quad(rbx, commandEntry.bindings))
  a.emit('mov', rsi, quad(rbx, commandEntry.sizes))
  a.emit('mov', rdx, r12)
  a.emit('call', quad(rbx, commandEntry.kernel))
  a.bind(meet)
  a.emit('cmp', rbp, 1)
  a.emit('je', barrier)
  a.emit('test', r15d, commandFlags.barrier)
  a.emit('je', met)
  a.bind(barrier)
  a.emit('mov', rdx, r12)
  a.emit('call', quad(r12, threadContext.barrier))
  a.bind(met)
  a.emit('test', r13, r13)
  a.emit('je', done)
  emitTicks(a)
  a.emit('sub', rax, r14)
  a.emit('add', quad(r13, profileSlot.ticks), rax)
  a.emit('inc', quad(r13, profileSlot.calls))
  a.bind(done)
}

/**
 * Jumps to `skip` unless this participant runs the command; starts the clock if it is profiled. Only errors of earlier
 * commands count: another participant may already be raising one further on, and all must decide alike.
 */
function emitChoice(a: Assembler, skip: Label): void {
  const [allowed, first, chosen] = [a.label(), a.label(), a.label()]
  a.emit('test', r15d, commandFlags.skipOnError)
  a.emit('je', allowed)
  a.emit('mov', rax, quad(r12, threadContext.errorWord))
  a.emit('cmp', word(rax, errorWord.raised), 0)
  a.emit('je', allowed)
  a.emit('mov', ecx, word(rax, errorWord.kernelId))
  a.emit('cmp', ecx, word(rbx, commandEntry.kernelId))
  a.emit('jb', skip)
  a.bind(allowed)
  a.emit('cmp', word(r12, threadContext.threadIndex), 0)
  a.emit('je', first)
  a.emit('test', r15d, commandFlags.firstThreadOnly)
  a.emit('jne', skip)
  a.emit('jmp', chosen)
  a.bind(first)
  a.emit('mov', r13, quad(rbx, commandEntry.profile))
  a.emit('test', r13, r13)
  a.emit('je', chosen)
  emitTicks(a)
  a.emit('mov', r14, rax)
  a.bind(chosen)
}

/** In tests: a pause of random length, so that participants meet every kernel in another order each time. */
function emitJitter(a: Assembler): void {
  const [again, none] = [a.label(), a.label()]
  a.emit('mov', rax, quad(r12, threadContext.pool))
  a.emit('mov', ecx, word(rax, pool.jitter))
  a.emit('test', ecx, ecx)
  a.emit('je', none)
  a.emit('rdtsc')
  a.emit('imul', eax, eax, 0x9e3779b1 | 0)
  a.emit('shr', eax, 8)
  a.emit('and', eax, ecx)
  a.bind(again)
  a.emit('pause')
  a.emit('dec', eax)
  a.emit('jns', again)
  a.bind(none)
}

/** rax = time-stamp counter; clobbers rdx. */
function emitTicks(a: Assembler): void {
  a.emit('rdtsc')
  a.emit('shl', rdx, 32)
  a.emit('or', rax, rdx)
}

/** The caller is participant 0: publishes the program, wakes whoever sleeps, works, and returns a `runStatus`. */
function emitRun({ a, labels }: Emitter): void {
  const [awake, status, notStopped, stopped] = [a.label(), a.label(), a.label(), a.label()]
  a.bind(labels.run)
  a.emit('push', rbx)
  a.emit('mov', rbx, rdi)
  a.emit('mov', word(rbx, pool.error + errorWord.raised), 0)
  a.emit('mov', quad(rbx, pool.commands), rsi)
  a.emit('mov', quad(rbx, pool.commandCount), rdx)
  a.emit('lock inc', word(rbx, pool.work))
  a.emit('cmp', word(rbx, pool.idlers), 0)
  a.emit('je', awake)
  emitWake(a, rbx, pool.work)
  a.bind(awake)
  a.emit('lea', rdi, field(rbx, pool.contexts))
  a.emit('mov', rsi, quad(rbx, pool.commands))
  a.emit('mov', rdx, quad(rbx, pool.commandCount))
  a.emit('call', labels.interpret)
  a.emit('jmp', status)
  a.bind(labels.runAlone)
  a.emit('push', rbx)
  a.emit('mov', rbx, quad(rdi, threadContext.pool))
  a.emit('mov', word(rbx, pool.error + errorWord.raised), 0)
  a.emit('call', labels.interpret)
  a.bind(status)
  a.emit('cmp', word(rbx, pool.stop), stopMode.none)
  a.emit('jne', stopped)
  a.emit('xor', eax, eax)
  a.emit('cmp', word(rbx, pool.error + errorWord.raised), 0)
  a.emit('je', notStopped)
  a.emit('mov', eax, runStatus.raised)
  a.bind(notStopped)
  a.emit('pop', rbx)
  a.emit('ret')
  a.bind(stopped)
  a.emit('mov', eax, runStatus.stopped)
  a.emit('pop', rbx)
  a.emit('ret')
}

/** `pauses(count)`, by which a pool learns how long a pause takes, and `ticks()`, the profiler's clock. */
function emitClocks({ a, labels }: Emitter): void {
  const again = a.label()
  a.bind(labels.pauses)
  a.bind(again)
  a.emit('pause')
  a.emit('dec', rdi)
  a.emit('jne', again)
  a.emit('ret')
  a.bind(labels.ticks)
  emitTicks(a)
  a.emit('ret')
}
