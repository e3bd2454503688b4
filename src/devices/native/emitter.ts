// What the emitters of the driver's routines share: their names, memory operands by record field, system call numbers.

import type { Assembler } from '../../codegen/x64/assembler.ts'
import { eax, edx, esi, type Label, mem, type Register, rdi } from '../../codegen/x64/operands.ts'

/** Entry points; `run(pool, commands, count)`, `runAlone(context, commands, count)`, `stop(pool, mode)`, `pauses(count)`. */
export const routineNames = [
  'barrier',
  'barrierAlone',
  'raise',
  'interpret',
  'run',
  'runAlone',
  'helper',
  'stop',
  'pauses',
  'ticks',
] as const
export type RoutineName = (typeof routineNames)[number]

export interface Emitter {
  readonly a: Assembler
  readonly labels: Record<RoutineName, Label>
}

export const system = { schedYield: 24, futex: 202, tgkill: 234 }
export const futexWait = 0x80
const futexWake = 0x81
const everyone = 0x7fffffff

export const field = (base: Register, disp: number, size = 0) => mem({ base, disp, size })
export const word = (base: Register, disp: number) => field(base, disp, 4)
export const quad = (base: Register, disp: number) => field(base, disp, 8)

/** Wakes all sleepers on a futex of the pool; clobbers rax, rcx, rdx, rsi, rdi and r11. */
export function emitWake(a: Assembler, base: Register, futex: number): void {
  a.emit('lea', rdi, field(base, futex))
  a.emit('mov', esi, futexWake)
  a.emit('mov', edx, everyone)
  a.emit('mov', eax, system.futex)
  a.emit('syscall')
}
