// Kernel in, a WebAssembly function out: (bindings, sizes, context), addresses of tables that layout.ts describes.

import { bytesOf } from '../../base/dtype.ts'
import type { Kernel, Statement } from '../../kernel/kernel-node.ts'
import { writesParams } from '../machine/select-statements.ts'
import { scalarGroup } from './forms.ts'
import type { FunctionCode } from './function-code.ts'
import { threadContext } from './layout.ts'
import type { Library } from './library.ts'
import { selectStatements } from './select-statement.ts'
import { kernelParameters, Selection, type SelectionOptions } from './selection.ts'

export interface EmittedKernel {
  readonly code: FunctionCode
  /** scratch memory that each participant needs */
  readonly scratchBytes: number
}

const scratchAlignment = 64

export function emitKernel(kernel: Kernel, name: string, library: Library, options: SelectionOptions): EmittedKernel {
  const code = library.module.addFunction(name, { takes: ['i32', 'i32', 'i32'], gives: [] })
  const s = new Selection(kernel, code, library, options)
  let scratchBytes = 0
  for (const scratch of kernel.scratch) {
    s.scratchOffsets.set(scratch, scratchBytes)
    const bytes = scratch.size * bytesOf(scratch.dtype)
    scratchBytes += Math.ceil(bytes / scratchAlignment) * scratchAlignment
  }
  for (const statement of kernel.body) selectTop(s, statement)
  return { code, scratchBytes }
}

/** Outside parallel loops all participants compute everything, but only the first writes to the call's buffers. */
function selectTop(s: Selection, statement: Statement): void {
  const select = (): void => selectStatements(s, [statement], [scalarGroup])
  if ((statement.op === 'for' && statement.kind === 'parallel') || !writesParams(statement)) {
    select()
    return
  }
  s.code.get(kernelParameters.context)
  s.emit('i32.load', threadContext.index)
  s.emit('i32.eqz')
  s.code.block('if', select)
}
