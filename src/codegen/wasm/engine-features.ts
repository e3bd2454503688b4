// What the JavaScript engine at hand takes: tiny modules are validated, nothing is asked by name.
import { wasmEngine } from './engine.ts'
import type { FunctionCode } from './function-code.ts'
import { ModuleBuilder } from './module-builder.ts'

export interface EngineFeatures {
  readonly simd: boolean
  /** multiply-adds that may round once */
  readonly relaxed: boolean
  /** memory shared between threads, and waiting on it */
  readonly threads: boolean
}

let known: EngineFeatures | undefined

export function engineFeatures(): EngineFeatures {
  known ??= {
    simd: accepts(false, (code) => {
      code.i32(0)
      code.emit('i32x4.splat')
      code.emit('drop')
    }),
    relaxed: accepts(false, (code) => {
      for (let i = 0; i < 3; i++) code.emit('v128.const', new Uint8Array(16))
      code.emit('f32x4.relaxed_madd')
      code.emit('drop')
    }),
    threads:
      typeof SharedArrayBuffer === 'function' &&
      accepts(true, (code) => {
        code.i32(0)
        code.emit('i32.atomic.load')
        code.emit('drop')
      }),
  }
  return known
}

function accepts(shared: boolean, write: (code: FunctionCode) => void): boolean {
  const module = new ModuleBuilder({ shared, initial: 1, maximum: 1 })
  write(module.addFunction('probe', { takes: [], gives: [] }))
  return wasmEngine?.validate(module.encode()) ?? false
}
