// Writes one instruction, given a Form of the table and operands that match it, into a growing byte buffer.
// Fields that refer to labels are left zero and noted as fixups, which `patch` fills once every label has its place.

import type { Form, ImmediateRange } from './form.ts'
import type { Immediate, Label, Memory, Operand, Register } from './operands.ts'

/** The architecture allows 15 bytes; rounded up. */
const longestInstruction = 16
const prefixBytes = [0, 0x66, 0xf3, 0xf2]
const scaleBits = [0, 0, 1, 0, 2, 0, 0, 0, 3]
const low32 = 0xffffffffn

export class InstructionWriter {
  bytes = new Uint8Array(4096)
  length = 0
  /** Triples: position of a 4-byte field, label id, what to add to (target - position). */
  readonly #fixups: number[] = []

  write(form: Form, operands: readonly Operand[]): void {
    this.reserve(longestInstruction)
    if (form.encoding === 'legacy') this.#legacyPrefixes(form, operands)
    else if (form.encoding === 'vex') form = this.#vexPrefix(form, operands)
    else this.#evexPrefix(form, operands)
    const low = form.opcodeRegister < 0 ? 0 : (operands[form.opcodeRegister] as Register).index & 7
    this.#byte(form.opcode | low)
    if (form.fixed >= 0) this.#byte(form.fixed)
    const fixupsBefore = this.#fixups.length
    if (form.rm >= 0) this.#modrm(form, operands)
    this.#immediates(form, operands)
    // A rip-relative displacement counts from the end of the instruction, which is known only now.
    if (this.#fixups.length > fixupsBefore) this.#fixups[fixupsBefore + 2]! -= this.length - this.#fixups[fixupsBefore]!
  }

  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  append(data: Uint8Array): void {
    this.reserve(data.length)
    this.bytes.set(data, this.length)
    this.length += data.length
  }

  /** Fills every field that refers to a label; `offsetOf` gives a label's position, by id. */
  patch(offsetOf: (id: number) => number): void {
    const view = new DataView(this.bytes.buffer)
    for (let i = 0; i < this.#fixups.length; i += 3) {
      const position = this.#fixups[i]!
      view.setInt32(position, offsetOf(this.#fixups[i + 1]!) - position + this.#fixups[i + 2]!, true)
    }
  }

  #byte(value: number): void {
    this.bytes[this.length++] = value
  }

  #int32(value: number): void {
    this.bytes[this.length++] = value
    this.bytes[this.length++] = value >> 8
    this.bytes[this.length++] = value >> 16
    this.bytes[this.length++] = value >> 24
  }

  #fixup(label: Label, addend: number): void {
    this.#fixups.push(this.length, label.id, addend)
    this.#int32(0)
  }

  #legacyPrefixes(form: Form, operands: readonly Operand[]): void {
    if (form.lock) this.#byte(0xf0)
    if (form.prefix !== 0) this.#byte(prefixBytes[form.prefix]!)
    let rex = form.w << 3
    if (form.reg >= 0) rex |= ((operands[form.reg] as Register).index & 8) >> 1
    if (form.opcodeRegister >= 0) rex |= (operands[form.opcodeRegister] as Register).index >> 3
    if (form.rm >= 0) rex |= extension(operands[form.rm] as Register | Memory)
    if (rex !== 0 || needsRex(operands)) this.#byte(0x40 | rex)
    if (form.map !== 0) this.#byte(0x0f)
    if (form.map === 2) this.#byte(0x38)
    else if (form.map === 3) this.#byte(0x3a)
  }

  /** Two bytes where the fields allow, as assemblers do, also by using the form's twin; returns the form to go on with. */
  #vexPrefix(form: Form, operands: readonly Operand[]): Form {
    let reg = form.reg < 0 ? 0 : (operands[form.reg] as Register).index & 8
    let rm = form.rm < 0 ? 0 : extension(operands[form.rm] as Register | Memory)
    const vvvv = form.vvvv < 0 ? 0 : (operands[form.vvvv] as Register).index
    if (form.twin !== undefined && rm === 1 && reg === 0 && (operands[form.rm] as Register).kind === 'register') {
      form = form.twin
      reg = 8
      rm = 0
    }
    const last = ((~vvvv & 15) << 3) | (form.l << 2) | form.prefix
    if (rm === 0 && form.w === 0 && form.map === 1) {
      this.#byte(0xc5)
      this.#byte((reg === 0 ? 0x80 : 0) | last)
    } else {
      this.#byte(0xc4)
      this.#byte((reg === 0 ? 0x80 : 0) | ((~rm & 3) << 5) | form.map)
      this.#byte((form.w << 7) | last)
    }
    return form
  }

  #evexPrefix(form: Form, operands: readonly Operand[]): void {
    const reg = form.reg < 0 ? 0 : (operands[form.reg] as Register).index
    const vvvv = form.vvvv < 0 ? 0 : (operands[form.vvvv] as Register).index
    const rmOperand = form.rm < 0 ? undefined : (operands[form.rm] as Register | Memory)
    let rm = rmOperand === undefined ? 0 : extension(rmOperand)
    // A register in ModRM.rm borrows EVEX.X as its fifth bit.
    if (rmOperand?.kind === 'register' && rmOperand.index & 16) rm |= 2
    const { opmask, zeroing } = operands[0] as Register | Memory
    this.#byte(0x62)
    this.#byte((reg & 8 ? 0 : 0x80) | ((~rm & 3) << 5) | (reg & 16 ? 0 : 0x10) | form.map)
    this.#byte((form.w << 7) | ((~vvvv & 15) << 3) | 4 | form.prefix)
    this.#byte((zeroing ? 0x80 : 0) | (form.l << 5) | (vvvv & 16 ? 0 : 8) | (opmask === undefined ? 0 : opmask.index))
  }

  #modrm(form: Form, operands: readonly Operand[]): void {
    const field = (form.digit >= 0 ? form.digit : (operands[form.reg] as Register).index & 7) << 3
    const rm = operands[form.rm] as Register | Memory
    if (rm.kind === 'register') this.#byte(0xc0 | field | (rm.index & 7))
    else this.#memory(field, rm, form.encoding === 'evex' ? form.slots[form.rm]!.memorySize : 1)
  }

  /** `unit` is what an 8-bit displacement counts in: 1, or with EVEX the size of the memory operand. */
  #memory(field: number, { base, index, scale, disp, label }: Memory, unit: number): void {
    if (label !== undefined) {
      this.#byte(field | 5)
      this.#fixup(label, disp)
      return
    }
    const indexBits = index === undefined ? 4 : index.index & 7
    if (base === undefined) {
      this.#byte(field | 4)
      this.#byte((scaleBits[scale]! << 6) | (indexBits << 3) | 5)
      this.#int32(disp)
      return
    }
    const low = base.index & 7
    const short = disp / unit
    // With no displacement, base 5 (rbp, r13) would mean rip or no base.
    const mode = disp === 0 && low !== 5 ? 0 : short === (short << 24) >> 24 ? 0x40 : 0x80
    if (index !== undefined || low === 4) {
      this.#byte(mode | field | 4)
      this.#byte((scaleBits[scale]! << 6) | (indexBits << 3) | low)
    } else this.#byte(mode | field | low)
    if (mode === 0x40) this.#byte(short)
    else if (mode === 0x80) this.#int32(disp)
  }

  #immediates(form: Form, operands: readonly Operand[]): void {
    if (form.relative >= 0) this.#fixup(operands[form.relative] as Label, 0)
    if (form.registerImmediate >= 0) this.#byte((operands[form.registerImmediate] as Register).index << 4)
    if (form.immediate < 0) return
    const value = operands[form.immediate] as Immediate
    const { bytes } = form.slots[form.immediate]!.immediate as ImmediateRange
    if (bytes === 8) {
      const wide = BigInt(value)
      this.#int32(Number(wide & low32))
      this.#int32(Number((wide >> 32n) & low32))
    } else if (bytes === 4) this.#int32(Number(value))
    else for (let i = 0; i < bytes; i++) this.#byte(Number(value) >> (8 * i))
  }
}

/** The bits that extend ModRM.rm (or base) and index beyond 8: B in bit 0, X in bit 1. */
function extension(operand: Register | Memory): number {
  if (operand.kind === 'register') return (operand.index >> 3) & 1
  const base = operand.base === undefined ? 0 : operand.base.index >> 3
  return operand.index === undefined ? base : base | ((operand.index.index >> 2) & 2)
}

/** spl, bpl, sil and dil exist only under a REX prefix. */
function needsRex(operands: readonly Operand[]): boolean {
  for (const operand of operands) {
    if (typeof operand === 'object' && operand.kind === 'register' && operand.size === 1 && operand.index >= 4)
      if (operand.file === 'gpr') return true
  }
  return false
}
