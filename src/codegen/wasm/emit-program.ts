// The kernels and calls of a program in, one module out. Its driver, `run(context)`, is called by every participant: it calls the
// kernels in order, with barriers between them. `runProfiled` tells the host after each call.
import type { Kernel } from '../../kernel/kernel-node.ts'
import { type EmittedKernel, emitKernel } from './emit-kernel.ts'
import type { FunctionCode } from './function-code.ts'
import { errorRecord, threadContext } from './layout.ts'
import { Library } from './library.ts'
import { type MemoryImport, ModuleBuilder } from './module-builder.ts'

export interface ProgramCall {
  /** index into the kernels */
  readonly kernel: number
  /** first entry in the table of bindings */
  readonly firstBinding: number
  readonly barrier: boolean
  /** skipped once an error is recorded */
  readonly persistent: boolean
}

export interface ProgramOptions {
  readonly memory: MemoryImport
  readonly checked: boolean
  /** whether the engine has relaxed SIMD, whose multiply-add rounds once where the processor's does */
  readonly relaxed: boolean
}

export interface EmittedProgram {
  readonly bytes: Uint8Array
  readonly scratchBytes: number
  print(): string
}

export function emitProgram(
  kernels: readonly Kernel[],
  calls: readonly ProgramCall[],
  { memory, checked, relaxed }: ProgramOptions,
): EmittedProgram {
  const module = new ModuleBuilder(memory)
  const mark = module.importFunction('mark', { takes: ['i32', 'i32'], gives: [] })
  const library = new Library(module, memory.shared)
  const emitted = kernels.map((kernel, i) => emitKernel(kernel, `kernel${i}`, library, { checked, relaxed }))
  writeDriver(module, library, emitted, calls, 'run', undefined)
  writeDriver(module, library, emitted, calls, 'runProfiled', mark)
  return {
    bytes: module.encode(),
    scratchBytes: Math.max(64, ...emitted.map((kernel) => kernel.scratchBytes)),
    print: () => module.print(),
  }
}

function writeDriver(
  module: ModuleBuilder,
  library: Library,
  kernels: readonly EmittedKernel[],
  calls: readonly ProgramCall[],
  name: string,
  mark: FunctionCode | undefined,
): void {
  const code = module.addFunction(name, { takes: ['i32'], gives: [] })
  module.export(code)
  const wait = (): void => {
    code.get(0)
    code.call(library.get('barrier'))
  }
  calls.forEach((call, i) => {
    code.get(0)
    code.i32(i)
    code.emit('i32.store', threadContext.call)
    const one = (): void => writeCall(code, kernels[call.kernel].code, call)
    if (call.persistent) unlessFailed(code, library, one)
    else one()
    if (call.barrier || (mark && i < calls.length - 1)) wait()
    if (!mark) return
    code.get(0)
    code.i32(i)
    code.call(mark)
  })
  wait()
}

function writeCall(code: FunctionCode, kernel: FunctionCode, { firstBinding }: ProgramCall): void {
  code.get(0)
  code.emit('i32.load', threadContext.bindings)
  code.i32(4 * firstBinding)
  code.emit('i32.add')
  // no program has sizes that change from call to call yet
  code.i32(0)
  code.get(0)
  code.call(kernel)
}

function unlessFailed(code: FunctionCode, library: Library, body: () => void): void {
  code.i32(errorRecord.address)
  code.emit(library.shared ? 'i32.atomic.load' : 'i32.load')
  code.emit('i32.eqz')
  code.block('if', body)
}
