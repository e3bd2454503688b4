// The x86-64 assembler: mnemonics and operands come in one by one, machine code with its constant pool goes out.
// The result is position-independent; load it at an address aligned to the largest alignment asked for.

import { CompileError } from '../../base/errors.ts'
import { InstructionWriter } from './encode.ts'
import { formsOf, type Mnemonic } from './instruction-table.ts'
import { type Label, makeLabel, type Operand } from './operands.ts'
import { formatOperand } from './print.ts'
import { selectForm } from './select.ts'

interface Constant {
  readonly label: Label
  readonly bytes: Uint8Array
  readonly alignment: number
}

/** The manual's recommended fillers of 1 to 9 bytes. */
const fillers = [
  [0x90],
  [0x66, 0x90],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0],
  [0x0f, 0x1f, 0x44, 0, 0],
  [0x66, 0x0f, 0x1f, 0x44, 0, 0],
  [0x0f, 0x1f, 0x80, 0, 0, 0, 0],
  [0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
  [0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
].map((bytes) => Uint8Array.from(bytes))

export class Assembler {
  readonly #writer = new InstructionWriter()
  /** Offset of each label by id; -1 until bound. */
  readonly #offsets: number[] = []
  readonly #pool: Constant[] = []
  /** by alignment and content */
  readonly #constants = new Map<string, Label>()
  #finished = false

  /** Bytes emitted so far; after `finish`, still the size of the code without its constant pool. */
  codeLength = 0

  /** Appends an instruction. Jumps and calls to labels always take the 32-bit form. */
  emit(mnemonic: Mnemonic, ...operands: readonly Operand[]): void {
    this.append(mnemonic, operands)
  }

  /** The same with a list of operands. */
  append(mnemonic: Mnemonic, operands: readonly Operand[]): void {
    const form = selectForm(formsOf(mnemonic), operands)
    if (form === undefined) throw mismatch(mnemonic, operands)
    this.#writer.write(form, operands)
    this.codeLength = this.#writer.length
  }

  label(): Label {
    this.#offsets.push(-1)
    return makeLabel(this.#offsets.length - 1)
  }

  /** Puts a label here, and returns it. */
  bind(label: Label = this.label()): Label {
    if (this.#offsets[label.id] !== -1) {
      throw new CompileError(`bind: expected a fresh label of this assembler, got label ${label.id}, bound or foreign.`)
    }
    this.#offsets[label.id] = this.codeLength
    return label
  }

  /** Fills with nops up to a multiple of `alignment` bytes. */
  align(alignment: number): void {
    let missing = (alignment - (this.codeLength % alignment)) % alignment
    while (missing > 0) {
      const filler = fillers[Math.min(missing, fillers.length) - 1]!
      this.data(filler)
      missing -= filler.length
    }
  }

  /** Raw bytes in the instruction stream. */
  data(bytes: Uint8Array): void {
    this.#writer.append(bytes)
    this.codeLength = this.#writer.length
  }

  /** A label for `bytes` in the pool behind the code; equal constants are stored once. */
  constant(bytes: Uint8Array, alignment = bytes.length): Label {
    const key = `${alignment}:${Array.from(bytes).join()}`
    const known = this.#constants.get(key)
    if (known !== undefined) return known
    const label = this.attach(bytes.slice(), alignment)
    this.#constants.set(key, label)
    return label
  }

  /** A label for `bytes` in the pool, whatever else is there. */
  attach(bytes: Uint8Array, alignment: number): Label {
    const label = this.label()
    this.#pool.push({ label, bytes, alignment })
    return label
  }

  offsetOf(label: Label): number {
    const offset = this.#offsets[label.id]
    if (offset === undefined || offset < 0) {
      throw new CompileError(
        `assembler: expected label ${label.id} to be bound before finish, but bind was not called.`,
      )
    }
    return offset
  }

  /** The code and its pool, labels resolved. The assembler is spent afterwards. */
  finish(): Uint8Array {
    if (this.#finished) throw new CompileError('finish: this assembler has already given its code; make a new one.')
    this.#finished = true
    // Widest alignment first, so that padding is spent once.
    const pool = this.#pool.sort((a, b) => b.alignment - a.alignment)
    for (const { label, bytes, alignment } of pool) {
      const padding = (alignment - (this.#writer.length % alignment)) % alignment
      this.#writer.append(new Uint8Array(padding))
      this.#offsets[label.id] = this.#writer.length
      this.#writer.append(bytes)
    }
    this.#writer.patch((id) => this.offsetOf(makeLabel(id)))
    return this.#writer.bytes.slice(0, this.#writer.length)
  }
}

function mismatch(mnemonic: string, operands: readonly Operand[]): CompileError {
  const got = operands.map((operand) => formatOperand(operand)).join(', ') || 'no operands'
  const forms = formsOf(mnemonic as Mnemonic)
  if (forms.length === 0) return new CompileError(`emit: "${mnemonic}" is not in the x86-64 instruction table.`)
  const known = [...new Set(forms.map(({ slots }) => slots.map(({ text }) => text).join(', ') || 'no operands'))]
  const sizeless = operands.some((operand) => typeof operand === 'object' && operand.kind === 'memory' && !operand.size)
  const hint = sizeless ? ' Give the memory operand a size if the registers do not tell it.' : ''
  return new CompileError(`${mnemonic}: expected ${known.join(' | ')}; got ${got}.${hint}`, {
    mnemonic,
    operands,
    known,
  })
}
