// The JavaScript engine's own WebAssembly, with the types of what is used of it: the language's library has none without a browser's.

export interface WasmMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer
  /** by pages of 64 KiB; gives the pages before */
  grow(pages: number): number
}

/** Compiled code, which workers may be sent. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>
}

interface WasmEngine {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => WasmModule
  readonly Instance: new (module: WasmModule, imports: object) => WasmInstance
  readonly Memory: new (pages: { initial: number; maximum: number; shared?: boolean }) => WasmMemory
}

/** undefined in an engine without it. */
export const wasmEngine = (globalThis as { WebAssembly?: WasmEngine }).WebAssembly
