// Kernel in, x86-64 machine code out: selection into virtual registers, allocation, then bytes with a constant pool behind them.
// The code is position-independent and follows calling-convention.ts; checked mode adds a bounds test before every access.

import { bytesOf } from '../../base/dtype.ts'
import { CompileError } from '../../base/errors.ts'
import type { Kernel, Statement } from '../../kernel/kernel-node.ts'
import { type Allocation, allocateRegisters } from '../machine/allocate.ts'
import { type MachineFunction, memoryOperand } from '../machine/machine-op.ts'
import { printMachine } from '../machine/print.ts'
import { writesParams } from '../machine/select-statements.ts'
import { kernelStackBytes, threadContext } from './calling-convention.ts'
import { allocationTarget, writeMachineCode } from './emit-code.ts'
import { flatten } from './flatten.ts'
import { Selection, scalarGroup } from './select-state.ts'
import { selectStatements } from './select-statement.ts'
import { evaluate } from './select-value.ts'

export interface EmitOptions {
  /** a bounds test before every load and store */
  readonly checked: boolean
  /** AVX2 and FMA are taken for granted */
  readonly features: { readonly f16c: boolean; readonly avx512: boolean }
}

export interface EmittedKernel {
  readonly code: Uint8Array
  /** scratch memory that each participant needs */
  readonly scratchBytes: number
  print(): string
}

const scratchAlignment = 64

export function emitKernel(kernel: Kernel, options: EmitOptions): EmittedKernel {
  const { selected, scratchBytes } = selectKernel(kernel, options)
  const allocation = allocateRegisters(selected, allocationTarget)
  checkFrame(allocation)
  const code = writeMachineCode(allocation)
  return { code, scratchBytes, print: () => printAllocated(allocation) }
}

/** The kernel over virtual registers. */
export function selectKernel(kernel: Kernel, { checked, features }: EmitOptions) {
  const s = new Selection(kernel, { checked, f16c: features.f16c, avx512: features.avx512 }, evaluate)
  let scratchBytes = 0
  for (const scratch of kernel.scratch) {
    s.scratchOffsets.set(scratch, scratchBytes)
    const bytes = scratch.size * bytesOf(scratch.dtype)
    scratchBytes += Math.ceil(bytes / scratchAlignment) * scratchAlignment
  }
  takeArguments(s)
  for (const statement of kernel.body) selectTop(s, statement)
  // what went past the caches is in order with what other participants see
  if (s.streams) s.read('sfence')
  const selected: MachineFunction = { name: kernel.name, ops: flatten(s.root), registers: s.registers }
  return { selected, scratchBytes }
}

/** Arguments are read from where the prologue keeps them, as named operations that may be repeated. */
function takeArguments(s: Selection): void {
  s.argument('bindings', s.bindingsPointer)
  s.argument('sizes', s.sizesPointer)
  s.argument('context', s.contextPointer)
}

/** Outside parallel loops all participants compute everything, but only the first writes to the call's buffers. */
function selectTop(s: Selection, statement: Statement): void {
  if ((statement.op === 'for' && statement.kind === 'parallel') || !writesParams(statement)) {
    selectStatements(s, [statement], [scalarGroup])
    return
  }
  const skip = s.label()
  s.read('cmp', memoryOperand({ base: s.contextPointer, disp: threadContext.threadIndex, bytes: 8 }), 0)
  s.branch('jne', skip)
  selectStatements(s, [statement], [scalarGroup])
  s.mark(skip)
}

function checkFrame({ code, frameBytes }: Allocation): void {
  if (frameBytes > kernelStackBytes / 2)
    throw new CompileError(`x64: ${code.name} needs ${frameBytes} bytes of stack, more than ${kernelStackBytes / 2}.`)
}

function printAllocated({ code, assigned }: Allocation): string {
  const prefixes: Record<number, string> = { 1: 'b', 4: 'd', 8: 'r', 16: 'xmm', 32: 'ymm', 64: 'zmm' }
  return printMachine(code, ({ id }, bytes) => `${prefixes[bytes]}${assigned[id]}`)
}
