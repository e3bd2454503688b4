// The body of one WebAssembly function while it is written: instructions in buffers that may still grow after later code is written,
// so that a value can be computed ahead of the loop that turns out to need it. Encodes itself and prints itself.
import { CompileError } from '../../base/errors.ts'
import { Bytes } from './encode.ts'
import { instructionTable, type ValueType } from './instruction-table.ts'

export type Operand = number | bigint | Uint8Array | ValueType | undefined

interface Instruction {
  readonly name: string
  readonly first: Operand
  readonly second: number
}

/** Instructions in order; a buffer inside stands where its instructions will. */
export type CodeBuffer = (Instruction | CodeBuffer)[]

export interface FunctionType {
  readonly takes: readonly ValueType[]
  readonly gives: readonly ValueType[]
}

const typeBytes: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b }
export const typeByte = (type: ValueType): number => typeBytes[type]
const noResult = 0x40

export class FunctionCode {
  readonly name: string
  readonly type: FunctionType
  readonly index: number
  readonly #locals: ValueType[] = []
  readonly #body: CodeBuffer = []
  #current: CodeBuffer = this.#body

  constructor(name: string, type: FunctionType, index: number) {
    this.name = name
    this.type = type
    this.index = index
  }

  /** Number of a new local, which is 0 at entry. */
  local(type: ValueType): number {
    return this.type.takes.length + this.#locals.push(type) - 1
  }

  emit(name: string, first?: Operand, second = 0): void {
    this.#current.push({ name, first, second })
  }

  get(local: number): void {
    this.emit('local.get', local)
  }

  set(local: number): void {
    this.emit('local.set', local)
  }

  tee(local: number): void {
    this.emit('local.tee', local)
  }

  /** Takes the top of the stack into a new local. */
  keep(type: ValueType): number {
    const local = this.local(type)
    this.set(local)
    return local
  }

  call(target: FunctionCode): void {
    this.emit('call', target.index)
  }

  i32(value: number): void {
    this.emit('i32.const', value | 0)
  }

  i64(value: number | bigint): void {
    this.emit('i64.const', BigInt.asIntN(64, BigInt(value)))
  }

  /** A buffer that stands here and may be written to later. */
  reserve(): CodeBuffer {
    const buffer: CodeBuffer = []
    this.#current.push(buffer)
    return buffer
  }

  /** Puts a buffer here that may have been, and may yet be, written to. */
  place(buffer: CodeBuffer): void {
    this.#current.push(buffer)
  }

  /** Writes into `buffer` instead. */
  into(buffer: CodeBuffer, write: () => void): void {
    const outer = this.#current
    this.#current = buffer
    write()
    this.#current = outer
  }

  /** `kind` with its `end`; `result` is what it leaves. */
  block(kind: 'block' | 'loop' | 'if', body: () => void, result?: ValueType): void {
    this.emit(kind, result)
    body()
    this.emit('end')
  }

  ifElse(then: () => void, otherwise: () => void, result?: ValueType): void {
    this.emit('if', result)
    then()
    this.emit('else')
    otherwise()
    this.emit('end')
  }

  /** Locals and instructions, behind their size. */
  encode(): Bytes {
    const bytes = new Bytes()
    bytes.vector(runsOf(this.#locals), ([type, count]) => bytes.unsigned(count).byte(typeBytes[type]))
    for (const instruction of flatten(this.#body)) encodeInstruction(bytes, instruction)
    return bytes.byte(0x0b)
  }

  print(): string {
    const { takes, gives } = this.type
    const lines = [`func ${this.name} (${takes.join(' ')}) -> (${gives.join(' ')})`]
    const locals = runsOf(this.#locals).map(([type, count]) => `${count} ${type}`)
    if (locals.length > 0) lines.push(`  locals ${locals.join(', ')}`)
    let depth = 1
    for (const { name, first, second } of flatten(this.#body)) {
      if (name === 'end' || name === 'else') depth--
      const operands = instructionTable.get(name)!.immediate === 'none' ? [] : printOperands(name, first, second)
      lines.push([`${'  '.repeat(depth)}${name}`, ...operands].join(' '))
      if (name === 'block' || name === 'loop' || name === 'if' || name === 'else') depth++
    }
    return lines.join('\n')
  }
}

function printOperands(name: string, first: Operand, second: number): string[] {
  const { immediate } = instructionTable.get(name)!
  const text = first instanceof Uint8Array ? [...first].join(' ') : String(first ?? '')
  if (immediate === 'memory') return first ? [`offset=${text}`] : []
  if (immediate === 'memoryLane') return [...(first ? [`offset=${text}`] : []), `lane=${second}`]
  return text === '' ? [] : [text]
}

function* flatten(buffer: CodeBuffer): Generator<Instruction> {
  for (const item of buffer)
    if (Array.isArray(item)) yield* flatten(item)
    else yield item
}

/** Runs of equal types. */
function runsOf(types: readonly ValueType[]): [ValueType, number][] {
  const runs: [ValueType, number][] = []
  for (const type of types) {
    const last = runs.at(-1)
    if (last?.[0] === type) last[1]++
    else runs.push([type, 1])
  }
  return runs
}

export function encodeInstruction(bytes: Bytes, { name, first, second }: Instruction): void {
  const row = instructionTable.get(name)
  if (row === undefined) throw new CompileError(`wasm: expected an instruction of the table, got '${name}'.`, { name })
  if (row.prefix === undefined) bytes.byte(row.opcode)
  else bytes.byte(row.prefix).unsigned(row.opcode)
  switch (row.immediate) {
    case 'index':
      bytes.unsigned(first as number)
      break
    case 'block':
      bytes.byte(first === undefined ? noResult : typeBytes[first as ValueType])
      break
    case 'i32':
    case 'i64':
      bytes.signed(BigInt(first as number | bigint))
      break
    case 'f32':
      bytes.float(first as number, 4)
      break
    case 'f64':
      bytes.float(first as number, 8)
      break
    case 'bytes':
      bytes.append(first as Uint8Array)
      break
    case 'lane':
      bytes.byte(first as number)
      break
    case 'memory':
      bytes.unsigned(row.align).unsigned((first as number | undefined) ?? 0)
      break
    case 'memoryLane':
      bytes
        .unsigned(row.align)
        .unsigned((first as number | undefined) ?? 0)
        .byte(second)
  }
}
