// Routines: machine code that many kernels have in common goes in once, and every kernel carries the finished bytes and calls them.
// Arguments are pushed; all general registers are preserved and no vector register is.
import { everyVector, type MachineOperand, memoryOperand, type PoolConstant } from '../machine/machine-op.ts'
import type { Assembler } from './assembler.ts'
import { type Memory, mem, type Operand, type Register, rbp, rsp } from './operands.ts'
import type { Selection } from './select-state.ts'

/** Entries of loops matter, so routines begin with a cache line. */
export const routineAlignment = 64
const mostArguments = 8
/** Routines differ in strides that are part of their code, so that there is no end of them. */
const routineLimit = 512

const written = new Map<string, PoolConstant>()

/** The routine of that name, written the first time it is asked for. The name says all that its code depends on. */
export function routineOf(name: string, write: () => Uint8Array): PoolConstant {
  let routine = written.get(name)
  if (routine === undefined) {
    if (written.size >= routineLimit) written.clear()
    written.set(name, (routine = { data: write(), text: name, isCode: true }))
  }
  return routine
}

/** Calls a routine from the code being selected; arguments are general registers. */
export function callRoutine(s: Selection, routine: PoolConstant, ...args: readonly MachineOperand[]): void {
  s.sequence('callRoutine', 'read', everyVector, memoryOperand({ constant: routine }), ...args)
}

const argumentName = (index: number): string => `argument${index}`

/** Inside a routine: registers that hold its arguments. */
export const takeArguments = (s: Selection, count: number) =>
  Array.from({ length: count }, (_, index) => {
    const register = s.general()
    s.argument(argumentName(index), register)
    return register
  })

type Sequence = (assembler: Assembler, operands: readonly Operand[]) => void

/** Behind the return address and the saved rbp. */
const readArgument =
  (index: number): Sequence =>
  (assembler, [target]) =>
    assembler.emit('mov', target, mem({ base: rbp, disp: 16 + 8 * index }))

export const routineSequences: Readonly<Record<string, Sequence>> = {
  ...Object.fromEntries(
    Array.from({ length: mostArguments }, (_, index) => [argumentName(index), readArgument(index)]),
  ),
  callRoutine(assembler, [routine, ...args]) {
    for (let i = args.length - 1; i >= 0; i--) assembler.emit('push', args[i] as Register)
    assembler.emit('call', (routine as Memory).label!)
    assembler.emit('lea', rsp, mem({ base: rsp, disp: 8 * args.length }))
  },
}
