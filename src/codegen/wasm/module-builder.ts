// Functions, imports and data in, the bytes of a WebAssembly module out.
import { Bytes } from './encode.ts'
import { FunctionCode, type FunctionType, typeByte } from './function-code.ts'

interface Segment {
  readonly address: number
  readonly bytes: Uint8Array
}

export interface MemoryImport {
  readonly shared: boolean
  /** pages of 64 KiB */
  readonly initial: number
  readonly maximum: number
}

const sections = { type: 1, import: 2, function: 3, export: 7, code: 10, data: 11 } as const
const kinds = { function: 0, memory: 2 } as const

/** Imports `env.memory`, then functions of `env`; everything else is the module's own. */
export class ModuleBuilder {
  readonly #memory: MemoryImport
  readonly #imports: FunctionCode[] = []
  readonly #functions: FunctionCode[] = []
  readonly #exported: FunctionCode[] = []
  readonly #segments = new Map<number, Segment>()
  readonly #types: FunctionType[] = []

  constructor(memory: MemoryImport) {
    this.#memory = memory
  }

  /** Only before the first function of the module's own. */
  importFunction(name: string, type: FunctionType): FunctionCode {
    const code = new FunctionCode(name, type, this.#imports.length)
    this.#imports.push(code)
    return code
  }

  addFunction(name: string, type: FunctionType): FunctionCode {
    const code = new FunctionCode(name, type, this.#imports.length + this.#functions.length)
    this.#functions.push(code)
    return code
  }

  /** By its own name. */
  export(code: FunctionCode): void {
    this.#exported.push(code)
  }

  /** Bytes that every instance writes to a fixed address when it is made. */
  data(address: number, bytes: Uint8Array): void {
    this.#segments.set(address, { address, bytes })
  }

  print(): string {
    return this.#functions.map((code) => code.print()).join('\n\n')
  }

  encode(): Uint8Array {
    const functions = [...this.#imports, ...this.#functions].map((code) => this.#typeIndex(code.type))
    const module = new Bytes().byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
    const section = (id: number, write: (bytes: Bytes) => void): void => {
      const content = new Bytes()
      write(content)
      module.byte(id).sized(content)
    }
    section(sections.type, (bytes) => bytes.vector(this.#types, (type) => writeType(bytes, type)))
    section(sections.import, (bytes) => this.#writeImports(bytes))
    section(sections.function, (bytes) =>
      bytes.vector(functions.slice(this.#imports.length), (type) => bytes.unsigned(type)),
    )
    section(sections.export, (bytes) =>
      bytes.vector(this.#exported, (code) => bytes.name(code.name).byte(kinds.function).unsigned(code.index)),
    )
    section(sections.code, (bytes) => bytes.vector(this.#functions, (code) => bytes.sized(code.encode())))
    if (this.#segments.size > 0)
      section(sections.data, (bytes) => bytes.vector([...this.#segments.values()], (one) => writeSegment(bytes, one)))
    return module.done()
  }

  #typeIndex(type: FunctionType): number {
    const key = JSON.stringify(type)
    const known = this.#types.findIndex((other) => JSON.stringify(other) === key)
    return known >= 0 ? known : this.#types.push(type) - 1
  }

  #writeImports(bytes: Bytes): void {
    const { shared, initial, maximum } = this.#memory
    bytes.unsigned(1 + this.#imports.length)
    bytes
      .name('env')
      .name('memory')
      .byte(kinds.memory, shared ? 3 : 1)
      .unsigned(initial)
      .unsigned(maximum)
    for (const code of this.#imports)
      bytes.name('env').name(code.name).byte(kinds.function).unsigned(this.#typeIndex(code.type))
  }
}

function writeType(bytes: Bytes, { takes, gives }: FunctionType): void {
  bytes.byte(0x60)
  bytes.vector(takes, (type) => bytes.byte(typeByte(type)))
  bytes.vector(gives, (type) => bytes.byte(typeByte(type)))
}

const i32Const = 0x41
const end = 0x0b

function writeSegment(bytes: Bytes, { address, bytes: content }: Segment): void {
  bytes.byte(0, i32Const).signed(BigInt(address)).byte(end).unsigned(content.length).append(content)
}
