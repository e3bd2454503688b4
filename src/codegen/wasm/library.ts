// Functions that kernels share, written into a module when first asked for: integers that never trap, conversions, the barrier,
// error records, and float functions (library-math.ts).
import { CompileError } from '../../base/errors.ts'
import type { FunctionCode, FunctionType } from './function-code.ts'
import type { ValueType } from './instruction-table.ts'
import { conversionFunctions } from './library-convert.ts'
import { integerFunctions } from './library-integer.ts'
import { floatFunctions } from './library-math.ts'
import { threadFunctions } from './library-threads.ts'
import type { ModuleBuilder } from './module-builder.ts'

export interface LibraryFunction {
  /** as `i32 i64 -> v128` */
  readonly type: string
  write(code: FunctionCode, library: Library): void
}

export type LibraryFunctions = Readonly<Record<string, LibraryFunction>>

const functions: LibraryFunctions = {
  ...integerFunctions,
  ...conversionFunctions,
  ...threadFunctions,
  ...floatFunctions,
}

export class Library {
  readonly module: ModuleBuilder
  /** whether memory is shared between threads */
  readonly shared: boolean
  readonly #written = new Map<string, FunctionCode>()

  constructor(module: ModuleBuilder, shared: boolean) {
    this.module = module
    this.shared = shared
  }

  get(name: string): FunctionCode {
    const found = functions[name]
    if (found === undefined)
      throw new CompileError(`wasm: expected a function of the library, got '${name}'.`, { name })
    return this.made(name, found)
  }

  /** A function that depends on what is in its name. */
  made(name: string, { type, write }: LibraryFunction): FunctionCode {
    let code = this.#written.get(name)
    if (code !== undefined) return code
    code = this.module.addFunction(name, parseType(type))
    this.#written.set(name, code)
    write(code, this)
    return code
  }
}

export const libraryNames = (): readonly string[] => Object.keys(functions)

function parseType(text: string): FunctionType {
  const [takes, gives] = text.split('->').map((side) => side.trim().split(' ').filter(Boolean) as ValueType[])
  return { takes, gives }
}
